"""Uploads at any time, processed by the function's own code: without S3 before it and the bus behind it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from psycopg import Connection

from handler.announcing.event import Event
from handler.announcing.publisher import EventPublisher
from handler.errors import NotFound
from handler.notifications import Upload
from handler.processing import Processor
from handler.recording.database import Database
from handler.recording.uploads import Recorded
from handler.storage import ObjectStorage, StoredObject

BUCKET = "tap-uploads-dev"

_VERSIONS = UUID("0b0d6c3a-7f0e-4c0f-9a55-3d4b1a2f9c11")


class History:
    """What was uploaded to a database that has its schema. The same uploads have the same ids at each call."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._object = _OneObject()
        self._uploads = 0
        self._processor = Processor(
            storage=self._object,
            database=_OneConnection(connection),
            publisher=_NoBus(),
            retention=timedelta(days=90),
            results_address="https://tap.example.com",
            announce_test_names=True,
        )

    def upload(
        self, content: bytes | str | None, *, key: str, at: datetime, metadata: Mapping[str, str] | None = None
    ) -> Recorded:
        """Processes an object that was uploaded then; None if it is gone since.

        Upload in the order of time: what comes late is dearer.
        """
        content = content.encode() if isinstance(content, str) else content
        self._uploads += 1
        self._object.stored = (content, metadata or {})
        recorded = self._processor.process(
            Upload(
                bucket=BUCKET,
                key=key,
                version_id=str(uuid5(_VERSIONS, str(self._uploads))),
                etag=hashlib.md5(content or b"", usedforsecurity=False).hexdigest(),
                size=len(content or b""),
                uploaded_at=at,
            )
        )
        if recorded is None:
            raise AssertionError(f"{key} was uploaded before")
        return recorded

    def finish(self) -> None:
        """Sets when uploads were processed, which is now: as if it had been a few seconds after each."""
        self._connection.execute(
            "update upload set processed_at = uploaded_at + (2 + size % 5) * interval '1.1 seconds'"
        )
        self._connection.execute(
            "update outbox set sent_at = processed_at + interval '0.2 seconds'"
            " from upload where upload.event_id = upload_id"
        )
        self._connection.execute("analyze")


class _OneObject(ObjectStorage):
    """S3, with the object that is being uploaded."""

    def __init__(self) -> None:
        self.stored: tuple[bytes | None, Mapping[str, str]] = (None, {})

    @contextmanager
    def open(self, upload: Upload) -> Iterator[StoredObject]:  # noqa: ARG002 - it is the one that is being uploaded
        content, metadata = self.stored
        if content is None:
            raise NotFound("The bucket does not hold this version of the object.")
        yield StoredObject(io.BytesIO(content), metadata)


class _OneConnection(Database):
    """The database, by a connection that is open."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._open = connection

    def connected(self) -> Connection[Any]:
        return self._open


class _NoBus(EventPublisher):
    """An event bus at which nobody listens."""

    def __init__(self) -> None:
        pass

    def put(self, events: Sequence[Event]) -> list[str | None]:
        return [None for _ in events]
