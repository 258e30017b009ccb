"""The uploaded objects, in S3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from botocore.exceptions import ClientError

from handler.errors import NotFound
from handler.junit import Readable
from handler.notifications import Upload


class ObjectStorage:
    """Opens the objects of uploads. `client` is botocore's for S3."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @contextmanager
    def open(self, upload: Upload) -> Iterator[Readable]:
        """The content as a stream, not read ahead. Raises NotFound; other errors of S3 are transient."""
        try:
            answer = self._client.get_object(Bucket=upload.bucket, Key=upload.key, VersionId=upload.version_id)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchVersion"}:
                raise NotFound("The bucket does not hold this version of the object.") from None
            raise
        with closing(answer["Body"]) as body:
            yield body
