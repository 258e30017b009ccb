"""SQS's message move tasks in the emulated AWS, which moto lacks: dead letters go back to the queue that they are of.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

import threading
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import ActionResult
from moto.sqs.exceptions import InvalidParameterValue, QueueDoesNotExist, SQSException
from moto.sqs.models import Queue, SQSBackend
from moto.sqs.responses import SQSResponse


@dataclass(kw_only=True)
class _Task:
    """One move, in a thread of its own. `rate`: messages per second, or None for as fast as it goes."""

    backend: SQSBackend
    source: Queue
    destination: Queue
    rate: int | None
    to_move: int
    handle: str = field(default_factory=lambda: uuid.uuid4().hex)
    started_at: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    moved: int = 0
    status: str = "RUNNING"
    failure: str | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.cancelled.is_set():
            waiting = self.source.messages
            if not waiting:
                self.status = "COMPLETED"
                return
            try:
                self._move(waiting[0])
            except QueueDoesNotExist as error:
                self.failure, self.status = error.code, "FAILED"
                return
            if self.rate:
                self.cancelled.wait(1 / self.rate)
        self.status = "CANCELLED"

    def _move(self, message: Any) -> None:
        """It becomes a new message, with another id, and all its time before it."""
        self.backend.send_message(
            self.destination.name,
            message.body,
            message_attributes=message.message_attributes,
            system_attributes=message.system_attributes,
        )
        self.source._messages.remove(message)
        self.moved += 1

    def describe(self) -> dict[str, Any]:
        description = {
            "Status": self.status,
            "SourceArn": self.source.queue_arn,
            "DestinationArn": self.destination.queue_arn,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.to_move,
            "StartedTimestamp": self.started_at,
        }
        if self.status == "RUNNING":
            description["TaskHandle"] = self.handle
        if self.rate:
            description["MaxNumberOfMessagesPerSecond"] = self.rate
        if self.failure:
            description["FailureReason"] = self.failure
        return description


_tasks: defaultdict[str, list[_Task]] = defaultdict(list)  # by the ARN of their source, the latest first


def _start(response: SQSResponse) -> ActionResult:
    backend = response.sqs_backend
    source = _queue(response, "SourceArn")
    sources_of_dead_letters = backend.list_dead_letter_source_queues(source.name)
    if not sources_of_dead_letters:
        raise InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.")
    if any(task.status == "RUNNING" for task in _tasks[source.queue_arn]):
        raise InvalidParameterValue(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
    task = _Task(
        backend=backend,
        source=source,
        # AWS knows of each message where it comes from; here it is the only queue that it can be.
        destination=_queue(response, "DestinationArn")
        if response._get_param("DestinationArn")
        else sources_of_dead_letters[0],
        rate=response._get_param("MaxNumberOfMessagesPerSecond"),
        to_move=len(source.messages),
    )
    _tasks[source.queue_arn].insert(0, task)
    threading.Thread(target=task.run, name="message move task", daemon=True).start()
    return ActionResult({"TaskHandle": task.handle})


def _list(response: SQSResponse) -> ActionResult:
    tasks = _tasks[_queue(response, "SourceArn").queue_arn]
    most: int = response._get_param("MaxResults") or 1
    return ActionResult({"Results": [task.describe() for task in tasks[:most]]})


def _cancel(response: SQSResponse) -> ActionResult:
    handle = response._get_param("TaskHandle")
    task = next((task for tasks in _tasks.values() for task in tasks if task.handle == handle), None)
    if not task or task.status != "RUNNING":
        raise SQSException("ResourceNotFoundException", "Task does not exist.")
    task.cancelled.set()
    return ActionResult({"ApproximateNumberOfMessagesMoved": task.moved})


def _queue(response: SQSResponse, parameter: str) -> Queue:
    name = response._get_param(parameter).rpartition(":")[2]
    try:
        return response.sqs_backend.get_queue(name)
    except QueueDoesNotExist:
        raise SQSException(
            "ResourceNotFoundException",
            f"The resource that you specified for the {parameter} parameter doesn't exist.",
        ) from None


def install() -> None:
    """Let moto's SQS move messages."""
    SQSResponse.start_message_move_task = _start  # type: ignore[attr-defined]
    SQSResponse.list_message_move_tasks = _list  # type: ignore[attr-defined]
    SQSResponse.cancel_message_move_task = _cancel  # type: ignore[attr-defined]
