"""S3 event notifications, as SQS delivers them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import unquote_plus
from uuid import UUID, uuid5

from handler.errors import InvalidMessage
from handler.texts import storable

# Never to change: consumers recognise repeated events by the ids that are made under it.
_UPLOADS = UUID("6a1c9f0e-4a53-5d0b-9f43-0d6a7c2b8e11")


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One version of one object. `size` in bytes; `uploaded_at` is when S3 finished the upload."""

    bucket: str
    key: str
    version_id: str
    etag: str
    size: int
    uploaded_at: datetime

    @property
    def event_id(self) -> UUID:
        """The upload's identity: equal whenever bucket, key and version are."""
        return upload_id(self.bucket, self.key, self.version_id)

    @property
    def readable_key(self) -> str:
        """The key as it is recorded, announced and logged."""
        return storable(self.key)

    @property
    def kind(self) -> Literal["junit", "artifact"]:
        """By the key alone: `.xml` and `.xml.gz` are reports."""
        return "junit" if self.key.endswith((".xml", ".xml.gz")) else "artifact"


def upload_id(bucket: str, key: str, version_id: str) -> UUID:
    """The id of this version of an object: of its upload, its event, and its run."""
    return uuid5(_UPLOADS, json.dumps([bucket, key, version_id]))


def read_uploads(body: str) -> list[Upload]:
    """The uploads that a message announces; none for the `s3:TestEvent` of a new notification.

    Raises InvalidMessage for anything else, which never quotes the message.
    """
    try:
        message = json.loads(body)
        if message.get("Event") == "s3:TestEvent":
            return []
        return [_read_record(record) for record in message["Records"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidMessage("The message is not a notification of objects created in a versioned bucket.") from None


def _read_record(record: Any) -> Upload:
    if not record["eventName"].startswith("ObjectCreated:"):
        raise ValueError
    bucket, object_ = record["s3"]["bucket"], record["s3"]["object"]
    uploaded_at = datetime.fromisoformat(record["eventTime"])
    if uploaded_at.tzinfo is None:
        raise ValueError
    return Upload(
        bucket=bucket["name"],
        key=unquote_plus(object_["key"]),
        version_id=object_["versionId"],
        etag=object_["eTag"],
        size=object_["size"],
        uploaded_at=uploaded_at,
    )
