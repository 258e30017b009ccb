"""What happens to an upload, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from handler.database import Database
from handler.errors import PermanentFault
from handler.events import EventBus, event_detail
from handler.junit import JUnitReport
from handler.notifications import Upload
from handler.origin import Origin
from handler.storage import ObjectStorage


@dataclass(frozen=True, kw_only=True)
class Processor:
    """Processes uploads exactly once, however often and in whatever order they are delivered."""

    storage: ObjectStorage
    database: Database
    events: EventBus

    def process(self, upload: Upload) -> dict[str, Any] | None:
        """Records and announces the upload. Returns the event's detail, or None if all of it was done before.

        A permanent fault is part of the record. Anything raised is transient: what was done is kept, and the
        next delivery does the rest.
        """
        if not self.database.is_recorded(upload):
            self._record(upload)
        return self.database.send_event(upload, self.events.put)

    def _record(self, upload: Upload) -> None:
        origin = Origin.of(upload.readable_key, metadata={})
        try:
            with self.storage.open(upload) as stored:
                origin = Origin.of(upload.readable_key, stored.metadata)
                report = None
                if upload.kind == "junit":
                    gzipped = upload.key.endswith(".gz")
                    report = JUnitReport(stored.content, gzipped=gzipped, project=origin.project)
                self._write(upload, origin, report=report)
        except PermanentFault as fault:
            self._write(upload, origin, fault=fault)

    def _write(
        self,
        upload: Upload,
        origin: Origin,
        *,
        report: JUnitReport | None = None,
        fault: PermanentFault | None = None,
    ) -> None:
        processed_at = datetime.now(UTC)
        self.database.record(
            upload,
            origin,
            processed_at=processed_at,
            report=report,
            fault=fault,
            detail=partial(event_detail, upload, origin, processed_at=processed_at, fault=fault),
        )
