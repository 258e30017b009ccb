"""SQS's own move of all dead letters to a queue, from its start to its end."""

import time
from typing import Any

from botocore.exceptions import ClientError

from local.cdktf import Report
from local.dead_letters import Queue
from local.layout import plain
from local.operating import NotDoneError

_INTERVAL = 1  # seconds between two looks at it
_ACTIVE = ("RUNNING", "CANCELLING")

Task = dict[str, Any]


def is_under_way(sqs: Any, source: Queue) -> bool:
    """Whether SQS is moving the messages already, for somebody else, or for a process that was killed."""
    task = _latest(sqs, source)
    return task is not None and task["Status"] in _ACTIVE


def move(sqs: Any, source: Queue, destination: Queue, say: Report, *, rate: int | None) -> Task:
    """Start a move, and answer it when it has ended, however it did. `rate`: messages per second at most.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
    """
    former = _latest(sqs, source)
    sqs.start_message_move_task(
        SourceArn=source.arn,
        # Named: SQS knows where a message comes from only if it moved it there itself.
        DestinationArn=destination.arn,
        **({"MaxNumberOfMessagesPerSecond": rate} if rate else {}),
    )
    return follow(sqs, source, say, former)


def follow(sqs: Any, source: Queue, say: Report, former: Task | None = None) -> Task:
    """Wait for the end of the latest move that is not the `former` one. Ctrl-C cancels it; SIGKILL does not."""
    try:
        return _ended(sqs, source, say, former)
    except KeyboardInterrupt:
        _cancel(sqs, source)
        raise


def _ended(sqs: Any, source: Queue, say: Report, former: Task | None) -> Task:
    while True:
        task = _latest(sqs, source)
        # SQS may take a moment to list what was just started.
        if task and (former is None or task["StartedTimestamp"] != former["StartedTimestamp"]):
            if task["Status"] not in _ACTIVE:
                return task
            say(f"{task.get('ApproximateNumberOfMessagesMoved', 0)} of {task['ApproximateNumberOfMessagesToMove']}")
        time.sleep(_INTERVAL)


def _latest(sqs: Any, source: Queue) -> Task | None:
    tasks: list[Task] = sqs.list_message_move_tasks(SourceArn=source.arn, MaxResults=1).get("Results", [])
    return tasks[0] if tasks else None


def _cancel(sqs: Any, source: Queue) -> None:
    try:
        task = _latest(sqs, source)
        if task and "TaskHandle" in task:  # which only a task has that runs
            sqs.cancel_message_move_task(TaskHandle=task["TaskHandle"])
    except ClientError as error:
        raise NotDoneError(
            f"interrupted, but SQS does not cancel the move, and may go on with it: {plain(str(error))}"
        ) from error
