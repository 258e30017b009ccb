"""Removes uploads for good: from the database, by the schema function, and from S3 with all that was read from them."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from local.running import running_platform
from local.tables import plain
from stacks.names import function_name

# Seconds: as long as the function may take. It is not asked twice for what it may still be doing.
_PATIENT = Config(read_timeout=910, retries={"total_max_attempts": 1})

Wanted = Mapping[str, str]


class NotForgottenError(Exception):
    """Something is still there; the sentence says what went wrong. Whatever was removed is removed."""


def run_forget(
    console: Console, *, environment: str | None, platform: Path, wanted: Wanted, is_confirmed: bool
) -> None:
    """Forget the `wanted` project or upload: of an environment in AWS, or of what `platform` announces.

    Raises NothingRunsError, NotForgottenError.
    """
    if environment:
        with _sentences():
            functions, s3 = boto3.client("lambda", config=_PATIENT), boto3.client("s3")
        _forget(console, functions, s3, function_name("schema", environment), wanted, is_confirmed=is_confirmed)
        return
    with running_platform(platform) as access:
        functions, s3 = access.aws.client("lambda"), access.aws.client("s3")
        _forget(console, functions, s3, access.outputs["schema_function_name"], wanted, is_confirmed=is_confirmed)


def _forget(console: Console, functions: Any, s3: Any, function: str, wanted: Wanted, *, is_confirmed: bool) -> None:
    [(kind, name)] = wanted.items()
    count = _invoke(functions, function, {"find": wanted})["count"]
    if not count:
        console.print(plain(f"Nothing is recorded of the {kind} {name}."), markup=False)
        return
    uploads = "1 upload" if count == 1 else f"{count} uploads"
    what = plain(name if kind == "upload" else f"{uploads} of the {kind} {name}")
    if not is_confirmed:
        console.print(f"{function} will remove {what}, and S3 its objects. This cannot be undone.", markup=False)
        if console.input("Write its name to go on: ") != name:
            console.print("Nothing was removed.")
            return
    while found := _invoke(functions, function, {"find": wanted})["uploads"]:
        # First, since only the database knows which they are.
        _delete_objects(s3, found)
        ids = [upload["event_id"] for upload in found]
        if not _invoke(functions, function, {"forget": ids})["uploads"]:
            raise NotForgottenError(f"{function} removes nothing: see its log")
        count -= len(ids)
        console.print(f"{max(count, 0)} left")
    console.print(f"Forgotten: {what}.", markup=False)


def _delete_objects(s3: Any, uploads: list[dict[str, str]]) -> None:
    buckets = defaultdict(list)
    for upload in uploads:
        buckets[upload["bucket"]].append({"Key": upload["key"], "VersionId": upload["version_id"]})
    for bucket, objects in buckets.items():
        with _sentences():
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        for error in answer.get("Errors", []):
            raise NotForgottenError(f"S3 does not delete {plain(error['Key'])}: {error['Message']}")


def _invoke(functions: Any, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
    with _sentences():
        answer = functions.invoke(FunctionName=function, Payload=json.dumps(event))
    said: dict[str, Any] = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise NotForgottenError(f"{function} fails: {said['errorMessage']}")
    return said


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise NotForgottenError(f"AWS refuses: {error}") from error
