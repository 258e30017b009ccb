"""Has recorded reports read again, after a fix of what reads them: by the ingest function, which is sent messages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from rich.console import Console

from handler.notifications import Reingest
from local.layout import counted, plain
from local.operating import NotDoneError, Wanted, confirms, operating, sentences

# Messages that SQS takes at once. A key has 1,024 bytes at most: together they are far from being too long.
_BATCH = 10

_BEFORE_ALL = str(UUID(int=0))


def run_reingest(
    console: Console, *, environment: str | None, platform: Path, wanted: Wanted, is_confirmed: bool
) -> None:
    """Ask for the reports of the `wanted` project or upload: of an environment in AWS, or of what `platform` announces.

    Raises NothingRunsError, NotDoneError.
    """
    [(kind, name)] = wanted.items()
    with operating(environment, platform) as operator:
        found = operator.ask({"find_reports": {**wanted, "after": _BEFORE_ALL}})
        count = found["count"]
        if not count:
            console.print(plain(f"No report is recorded of the {kind} {name}."), markup=False)
            return
        what = plain(name if kind == "upload" else f"{counted(count, 'report')} of the {kind} {name}")
        if not is_confirmed:
            sentence = f"{operator.ingest_function} will read {what} again, and announce what comes of it."
            console.print(sentence, markup=False)
            if not confirms(console, environment, name):
                console.print("Nothing was asked for.")
                return
        # One for the whole of it: what SQS delivers twice is read once.
        request_id = uuid4()
        queue_url, sqs = operator.ingest_queue_url(), operator.client("sqs")
        while uploads := found["uploads"]:
            _send(sqs, queue_url, uploads, request_id)
            console.print(f"{found['count'] - len(uploads)} left")
            found = operator.ask({"find_reports": {**wanted, "after": uploads[-1]["event_id"]}})
    console.print(f"Asked for: {what}. {operator.ingest_function} reads them in the order of its queue.", markup=False)


def _send(sqs: Any, queue_url: str, uploads: Sequence[dict[str, str]], request_id: UUID) -> None:
    for first in range(0, len(uploads), _BATCH):
        entries = [
            {"Id": str(nth), "MessageBody": _message(upload, request_id)}
            for nth, upload in enumerate(uploads[first : first + _BATCH])
        ]
        with sentences():
            answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        for refused in answer.get("Failed", []):
            raise NotDoneError(f"SQS does not take all messages: {refused['Code']}")


def _message(upload: dict[str, str], request_id: UUID) -> str:
    version = {name: upload[name] for name in ("bucket", "key", "version_id")}
    return Reingest(**version, request_id=request_id).message()
