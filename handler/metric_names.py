"""The metrics that the functions write themselves: alarms and the dashboard look for them under these names."""

from __future__ import annotations

from enum import StrEnum

NAMESPACE = "TAP"
SERVICE = "tap"
"""The value of the dimension `service`; that of the other one, `environment`, is the environment's suffix."""


class MetricName(StrEnum):
    # Of the ingest function: uploads, each counted once, when it is recorded and announced.
    REPORTS = "Reports"
    CASES = "Cases"
    FAULTS = "Faults"
    """1 for an upload that cannot be read, and 0 for any other."""
    DURATION = "Duration"
    """Milliseconds that it took to read, record and announce an upload."""
    # Of the ingest function: messages.
    INVALID_MESSAGES = "InvalidMessages"
    """Those that are no notifications of S3, and were set aside."""
    GIVEN_BACK_MESSAGES = "GivenBackMessages"
    """Those that come again, since they could not be processed: no errors to Lambda, whose invocation succeeded."""
    # Of the schema function, once for each upkeep.
    REMOVED_TEXTS = "RemovedTexts"
    REMOVED_UPLOADS = "RemovedUploads"
    REMOVED_TESTS = "RemovedTests"
    UPKEEP_COMPLETE = "UpkeepComplete"
    """Whether all was done that was due: 1 or 0."""
