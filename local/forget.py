"""Removes uploads for good: from the database, by the schema function, and from S3 with all that was read from them."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from rich.console import Console

from local.layout import counted, plain
from local.operating import NotDoneError, Operator, Wanted, confirms, operating, sentences

# Of a key with one of these, a list of keys is not well-formed, and S3 refuses all of it.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def run_forget(
    console: Console, *, environment: str | None, platform: Path, wanted: Wanted, is_confirmed: bool
) -> None:
    """Forget the `wanted` project or upload: of an environment in AWS, or of what `platform` announces.

    Raises NothingRunsError, NotDoneError.
    """
    [(kind, name)] = wanted.items()
    with operating(environment, platform) as operator:
        count = operator.ask({"find": wanted})["count"]
        if not count:
            console.print(plain(f"Nothing is recorded of the {kind} {name}."), markup=False)
            return
        what = plain(name if kind == "upload" else f"{counted(count, 'upload')} of the {kind} {name}")
        if not is_confirmed:
            sentence = f"{operator.schema_function} will remove {what}, and S3 its objects. This cannot be undone."
            console.print(sentence, markup=False)
            if not confirms(console, environment, name):
                console.print("Nothing was removed.")
                return
        is_complete = _forget(console, operator, wanted, count)
    console.print(f"Forgotten: {what}.", markup=False)
    if not is_complete:
        console.print("The names of its tests go with the next daily upkeep: reports of the project are on their way.")


def _forget(console: Console, operator: Operator, wanted: Wanted, count: int) -> bool:
    """Whether what nothing uses any more is gone as well."""
    s3 = operator.client("s3")
    is_complete = True
    # Those that were there when it was asked for; what comes meanwhile is younger.
    while count and (found := operator.ask({"find": wanted})["uploads"][:count]):
        # First, since only the database knows which they are.
        _delete_objects(s3, found)
        answer = operator.ask({"forget": [upload["event_id"] for upload in found]})
        if not answer["uploads"]:
            raise NotDoneError(f"{operator.schema_function} removes nothing: see its log")
        count -= answer["uploads"]
        is_complete = answer["is_complete"]
        console.print(f"{count} left")
    return is_complete


def _delete_objects(s3: Any, uploads: list[dict[str, str]]) -> None:
    buckets = defaultdict(list)
    for upload in uploads:
        object_ = {"Key": upload["key"], "VersionId": upload["version_id"]}
        if _NOT_IN_XML.search(upload["key"]):
            with sentences():
                s3.delete_object(Bucket=upload["bucket"], **object_)
        else:
            buckets[upload["bucket"]].append(object_)
    for bucket, objects in buckets.items():
        with sentences():
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        for error in answer.get("Errors", []):
            raise NotDoneError(f"S3 does not delete {plain(error['Key'])}: {error['Message']}")
