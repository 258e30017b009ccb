"""Removes uploads for good: from the database, by the schema function, and from S3 with all that was read from them."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.text import Text

from local.layout import plain
from local.running import running_platform
from local.signing import viewers_session
from stacks.names import function_name

# Seconds: as long as the function may take. It is not asked twice for what it may still be doing.
_PATIENT = Config(read_timeout=910, retries={"total_max_attempts": 1})

# Of a key with one of these, a list of keys is not well-formed, and S3 refuses all of it.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Wanted = Mapping[str, str]


class NotForgottenError(Exception):
    """Something is still there; the sentence says what went wrong. Whatever was removed is removed."""


def run_forget(
    console: Console, *, environment: str | None, platform: Path, wanted: Wanted, is_confirmed: bool
) -> None:
    """Forget the `wanted` project or upload: of an environment in AWS, or of what `platform` announces.

    Raises NothingRunsError, NotForgottenError.
    """
    [name] = wanted.values()
    if environment:
        with _sentences():
            session = viewers_session()
            functions, s3 = session.client("lambda", config=_PATIENT), session.client("s3")
        # Whoever has an environment in their shell and means this machine does not write its name.
        to_confirm = None if is_confirmed else f"{environment}/{name}"
        _forget(console, functions, s3, function_name("schema", environment), wanted, to_confirm=to_confirm)
        return
    with running_platform(platform) as access:
        functions, s3 = access.aws.client("lambda"), access.aws.client("s3")
        function = access.outputs["schema_function_name"]
        _forget(console, functions, s3, function, wanted, to_confirm=None if is_confirmed else name)


def _forget(
    console: Console, functions: Any, s3: Any, function: str, wanted: Wanted, *, to_confirm: str | None
) -> None:
    [(kind, name)] = wanted.items()
    count = _invoke(functions, function, {"find": wanted})["count"]
    if not count:
        console.print(plain(f"Nothing is recorded of the {kind} {name}."), markup=False)
        return
    uploads = "1 upload" if count == 1 else f"{count} uploads"
    what = plain(name if kind == "upload" else f"{uploads} of the {kind} {name}")
    if to_confirm is not None:
        console.print(f"{function} will remove {what}, and S3 its objects. This cannot be undone.", markup=False)
        if console.input(Text(f"Write {plain(to_confirm)} to go on: ")) != to_confirm:
            console.print("Nothing was removed.")
            return
    is_complete = True
    # Those that were there when it was asked for; what comes meanwhile is younger.
    while count and (found := _invoke(functions, function, {"find": wanted})["uploads"][:count]):
        # First, since only the database knows which they are.
        _delete_objects(s3, found)
        answer = _invoke(functions, function, {"forget": [upload["event_id"] for upload in found]})
        if not answer["uploads"]:
            raise NotForgottenError(f"{function} removes nothing: see its log")
        count -= answer["uploads"]
        is_complete = answer["is_complete"]
        console.print(f"{count} left")
    console.print(f"Forgotten: {what}.", markup=False)
    if not is_complete:
        console.print("The names of its tests go with the next daily upkeep: reports of the project are on their way.")


def _delete_objects(s3: Any, uploads: list[dict[str, str]]) -> None:
    buckets = defaultdict(list)
    for upload in uploads:
        object_ = {"Key": upload["key"], "VersionId": upload["version_id"]}
        if _NOT_IN_XML.search(upload["key"]):
            with _sentences():
                s3.delete_object(Bucket=upload["bucket"], **object_)
        else:
            buckets[upload["bucket"]].append(object_)
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
