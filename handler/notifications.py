"""The messages of the ingest queue: S3's notifications, and an operator's requests, which are written like them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote_plus, unquote_plus
from uuid import UUID, uuid5

from handler.errors import InvalidMessage
from handler.texts import storable

# Never to change: consumers recognise repeated events by the ids that are made under it.
_UPLOADS = UUID("6a1c9f0e-4a53-5d0b-9f43-0d6a7c2b8e11")

# Of the records that S3 writes, none is of this kind.
_REINGEST = "Reingest"


@dataclass(frozen=True, kw_only=True)
class ObjectVersion:
    """One version of one object."""

    bucket: str
    key: str
    version_id: str

    @property
    def upload_id(self) -> UUID:
        """The upload's identity: equal whenever bucket, key and version are."""
        return upload_id(self.bucket, self.key, self.version_id)

    @property
    def readable_key(self) -> str:
        """The key as it is recorded, announced and logged."""
        return storable(self.key)


@dataclass(frozen=True, kw_only=True)
class Upload(ObjectVersion):
    """A new version. `size` in bytes; `uploaded_at` is when S3 finished the upload."""

    etag: str
    size: int
    uploaded_at: datetime

    @property
    def event_id(self) -> UUID:
        """Of the event that announces it first: the upload's own."""
        return self.upload_id

    @property
    def kind(self) -> Literal["junit", "artifact"]:
        """By the key alone: `.xml` and `.xml.gz` are reports."""
        return "junit" if self.key.endswith((".xml", ".xml.gz")) else "artifact"


@dataclass(frozen=True, kw_only=True)
class Reingest(ObjectVersion):
    """An operator's request to read a version again that was recorded before. Its repetitions have its `request_id`."""

    request_id: UUID

    @property
    def event_id(self) -> UUID:
        """Of the event that announces what came of it."""
        return uuid5(self.upload_id, str(self.request_id))

    def message(self) -> str:
        """As the ingest queue takes it."""
        object_ = {"key": quote_plus(self.key), "versionId": self.version_id}
        s3 = {"bucket": {"name": self.bucket}, "object": object_}
        return json.dumps({"Records": [{"eventName": _REINGEST, "requestId": str(self.request_id), "s3": s3}]})


def upload_id(bucket: str, key: str, version_id: str) -> UUID:
    """The id of this version of an object: of its upload, its event, and its run."""
    return uuid5(_UPLOADS, json.dumps([bucket, key, version_id]))


def read_message(body: str) -> list[Upload | Reingest]:
    """What a message wants to have read; nothing for the `s3:TestEvent` of a new notification.

    Raises InvalidMessage for anything else, which never quotes the message.
    """
    try:
        message = json.loads(body)
        if message.get("Event") == "s3:TestEvent":
            return []
        return [_read_record(record) for record in message["Records"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidMessage("The message is not a notification of objects created in a versioned bucket.") from None


def _read_record(record: Any) -> Upload | Reingest:
    bucket, object_ = record["s3"]["bucket"], record["s3"]["object"]
    version = {"bucket": bucket["name"], "key": unquote_plus(object_["key"]), "version_id": object_["versionId"]}
    if record["eventName"] == _REINGEST:
        return Reingest(**version, request_id=UUID(record["requestId"]))
    if not record["eventName"].startswith("ObjectCreated:"):
        raise ValueError
    uploaded_at = datetime.fromisoformat(record["eventTime"])
    if uploaded_at.tzinfo is None:
        raise ValueError
    return Upload(**version, etag=object_["eTag"], size=object_["size"], uploaded_at=uploaded_at)
