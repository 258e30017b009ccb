"""Events that a target of the rule missed: each is sent to it again, as EventBridge sends them.

SQS moves only what came from another queue. On the bus an event would be another one, and reach those who have it.
"""

import time
import uuid
from typing import Any

from local.cdktf import Report
from local.dead_letters import Queue, attribute, hands, receive
from local.layout import plain
from local.operating import NotDoneError


def send_again(sqs: Any, logs: Any, source: Queue, say: Report, *, rate: int | None) -> int:
    """Send all events, delete each after that, and answer how many there were.

    Who is interrupted in between sends one twice: consumers know it by its `event_id`. `rate`: events per second at
    most. Raises NotDoneError if a message is there that EventBridge did not send; the others are sent.
    """
    targets = _Targets(sqs, logs)
    sent = 0
    strange: set[str] = set()
    with hands(sqs, source) as held:
        while messages := [message for message in receive(sqs, source) if message["MessageId"] not in strange]:
            held += [message["ReceiptHandle"] for message in messages]
            for message in messages:
                target = attribute(message, "TARGET_ARN")
                if target is None:
                    strange.add(message["MessageId"])
                    continue
                targets.send(target, message["Body"])
                sqs.delete_message(QueueUrl=source.url, ReceiptHandle=message["ReceiptHandle"])
                held.remove(message["ReceiptHandle"])
                sent += 1
                say(f"{sent} of {max(source.count, sent)}")
                if rate:
                    time.sleep(1 / rate)
    if strange:
        raise NotDoneError(
            f"{len(strange)} in {source.name} have no attribute TARGET_ARN, so that nobody knows whom they are for:"
            f" look at them and delete them ({sent} others were sent)"
        )
    return sent


class _Targets:
    def __init__(self, sqs: Any, logs: Any) -> None:
        self._sqs = sqs
        self._logs = logs
        self._stream = f"redrive-{uuid.uuid4()}"
        self._groups: set[str] = set()

    def send(self, arn: str, event: str) -> None:
        _, _, service, _, _, resource = arn.split(":", 5)
        if service == "sqs":
            url = self._sqs.get_queue_url(QueueName=resource)["QueueUrl"]
            self._sqs.send_message(QueueUrl=url, MessageBody=event)
        elif service == "logs":
            self._log(resource.removeprefix("log-group:").removesuffix(":*"), event)
        else:
            raise NotDoneError(f"an event is for {plain(arn)}, and only queues and log groups can be sent to")

    def _log(self, group: str, event: str) -> None:
        if group not in self._groups:
            self._logs.create_log_stream(logGroupName=group, logStreamName=self._stream)
            self._groups.add(group)
        # As of now: CloudWatch Logs takes nothing that is older than two weeks.
        line = {"timestamp": time.time_ns() // 1_000_000, "message": event}
        self._logs.put_log_events(logGroupName=group, logStreamName=self._stream, logEvents=[line])
