"""What happens to an upload, in which order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

from psycopg import Connection

from handler.announcing import FAILURES_CHANGED, OBJECT_PROCESSED, outbox
from handler.announcing.changes import failure_changes
from handler.announcing.event import Event, object_processed, replacing, says_the_same
from handler.announcing.failures_changed import failures_changed
from handler.announcing.publisher import EventPublisher
from handler.errors import ForeignProject, NotFound, NotReplaced, PermanentFault
from handler.notifications import Reingest, Upload
from handler.origin import Origin
from handler.outcome import Artifact, Expired, Faulty, OpenReport, UploadOutcome
from handler.reading.junit import JUnitReport
from handler.recording import uploaders, uploads
from handler.recording.database import Database
from handler.recording.uploads import Recorded
from handler.storage import ObjectStorage, StoredObject


@dataclass(frozen=True, kw_only=True)
class Processor:
    """Processes uploads exactly once, however often and in whatever order they are delivered.

    `retention`: how old a report may be to be recorded; what is older would be removed at once. `results_address`:
    where people open the pages. `announce_test_names`: whether events name tests.
    """

    storage: ObjectStorage
    database: Database
    publisher: EventPublisher
    retention: timedelta
    results_address: str
    announce_test_names: bool

    def process(self, upload: Upload) -> Recorded | None:
        """Records and announces the upload. Returns what was recorded, or None if all of it was done before.

        A permanent fault is part of the record. Anything raised is transient: what was done is kept, and the
        next delivery does the rest.
        """
        recorded = uploads.find(self.database.connected(), upload) or self._record(upload)
        sent = outbox.send(self.database.connected(), upload.event_id, self.publisher)
        return recorded if sent else None

    def process_again(self, asked: Reingest) -> Recorded | None:
        """Reads a recorded upload again, records it anew and announces it under the id of the request.

        Returns what is recorded then, or None if all of it was done before. Raises NotReplaced; anything else is
        transient, as above.
        """
        connection = self.database.connected()
        with connection.transaction():
            upload = uploads.hold(connection, asked)
            if upload is None:
                raise NotReplaced("Nothing is recorded of the upload.")
            if not outbox.holds(connection, asked.event_id):
                self._record_anew(connection, upload, asked)
        sent = outbox.send(self.database.connected(), upload.event_id, self.publisher)
        return uploads.find(self.database.connected(), upload) if sent else None

    def _record(self, upload: Upload) -> Recorded:
        origin = Origin.of(upload.readable_key, metadata={})
        try:
            with self.storage.open(upload) as stored:
                origin, outcome = self._judge(upload, stored)
                return self._write(upload, origin, outcome)
        except PermanentFault as fault:
            return self._write(upload, origin, Expired() if self._is_expired(upload) else Faulty(fault))

    def _write(self, upload: Upload, origin: Origin, outcome: UploadOutcome) -> Recorded:
        connection = self.database.connected()
        with connection.transaction():
            recorded = uploads.record(connection, upload, origin, outcome)
            self._leave_events(connection, recorded)
        return recorded

    def _record_anew(self, connection: Connection[Any], upload: Upload, asked: Reingest) -> None:
        if self._is_expired(upload):
            raise NotReplaced("The upload is past its retention.")
        try:
            with self.storage.open(upload) as stored:
                recorded = self._write_anew(connection, upload, *self._judge(upload, stored))
        except NotFound as fault:
            raise NotReplaced(str(fault)) from None
        self._leave_replacing_events(connection, recorded, asked)

    def _write_anew(
        self, connection: Connection[Any], upload: Upload, origin: Origin, outcome: UploadOutcome
    ) -> Recorded:
        try:
            # What was written until a fault is found is taken back, and the upload still held.
            with connection.transaction():
                return uploads.record_anew(connection, upload, origin, outcome)
        except PermanentFault as fault:
            return uploads.record_anew(connection, upload, origin, Faulty(fault))

    def _leave_events(self, connection: Connection[Any], recorded: Recorded) -> None:
        processed = object_processed(recorded, self.results_address)
        # Whoever records the upload says what its run changed: later on, other runs stand before it.
        is_new = outbox.add(connection, recorded.upload.event_id, processed)
        if is_new and (changed := self._failures_changed(connection, recorded)):
            outbox.add(connection, recorded.upload.event_id, changed)

    def _leave_replacing_events(self, connection: Connection[Any], recorded: Recorded, asked: Reingest) -> None:
        upload_id = recorded.upload.event_id
        processed = object_processed(recorded, self.results_address)
        before = outbox.latest(connection, upload_id, OBJECT_PROCESSED)
        outbox.add(connection, upload_id, replacing(before, processed, by=asked.event_id))
        if changed := self._failures_changed(connection, recorded):
            before = outbox.latest(connection, upload_id, FAILURES_CHANGED)
            # Nobody is to be told once more what they know.
            if not (before and says_the_same(before, changed)):
                by = uuid5(asked.event_id, FAILURES_CHANGED)
                outbox.add(connection, upload_id, replacing(before, changed, by=by))

    def _failures_changed(self, connection: Connection[Any], recorded: Recorded) -> Event | None:
        if recorded.run and (changes := failure_changes(connection, recorded.run)):
            return failures_changed(
                recorded.origin,
                recorded.run,
                changes,
                results_address=self.results_address,
                with_names=self.announce_test_names,
            )
        return None

    def _judge(self, upload: Upload, stored: StoredObject) -> tuple[Origin, UploadOutcome]:
        """Where it comes from, and what is to become of it. IAM keeps its sender to a folder, and knows no metadata."""
        origin = Origin.of(upload.readable_key, stored.metadata)
        folder = Origin.of(upload.readable_key, metadata={}).project
        if origin.project != folder and uploaders.own(self.database.connected(), folder):
            fault = ForeignProject("The upload names another project than the one that its folder belongs to.")
            return replace(origin, project=folder), Faulty(fault)
        return origin, self._outcome(upload, origin, stored)

    def _outcome(self, upload: Upload, origin: Origin, stored: StoredObject) -> UploadOutcome:
        if upload.kind == "artifact":
            return Artifact()
        if self._is_expired(upload):
            return Expired()
        gzipped = upload.key.endswith(".gz")
        return OpenReport(JUnitReport(stored.content, gzipped=gzipped, project=origin.project))

    def _is_expired(self, upload: Upload) -> bool:
        return upload.kind == "junit" and upload.uploaded_at < datetime.now(UTC) - self.retention
