"""From what was recorded to the event that announces it."""

# The detail type of the event; EventBridge's rules name it.
DETAIL_TYPE = "S3 Object Processed"
