"""From what was recorded to the events that announce it."""

# The detail types of the events; EventBridge's rules name them.
OBJECT_PROCESSED = "S3 Object Processed"
FAILURES_CHANGED = "Test Failures Changed"

# That of both details (docs/events): raised when something in them is renamed, goes, or means something else.
SCHEMA_VERSION = "1"
