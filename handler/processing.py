"""What happens to an upload, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from handler import junit
from handler.database import Database
from handler.errors import PermanentFault
from handler.events import EventBus
from handler.notifications import Upload
from handler.storage import ObjectStorage


@dataclass(frozen=True, kw_only=True)
class Processor:
    """Processes uploads exactly once, however often and in whatever order they are delivered."""

    storage: ObjectStorage
    database: Database
    events: EventBus

    def process(self, upload: Upload) -> dict[str, object] | None:
        """Records and announces the upload. Returns the event's detail, or None if all of it was done before.

        A permanent fault is part of the record. Anything raised is transient: what was done is kept, and the
        next delivery does the rest.
        """
        if not self.database.is_recorded(upload):
            fault = self._find_fault(upload)
            processed_at = datetime.now(UTC)
            detail = event_detail(upload, processed_at=processed_at, fault=fault)
            self.database.record(upload, processed_at=processed_at, fault=fault, detail=detail)
        return self.database.send_event(upload, self.events.put)

    def _find_fault(self, upload: Upload) -> PermanentFault | None:
        try:
            with self.storage.open(upload) as content:
                if upload.kind == "junit":
                    junit.check_report(content, gzipped=upload.key.endswith(".gz"))
        except PermanentFault as fault:
            return fault
        return None


def event_detail(upload: Upload, *, processed_at: datetime, fault: PermanentFault | None) -> dict[str, object]:
    """The detail of the "S3 Object Processed" event, which other teams' rules and consumers rely on."""
    detail: dict[str, object] = {
        "event_id": str(upload.event_id),
        "status": "error" if fault else "success",
        "bucket": upload.bucket,
        "key": upload.key,
        "version_id": upload.version_id,
        "etag": upload.etag,
        "size": upload.size,
        "kind": upload.kind,
        "processed_at": processed_at.isoformat(timespec="milliseconds"),
    }
    if fault:
        detail["error"] = {"code": fault.code, "message": str(fault)}
    return detail
