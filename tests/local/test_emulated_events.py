"""EventBridge of the emulator: topics, replays, and events that a target does not get."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.emulator import Emulator
from tests.local.helpers.queues import Queues

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def events(emulator: Emulator) -> Any:
    return emulator.client("events")


class TestReplay:
    """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_StartReplay.html"""

    @pytest.fixture
    def arns(self, emulator: Emulator, events: Any, name: str) -> dict[str, str]:
        """A bus with an archive of three events, an hour between them, and two rules with a queue each."""
        bus = events.create_event_bus(Name=name)["EventBusArn"]
        arns = {"bus": bus, "archive": events.create_archive(ArchiveName=name, EventSourceArn=bus)["ArchiveArn"]}
        queues = Queues(emulator, name)
        for rule in ("one", "two"):
            pattern = json.dumps({"source": ["tap"]})
            arns[rule] = events.put_rule(Name=rule, EventBusName=name, EventPattern=pattern)["RuleArn"]
            events.put_targets(Rule=rule, EventBusName=name, Targets=[{"Id": "1", "Arn": queues.make(rule)}])
        for hour in range(3):
            entry = {"EventBusName": name, "Source": "tap", "DetailType": "test", "Detail": json.dumps({"hour": hour})}
            events.put_events(Entries=[{**entry, "Time": NOON + timedelta(hours=hour)}])
        for rule in ("one", "two"):
            queues.sqs.purge_queue(QueueUrl=queues.url(rule))
        return arns

    def replay(self, events: Any, arns: dict[str, str], name: str, **destination: Any) -> None:
        events.start_replay(
            ReplayName=name,
            EventSourceArn=arns["archive"],
            EventStartTime=NOON + timedelta(hours=1),
            EventEndTime=NOON + timedelta(hours=2),
            Destination={"Arn": arns["bus"], **destination},
        )
        assert events.describe_replay(ReplayName=name)["State"] == "COMPLETED"

    def test_events_of_that_time_come_again(
        self, emulator: Emulator, events: Any, arns: dict[str, str], name: str
    ) -> None:
        """To all rules, marked; the archive does not take them for new ones."""
        self.replay(events, arns, name)
        queues = Queues(emulator, name)
        for rule in ("one", "two"):
            [event] = map(json.loads, queues.texts(rule))
            assert (event["detail"], event["time"], event["replay-name"]) == ({"hour": 1}, "2026-11-23T13:00:00Z", name)
        assert events.describe_archive(ArchiveName=name)["EventCount"] == 3

    def test_only_rules_that_are_named_get_them(
        self, emulator: Emulator, events: Any, arns: dict[str, str], name: str
    ) -> None:
        self.replay(events, arns, name, FilterArns=[arns["two"]])
        queues = Queues(emulator, name)
        assert (len(queues.texts("one")), len(queues.texts("two"))) == (0, 1)


class TestUndeliveredEvent:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html"""

    @pytest.fixture
    def queues(self, emulator: Emulator, name: str) -> Queues:
        queues = Queues(emulator, name)
        queues.make_rule()
        return queues

    def test_dead_letter_names_the_target(self, queues: Queues) -> None:
        queues.make("events")
        queues.put_event("a.xml")
        [letter] = queues.messages("undelivered-events")
        attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
        assert attributes.keys() == {"RULE_ARN", "TARGET_ARN", "ERROR_CODE", "ERROR_MESSAGE"}
        assert attributes["RULE_ARN"].endswith(f":rule/{queues.bus}/rule")
        assert attributes["TARGET_ARN"].endswith(f":log-group:{queues.log_group}")
        assert attributes["ERROR_CODE"] == "NO_RESOURCE"

    def test_dead_letter_is_what_the_target_would_have_got(self, queues: Queues) -> None:
        """The other target gets it all the same."""
        queues.make("events")
        queues.put_event("a.xml")
        [delivered] = map(json.loads, queues.texts("events"))
        [undelivered] = map(json.loads, queues.texts("undelivered-events"))
        assert undelivered.items() >= delivered.items()

    def test_without_a_dead_letter_queue_it_is_lost(self, events: Any, queues: Queues) -> None:
        events.put_targets(
            Rule="rule",
            EventBusName=queues.bus,
            Targets=[{"Id": "0", "Arn": f"{queues.make('other')}-missing"}],
        )
        queues.make_log_group()
        queues.put_event("a.xml")
        assert queues.texts("undelivered-events") == []
        assert len(queues.logged()) == 1


class TestTopic:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html"""

    @pytest.fixture
    def queues(self, emulator: Emulator, events: Any, name: str) -> Queues:
        """A topic, to which a queue is subscribed, as the one target of a rule."""
        queues = Queues(emulator, name)
        queues.make_rule()
        sns = emulator.client("sns")
        topic = sns.create_topic(Name=name)["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queues.make("events"))
        events.remove_targets(Rule="rule", EventBusName=queues.bus, Ids=["0", "1"])
        transformer = {"InputPathsMap": {"key": "$.detail.key"}, "InputTemplate": '{"text": "<key> came"}'}
        target = {"Id": "topic", "Arn": topic, "InputTransformer": transformer}
        events.put_targets(Rule="rule", EventBusName=queues.bus, Targets=[target])
        return queues

    def test_gets_what_the_rule_makes_of_an_event(self, queues: Queues) -> None:
        """In the form of SNS's notification."""
        queues.put_event("a.xml")
        [notification] = map(json.loads, queues.texts("events"))
        assert json.loads(notification["Message"]) == {"text": "a.xml came"}

    def test_gets_nothing_that_the_rule_does_not_match(self, events: Any, queues: Queues) -> None:
        events.put_rule(Name="rule", EventBusName=queues.bus, EventPattern='{"source": ["other"]}')
        queues.put_event("a.xml")
        assert queues.texts("events") == []

    def test_one_that_is_gone_leaves_a_dead_letter(self, emulator: Emulator, events: Any, queues: Queues) -> None:
        """As a queue that is gone does."""
        [target] = events.list_targets_by_rule(Rule="rule", EventBusName=queues.bus)["Targets"]
        undelivered = queues.sqs.get_queue_attributes(
            QueueUrl=queues.url("undelivered-events"), AttributeNames=["QueueArn"]
        )["Attributes"]["QueueArn"]
        target["DeadLetterConfig"] = {"Arn": undelivered}
        events.put_targets(Rule="rule", EventBusName=queues.bus, Targets=[target])
        emulator.client("sns").delete_topic(TopicArn=target["Arn"])
        queues.put_event("a.xml")
        [letter] = map(json.loads, queues.texts("undelivered-events"))
        assert letter["detail"] == {"key": "a.xml"}
