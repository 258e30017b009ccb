"""The event that announces an upload, and the bus that it is put on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from handler.errors import EventNotAccepted, PermanentFault
from handler.notifications import Upload
from handler.origin import Origin
from handler.results import Run

DETAIL_TYPE = "S3 Object Processed"


def event_detail(
    upload: Upload, origin: Origin, run: Run | None, *, processed_at: datetime, fault: PermanentFault | None
) -> dict[str, Any]:
    """The detail of the "S3 Object Processed" event, which other teams' rules and consumers rely on."""
    detail: dict[str, Any] = {
        "event_id": str(upload.event_id),
        "status": "error" if fault else "success",
        "bucket": upload.bucket,
        "key": upload.readable_key,
        "version_id": upload.version_id,
        "etag": upload.etag,
        "size": upload.size,
        "kind": upload.kind,
        **asdict(origin),
        "processed_at": processed_at.isoformat(timespec="milliseconds"),
    }
    if fault:
        detail["error"] = {"code": fault.code, "message": str(fault)}
    if run:
        detail["run"] = {
            "id": str(run.id),
            "project": origin.project,
            "totals": run.totals,
            "duration": run.duration,
        }
    return detail


class EventBus:
    """Puts events on the bus `name` as `source`. `client` is botocore's for EventBridge."""

    def __init__(self, client: Any, *, name: str, source: str) -> None:
        self._client = client
        self._name = name
        self._source = source

    def put(self, detail: Mapping[str, object]) -> None:
        """Raises EventNotAccepted, since PutEvents answers 200 for an entry that it refused."""
        entry = {
            "EventBusName": self._name,
            "Source": self._source,
            "DetailType": DETAIL_TYPE,
            "Detail": json.dumps(detail),
        }
        answer = self._client.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            refused = answer["Entries"][0]
            raise EventNotAccepted(f"The event bus refused the event: {refused['ErrorCode']}.")
