"""The uploaded objects, in S3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from handler.bounded_xml import Readable
from handler.errors import NotFound
from handler.notifications import Upload

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
        """Raises NotFound; other errors of S3 are transient."""
        try:
            answer = self._client.get_object(Bucket=upload.bucket, Key=upload.key, VersionId=upload.version_id)
        except UnicodeEncodeError:
            # A lone surrogate: S3 has no such keys, and cannot be asked for one.
            raise NotFound(_NOT_FOUND) from None
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchVersion"}:
                raise NotFound(_NOT_FOUND) from None
            raise
        with closing(answer["Body"]) as body:
            yield StoredObject(body, answer["Metadata"])
