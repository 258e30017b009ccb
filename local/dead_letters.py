"""Dead-letter queues, and what lies in them: looked at, and given back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from handler.errors import InvalidMessage
from handler.notifications import read_message

_BATCH = 10  # messages: SQS's limit of each request
_HIDDEN = 60  # seconds that a message is hidden from others while it is in our hands
_MOST = 20  # messages that are looked at


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue as SQS describes it. `count`: its messages, about, with those that somebody holds at this moment."""

    name: str
    url: str
    arn: str
    count: int
    retention: timedelta

    @classmethod
    def find(cls, sqs: Any, name: str) -> Self:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        known = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return cls(
            name=name,
            url=url,
            arn=known["QueueArn"],
            count=int(known["ApproximateNumberOfMessages"]) + int(known["ApproximateNumberOfMessagesNotVisible"]),
            retention=timedelta(seconds=int(known["MessageRetentionPeriod"])),
        )


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One message. `keys`: of the uploads that it is about; none if it is not about any.

    `target`, `reason`: of an event, who did not get it, and why.
    """

    sent_at: datetime
    keys: tuple[str, ...]
    target: str | None
    reason: str | None


def look(sqs: Any, queue: Queue) -> list[DeadLetter]:
    """What lies there, the oldest first, up to a number that one still reads."""
    found: dict[str, DeadLetter] = {}
    with hands(sqs, queue) as held:
        while len(found) < min(queue.count, _MOST) and (messages := receive(sqs, queue)):
            for message in messages:
                held.append(message["ReceiptHandle"])
                found[message["MessageId"]] = _read(message)
    return sorted(found.values(), key=lambda letter: letter.sent_at)


@contextmanager
def hands(sqs: Any, queue: Queue) -> Iterator[list[str]]:
    """The receipt handles of the messages that we hold: of those that are there at the end, others can have each."""
    held: list[str] = []
    try:
        yield held
    finally:
        for begin in range(0, len(held), _BATCH):
            sqs.change_message_visibility_batch(
                QueueUrl=queue.url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for index, handle in enumerate(held[begin : begin + _BATCH])
                ],
            )


def receive(sqs: Any, queue: Queue) -> list[dict[str, Any]]:
    """The next messages, with all that is known of them; none if there is none for a second."""
    answer = sqs.receive_message(
        QueueUrl=queue.url,
        MaxNumberOfMessages=_BATCH,
        VisibilityTimeout=_HIDDEN,
        WaitTimeSeconds=1,
        MessageSystemAttributeNames=["SentTimestamp"],
        MessageAttributeNames=["All"],
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def attribute(message: dict[str, Any], name: str) -> str | None:
    """What the sender says beside the text: EventBridge, whom an event was for."""
    value: str | None = message.get("MessageAttributes", {}).get(name, {}).get("StringValue")
    return value


def _read(message: dict[str, Any]) -> DeadLetter:
    return DeadLetter(
        sent_at=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
        keys=_keys(message["Body"]),
        target=attribute(message, "TARGET_ARN"),
        reason=attribute(message, "ERROR_MESSAGE") or attribute(message, "ERROR_CODE"),
    )


def _keys(body: str) -> tuple[str, ...]:
    """Of S3's notification of uploads, or of the event about one."""
    try:
        return tuple(version.key for version in read_message(body))
    except InvalidMessage:
        pass
    try:
        return (str(json.loads(body)["detail"]["key"]),)
    except (ValueError, KeyError, TypeError):
        return ()
