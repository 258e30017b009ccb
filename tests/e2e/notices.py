"""What the alarms of the deployed platform tell people, as one who subscribed hears it."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from local.platform import Platform
from tests.e2e.stacks import SUFFIX
from tests.e2e.uploads import wait_for


class Notices:
    """A queue that hears of every change of an alarm's state, with `close` at the end. Alarms go by short names."""

    def __init__(self, platform: Platform) -> None:
        client = platform.emulator.client
        self._cloudwatch, self._sqs, self._sns = client("cloudwatch"), client("sqs"), client("sns")
        self._queue = self._sqs.create_queue(QueueName="notices")["QueueUrl"]
        answer = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        topic, queue = platform.access.outputs["alarm_topic_arn"], answer["Attributes"]["QueueArn"]
        self._subscription = self._sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
        self._heard = defaultdict[str, list[str]](list)

    def close(self) -> None:
        self._sns.unsubscribe(SubscriptionArn=self._subscription)
        self._sqs.delete_queue(QueueUrl=self._queue)

    def alarms(self) -> Mapping[str, dict[str, Any]]:
        """All alarms of the environment, as CloudWatch describes them."""
        alarms = self._cloudwatch.describe_alarms()["MetricAlarms"]
        return {_short(alarm["AlarmName"]): alarm for alarm in alarms if alarm["AlarmName"].endswith(f"-{SUFFIX}")}

    def heard(self) -> Mapping[str, list[str]]:
        """The states that alarms went into since the subscription, in their order."""
        while messages := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                notice = json.loads(json.loads(message["Body"])["Message"])
                self._heard[_short(notice["AlarmName"])].append(notice["NewStateValue"])
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return self._heard

    @contextmanager
    def of(self, *names: str) -> Iterator[None]:
        """The fault that is done meanwhile raises these alarms, which nothing has raised before."""
        before = self.heard()
        assert [name for name in names if "ALARM" in before[name]] == []
        yield
        wait_for(lambda: all("ALARM" in self.heard()[name] for name in names))


def _short(name: str) -> str:
    return name.removeprefix("tap-").removesuffix(f"-{SUFFIX}")
