"""From what was recorded to the events that announce it."""

# The detail types of the events; EventBridge's rules name them.
OBJECT_PROCESSED = "S3 Object Processed"
