"""The queues, the rule and the log group of an environment, made without deploying it."""

import json
from typing import Any

from local.emulator import Emulator

SOURCE = "tap"


class Queues:
    """Those of the environment `suffix`, by the names that its stacks give them."""

    def __init__(self, emulator: Emulator, suffix: str) -> None:
        self.suffix = suffix
        self.sqs = emulator.client("sqs")
        self._events = emulator.client("events")
        self._logs = emulator.client("logs")
        self.bus = f"tap-application-events-{suffix}"
        self.log_group = f"/aws/events/tap-application-events-{suffix}"

    def make(self, name: str, **attributes: str) -> str:
        """The ARN of a new queue."""
        url = self.sqs.create_queue(QueueName=f"tap-{name}-{self.suffix}", Attributes=attributes)["QueueUrl"]
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(answer["Attributes"]["QueueArn"])

    def make_pair(self, name: str) -> None:
        """A queue whose messages are dead letters after two receives."""
        policy = {"deadLetterTargetArn": self.make(f"dlq-{name}"), "maxReceiveCount": 2}
        self.make(name, RedrivePolicy=json.dumps(policy))

    def make_rule(self) -> None:
        """A rule with both targets, of which neither exists yet, and a dead-letter queue for either."""
        undelivered = self.make("undelivered-events")
        bus = self._events.create_event_bus(Name=self.bus)["EventBusArn"]
        self._events.put_rule(Name="rule", EventBusName=self.bus, EventPattern=json.dumps({"source": [SOURCE]}))
        _, _, _, region, account, _ = bus.split(":", 5)
        arns = (
            f"arn:aws:sqs:{region}:{account}:tap-events-{self.suffix}",
            f"arn:aws:logs:{region}:{account}:log-group:{self.log_group}",
        )
        targets = [
            {"Id": str(index), "Arn": arn, "DeadLetterConfig": {"Arn": undelivered}} for index, arn in enumerate(arns)
        ]
        self._events.put_targets(Rule="rule", EventBusName=self.bus, Targets=targets)

    def put_event(self, key: str) -> None:
        entry = {"EventBusName": self.bus, "Source": SOURCE, "DetailType": "test", "Detail": json.dumps({"key": key})}
        assert self._events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    def url(self, name: str) -> str:
        return str(self.sqs.get_queue_url(QueueName=f"tap-{name}-{self.suffix}")["QueueUrl"])

    def send(self, name: str, text: str, **attributes: str) -> None:
        self.sqs.send_message(
            QueueUrl=self.url(name),
            MessageBody=text,
            MessageAttributes={key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()},
        )

    def bury(self, name: str, *texts: str) -> None:
        """Messages that are received in vain, until SQS takes them for dead letters."""
        for text in texts:
            self.send(name, text, sender="test")
        while len(self.texts(f"dlq-{name}")) < len(texts):
            self.sqs.receive_message(QueueUrl=self.url(name), MaxNumberOfMessages=10, VisibilityTimeout=0)

    def messages(self, name: str) -> list[dict[str, Any]]:
        """All that can be received at this moment, up to ten, and can still be afterwards."""
        answer = self.sqs.receive_message(
            QueueUrl=self.url(name),
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def texts(self, name: str) -> list[str]:
        return [message["Body"] for message in self.messages(name)]

    def logged(self) -> list[dict[str, Any]]:
        """The events in the log group."""
        answer = self._logs.filter_log_events(logGroupName=self.log_group)
        return [json.loads(line["message"]) for line in answer["events"]]

    def make_log_group(self) -> None:
        self._logs.create_log_group(logGroupName=self.log_group)
