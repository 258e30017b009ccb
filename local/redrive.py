"""Dead letters are tried again: messages go back to their queue, and events to the target that missed them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from local.cdktf import Report
from local.dead_letters import DeadLetter, Queue, look
from local.layout import Column, counted, plain, show_table
from local.message_move import follow, is_under_way, move
from local.operating import NotDoneError, confirms
from local.progress import step
from local.running import running_platform
from local.signing import viewers_session
from local.undelivered import send_again
from stacks.names import MaxLength, event_log_group_name, resource_name

UNDELIVERED = "undelivered"
QUEUES = ("ingest", "events", UNDELIVERED)
MAX_RATE = 500  # messages per second: the most that SQS takes for a move

_KEY, _REASON = 24, 24  # characters that a column needs at least
_TO_LOOK = "sqs:GetQueueUrl, GetQueueAttributes, ReceiveMessage, ChangeMessageVisibility and DeleteMessage"
_TO_MOVE = "sqs:StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask"


def run_redrive(
    console: Console, *, queue: str, environment: str | None, platform: Path, rate: int | None, is_confirmed: bool
) -> None:
    """Redrive the dead letters of one of QUEUES: of an environment in AWS, or of what `platform` announces.

    `rate`: messages per second at most. Raises NothingRunsError, NotDoneError.
    """
    asks = None if is_confirmed else partial(confirms, console, environment, queue)
    if environment:
        try:
            session = viewers_session()
            plan = _plan(session.client("sqs"), session.client("logs"), queue, environment, rate=rate)
            _redrive(console, session.client("sqs"), plan, asks=asks)
        except BotoCoreError as error:
            raise NotDoneError(f"AWS cannot be asked: {plain(str(error))}") from error
        return
    with running_platform(platform) as access:
        sqs, logs = access.aws.client("sqs"), access.aws.client("logs")
        plan = _plan(sqs, logs, queue, access.suffix, rate=rate)
        _redrive(console, sqs, plan, asks=asks)


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What is to become of the messages in the queue `source`, and which permissions it takes.

    `is_under_way`: SQS does it already, so that `carry_out` has only to `follow` it; it answers how many there were.
    """

    source: str
    summary: str
    title: str
    permissions: str
    is_under_way: Callable[[Queue], bool]
    carry_out: Callable[[Queue, Report, bool], int]


def _plan(sqs: Any, logs: Any, queue: str, suffix: str, *, rate: int | None) -> _Plan:
    if queue == UNDELIVERED:
        return _undelivered(sqs, logs, suffix, rate)
    return _dead_letters(sqs, queue, suffix, rate)


def _dead_letters(sqs: Any, queue: str, suffix: str, rate: int | None) -> _Plan:
    source, destination = _name(f"dlq-{queue}", suffix), _name(queue, suffix)
    permissions = (
        f"{_TO_MOVE}, {_TO_LOOK} on {source}, and sqs:GetQueueUrl, GetQueueAttributes and SendMessage on {destination}"
    )

    def carry_out(dead_letters: Queue, say: Report, follows: bool) -> int:  # noqa: FBT001 - called by position
        if follows:
            task = follow(sqs, dead_letters, say)
        else:
            task = move(sqs, dead_letters, Queue.find(sqs, destination), say, rate=rate)
        moved: int = task.get("ApproximateNumberOfMessagesMoved", 0)
        if task["Status"] == "COMPLETED":
            return moved
        # SQS may find out on the way: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/troubleshooting-dlq-redrive.html
        reason = plain(task.get("FailureReason") or "it was cancelled")
        hint = f"your AWS credentials need {permissions}" if "AccessDenied" in reason else "run it again for the rest"
        raise NotDoneError(f"SQS moved {counted(moved, 'message')} and then no more ({reason}): {hint}")

    return _Plan(
        source=source,
        summary=f"SQS moves them back to {destination}. What fails there again comes back here.",
        title=f"Move the messages to {destination}",
        permissions=permissions,
        is_under_way=partial(is_under_way, sqs),
        carry_out=carry_out,
    )


def _undelivered(sqs: Any, logs: Any, suffix: str, rate: int | None) -> _Plan:
    source = _name("undelivered-events", suffix)
    return _Plan(
        source=source,
        summary="Each event goes to the target that missed it, and is then deleted here.",
        title="Send the events to their targets",
        permissions=(
            f"{_TO_LOOK} on {source}, sqs:GetQueueUrl and SendMessage on {_name('events', suffix)}, and"
            f" logs:CreateLogStream and PutLogEvents on {event_log_group_name(suffix)}"
        ),
        is_under_way=lambda _: False,
        carry_out=lambda undelivered, say, _: send_again(sqs, logs, undelivered, say, rate=rate),
    )


def _redrive(console: Console, sqs: Any, plan: _Plan, *, asks: Callable[[], bool] | None) -> None:
    with _sentences(plan.permissions):
        source = Queue.find(sqs, plan.source)
        follows = plan.is_under_way(source)
        if follows:
            # Not to be looked at: whatever is in our hands meanwhile, SQS would leave behind.
            console.print(f"SQS is moving the messages of {source.name} already.", markup=False)
        elif not source.count:
            console.print(f"{source.name} is empty.", markup=False)
            return
        else:
            _show(console, source, look(sqs, source))
            if asks:
                console.print(f"\n{plan.summary}", markup=False)
                if not asks():
                    console.print("Nothing was moved.")
                    return
        with step(console, plan.title) as say:
            count = plan.carry_out(source, say, follows)
    console.print(f"Redriven: {counted(count, 'message')}.", markup=False)


def _show(console: Console, source: Queue, letters: list[DeadLetter]) -> None:
    """What is known of them, for whoever decides whether they would only fail again."""
    holds = f"{source.name} holds {counted(source.count, 'message')}"
    if not letters:
        console.print(f"{holds}, in somebody's hands just now.", markup=False)
        return
    oldest = letters[0].sent_at
    console.print(
        f"{holds}, the oldest of {_time(oldest)}: SQS drops it at {_time(oldest + source.retention)}.",
        markup=False,
    )
    columns = [Column("sent"), Column("upload", least=_KEY)]
    if are_events := any(letter.target for letter in letters):
        columns += [Column("for", least=_KEY), Column("reason", least=_REASON, leaves=1)]
    show_table(
        console,
        "Dead letters" if len(letters) >= source.count else f"The first {len(letters)}",
        columns,
        (
            [
                _time(letter.sent_at),
                ", ".join(map(plain, letter.keys)) or "-",
                *([_last_part(letter.target), plain(letter.reason)] if are_events else []),
            ]
            for letter in letters
        ),
    )


@contextmanager
def _sentences(permissions: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code, said = error.response["Error"]["Code"], plain(str(error))
        if code.startswith("AccessDenied"):
            raise NotDoneError(f"your AWS credentials need {permissions} ({said})") from error
        if code.endswith(("NonExistentQueue", "QueueDoesNotExist")):
            raise NotDoneError(
                f"a queue is not there: check ENVIRONMENT_SUFFIX, AWS_PROFILE and AWS_REGION, or deploy it ({said})"
            ) from error
        raise NotDoneError(f"AWS refuses: {said}") from error


def _name(service: str, suffix: str) -> str:
    try:
        return resource_name(service, suffix, MaxLength.QUEUE)
    except ValueError as error:
        raise NotDoneError(str(error)) from None


def _last_part(arn: str | None) -> str:
    return plain(arn and arn.removesuffix(":*").rpartition(":")[2])


def _time(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
