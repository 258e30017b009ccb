"""A report goes into the bucket, as a CI job uploads it, and is waited for."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from botocore.exceptions import ClientError
from psycopg.rows import dict_row
from rich.console import Console

from handler.addresses import run_address
from local.access import Access
from local.layout import plain
from local.progress import step
from local.running import running_platform
from local.tables import show_address, show_run

# Seconds until a report must have gone through. A small one takes one or two; the function may take 120.
_PATIENCE = 180
_LISTED = 10  # failed and slowest tests

Found = TypeVar("Found")
Row = dict[str, Any]


class UploadRefusedError(Exception):
    """The file cannot be read, or S3 does not take it or what is said about it; the sentence says what to do."""


class NotProcessedError(Exception):
    """The upload did not arrive where it should; the sentence names the log."""


def run_upload(console: Console, platform: Path, file: Path, *, project: str, metadata: Mapping[str, str]) -> bool:
    """Upload to the platform that `platform` announces, and show what was made of it; False if it was at fault.

    Raises NothingRunsError, UploadRefusedError, NotProcessedError.
    """
    with running_platform(platform) as access:
        with step(console, plain(f"Upload {project}/{file.name} and wait until it is processed")):
            row = upload(access, file, project=project, metadata=metadata)
        if row["status"] == "error":
            console.print(f"\nThe report cannot be read ({row['error_code']}): {row['error_message']}", markup=False)
        elif row["kind"] == "artifact":
            console.print("\nRecorded as an artifact: only .xml and .xml.gz are read as reports.")
        else:
            with access.connect() as connection:
                show_run(console, connection, row["event_id"], limit=_LISTED)
            show_address(console, run_address(access.results_address, row["event_id"]))
            return True
        show_address(console, f"{access.results_address}/uploads/{row['event_id']}")
        return bool(row["status"] != "error")


def upload(access: Access, file: Path, *, project: str, metadata: Mapping[str, str]) -> Row:
    """Puts the file at `project`/name, and answers its row of the table `upload` once it is processed.

    `metadata`: job, branch, commit and build-url, as far as known. Raises UploadRefusedError, NotProcessedError.
    """
    facts = {"project": project, **metadata}
    for name, value in facts.items():
        if not value:
            raise UploadRefusedError(f"the {name} is empty: name it")
        # HTTP headers, which botocore sends as they are.
        if not (value.isascii() and value.isprintable()):
            raise UploadRefusedError(f"the {name} {value!a} is not printable ASCII, and S3 takes no other metadata")
    bucket, key = access.outputs["bucket_name"], f"{project}/{file.name}"
    try:
        with file.open("rb") as content:
            answer = access.aws.client("s3").put_object(
                Bucket=bucket, Key=key, Body=content, Metadata={f"tap-{name}": value for name, value in facts.items()}
            )
    except OSError as error:
        raise UploadRefusedError(f"{file} cannot be read ({error.strerror}): name a report") from None
    except ClientError as error:
        raise UploadRefusedError(f"S3 refuses the report: {error}") from None
    with access.connect() as connection:
        return wait_for(partial(_row, connection, [bucket, key, answer["VersionId"]]), access.function_log)


def wait_for(look: Callable[[], Found | None], log: Path) -> Found:
    """What `look` finds. Raises NotProcessedError."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    raise NotProcessedError(f"the report was not processed within {_PATIENCE} seconds: see {log}")


def _row(connection: psycopg.Connection[Any], identity: list[str]) -> Row | None:
    query = "select * from upload where (bucket, key, version_id) = (%s, %s, %s)"
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, identity).fetchone()
