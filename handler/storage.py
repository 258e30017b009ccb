"""The uploaded objects, in S3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from handler.errors import NotFound, NotYetVisible
from handler.notifications import Upload
from handler.readable import Readable

# After versioning is first enabled on a bucket, S3 may answer 404 to who reads a new object, for up to 15 minutes
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/manage-versioning-examples.html).
SETTLING_TIME = timedelta(minutes=20)

_NOT_FOUND = "The bucket does not hold this version of the object."


class StoredObject(NamedTuple):
    """An object's content, a stream that is not read ahead, and its user-defined metadata."""

    content: Readable
    metadata: Mapping[str, str]


class ObjectStorage:
    """Opens the objects of uploads. `client` is botocore's for S3."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @contextmanager
    def open(self, upload: Upload) -> Iterator[StoredObject]:
        """Raises NotFound, or NotYetVisible for an upload of the last 20 minutes; other errors of S3 are transient."""
        try:
            answer = self._client.get_object(Bucket=upload.bucket, Key=upload.key, VersionId=upload.version_id)
        except UnicodeEncodeError:
            # A lone surrogate: S3 has no such keys, and cannot be asked for one.
            raise NotFound(_NOT_FOUND) from None
        except ClientError as error:
            # By its code: who must not see the object, by a policy's fault, is told 403, and the object is there.
            if error.response["Error"]["Code"] not in {"NoSuchKey", "NoSuchVersion"}:
                raise
            if datetime.now(UTC) - upload.uploaded_at < SETTLING_TIME:
                raise NotYetVisible("The bucket does not show this version of the object yet.") from None
            raise NotFound(_NOT_FOUND) from None
        with closing(answer["Body"]) as body:
            yield StoredObject(body, answer["Metadata"])
