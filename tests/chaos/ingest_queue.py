"""The ingest queue as a schedule has it: it delivers at least once, in any order, and hides nothing for long."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

# Then a message becomes a dead letter. Of the deployed queue many more; but so a schedule sees it happen.
MAX_RECEIVES = 4

_ARN = "arn:aws:sqs:us-east-1:123456789012:tap-ingest-test"


@dataclass(kw_only=True)
class Message:
    """`receives`: how often it was handed out."""

    id: str
    body: str
    receives: int = 0


class IngestQueue:
    """Messages, until they are deleted or become dead letters. https://docs.aws.amazon.com/AWSSimpleQueueService/"""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.dead_letters: list[Message] = []

    def send(self, body: str) -> None:
        self.messages.append(Message(id=str(uuid4()), body=body))

    def join(self) -> None:
        """Makes one message of the last two."""
        *others, one, other = self.messages
        body = json.loads(one.body)
        body["Records"] += json.loads(other.body)["Records"]
        self.messages = [*others, Message(id=one.id, body=json.dumps(body))]

    def receive(self, places: Sequence[int]) -> list[dict[str, Any]]:
        """Those at these places, as Lambda gets them: one that was handed out before may be there again.

        There is no end of places: after the last message comes the first.
        """
        chosen = {place % len(self.messages): None for place in places} if self.messages else {}
        batch = [self.messages[place] for place in chosen]
        dead = [message for message in batch if message.receives >= MAX_RECEIVES]
        self.dead_letters += dead
        self.messages = [message for message in self.messages if message not in dead]
        return [_received(message) for message in batch if message not in dead]

    def delete(self, ids: Collection[str]) -> None:
        """Whoever has done their work deletes them; it makes no difference who else has them in hand."""
        self.messages = [message for message in self.messages if message.id not in ids]
        self.dead_letters = [message for message in self.dead_letters if message.id not in ids]

    def redrive(self) -> None:
        """An operator sends the dead letters to the queue again."""
        self.messages += [Message(id=str(uuid4()), body=message.body) for message in self.dead_letters]
        self.dead_letters = []


def _received(message: Message) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""
    message.receives += 1
    return {
        "messageId": message.id,
        "receiptHandle": str(uuid4()),
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": str(message.receives)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": _ARN,
        "awsRegion": "us-east-1",
    }
