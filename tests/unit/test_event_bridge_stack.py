"""What TAP processed is announced on a bus of its own, and no announcement is lost."""

import json

import pytest

from tests.unit.conftest import Synthesize
from tests.unit.synthesized import Block, Platform, Stack, queue_arn, sender, tls_only

RULE = "${aws_cloudwatch_event_rule[tap-s3-processing-dev].arn}"
CONSUMER = "${aws_sqs_queue[tap-events-dev].arn}"
ALARM = "aws_cloudwatch_metric_alarm"
MONITORING = "${aws_cloudwatch_log_group[/aws/events/tap-application-events-dev].arn}"


@pytest.fixture
def event_bridge(platform: Platform) -> Stack:
    return platform["tap-eventbridge-dev"]


@pytest.fixture(params=[CONSUMER, MONITORING], ids=["consumer", "monitoring"])
def target(request: pytest.FixtureRequest, event_bridge: Stack) -> Block:
    return event_bridge.resource("aws_cloudwatch_event_target", arn=request.param)


def test_holds_the_bus_its_rule_and_who_hears_of_it(event_bridge: Stack) -> None:
    """There is nothing in the stack beyond what the design lists."""
    assert event_bridge.inventory == {
        "aws_cloudwatch_event_archive": 1,
        "aws_cloudwatch_event_bus": 1,
        "aws_cloudwatch_event_rule": 1,
        "aws_cloudwatch_event_target": 2,
        "aws_cloudwatch_log_group": 1,
        "aws_sqs_queue": 3,
        "terraform_data": 1,
    }


def test_bus_has_a_name_and_no_partner_source(event_bridge: Stack) -> None:
    """`event_source_name` is for the buses of AWS's partners."""
    assert event_bridge.resource("aws_cloudwatch_event_bus") == {
        "name": "tap-application-events-dev",
        "tags": {"Component": "events"},
    }


def test_rule_matches_what_tap_processed(event_bridge: Stack) -> None:
    """The pattern is exactly source, detail type and the two values of status."""
    rule = event_bridge.resource("aws_cloudwatch_event_rule")
    assert json.loads(rule["event_pattern"]) == {
        "source": ["tap.application.dev"],
        "detail-type": ["S3 Object Processed"],
        "detail": {"status": ["success", "error"]},
    }


def test_rule_is_on_the_custom_bus(event_bridge: Stack) -> None:
    """On the default bus it would never match."""
    rule = event_bridge.resource("aws_cloudwatch_event_rule")
    assert rule["event_bus_name"] == "${aws_cloudwatch_event_bus[tap-application-events-dev].name}"


def test_target_is_the_rules(target: Block) -> None:
    """A target names the rule and its bus, or EventBridge looks for the rule on the default bus."""
    assert target["rule"] == "${aws_cloudwatch_event_rule[tap-s3-processing-dev].name}"
    assert target["event_bus_name"] == "${aws_cloudwatch_event_rule[tap-s3-processing-dev].event_bus_name}"


def test_target_is_retried_for_a_day(target: Block) -> None:
    """As long and as often as EventBridge can."""
    assert target["retry_policy"] == {"maximum_event_age_in_seconds": 86_400, "maximum_retry_attempts": 185}


def test_target_keeps_what_cannot_be_delivered(target: Block) -> None:
    """Both targets have the dead-letter queue."""
    assert target["dead_letter_config"] == {"arn": "${aws_sqs_queue[tap-undelivered-events-dev].arn}"}


def test_target_has_no_role(target: Block) -> None:
    """Queue and log group admit EventBridge by their own policies."""
    assert "role_arn" not in target


@pytest.mark.parametrize("queue", ["tap-events-dev", "tap-undelivered-events-dev"])
def test_only_the_rule_may_send(event_bridge: Stack, queue: str) -> None:
    """Consumer queue and undelivered events admit EventBridge on behalf of the rule, over TLS."""
    assert event_bridge.resource("aws_sqs_queue", name=queue)["policy"] == [
        tls_only("sqs:*", queue_arn(queue)),
        sender("events.amazonaws.com", RULE, queue),
    ]


def test_no_service_may_send_to_the_consumers_dead_letter_queue(event_bridge: Stack) -> None:
    """Dead letters come from SQS itself, which asks no policy."""
    queue = event_bridge.resource("aws_sqs_queue", name="tap-dlq-events-dev")
    assert queue["policy"] == [tls_only("sqs:*", queue_arn("tap-dlq-events-dev"))]


def test_consumers_dead_letter_queue_is_its_own(event_bridge: Stack) -> None:
    """What a consumer cannot process does not lie among what EventBridge could not deliver."""
    queue = event_bridge.resource("aws_sqs_queue", name="tap-events-dev")
    assert queue["redrive_policy"] == (
        '${jsonencode({"deadLetterTargetArn" = aws_sqs_queue[tap-dlq-events-dev].arn, "maxReceiveCount" = 5})}'
    )
    assert event_bridge.resource("aws_sqs_queue", name="tap-dlq-events-dev")["redrive_allow_policy"] == (
        f'${{jsonencode({{"redrivePermission" = "byQueue", "sourceQueueArns" = ["{queue_arn("tap-events-dev")}"]}})}}'
    )


def test_monitoring_log_group_is_where_eventbridge_may_write(event_bridge: Stack) -> None:
    """The account's log resource policy admits `/aws/events/tap-*`."""
    assert event_bridge.resource("aws_cloudwatch_log_group") == {
        "name": "/aws/events/tap-application-events-dev",
        "retention_in_days": 14,
        "kms_key_id": "${data.aws_kms_alias[alias/tap-account].target_key_arn}",
        "tags": {"Component": "events"},
    }


@pytest.fixture(scope="module")
def notifying(synthesize: Synthesize) -> Platform:
    """One environment with the topic, and one with somebody who gets mails as well."""
    return synthesize(
        {"ENVIRONMENT_SUFFIX": "chats,mails"},
        {"chats": {"notifications": True}, "mails": {"notify_email": "team@example.com"}},
    )


class TestNotifications:
    """Of test failures, if the environment wants them."""

    @pytest.fixture
    def chats(self, notifying: Platform) -> Stack:
        return notifying["tap-eventbridge-chats"]

    def test_there_are_none_by_default(self, event_bridge: Stack, platform: Platform) -> None:
        """Nobody listens to a topic that nobody asked for."""
        assert event_bridge.resources("aws_sns_topic") == []
        assert "notifications_topic_arn" not in platform["tap-outputs-dev"].document["output"]

    def test_they_are_a_topic_and_a_rule_of_its_own(self, chats: Stack, event_bridge: Stack) -> None:
        """With its own dead letters; all else is as it was."""
        more = {kind: number - event_bridge.inventory.get(kind, 0) for kind, number in chats.inventory.items()}
        assert {kind: number for kind, number in more.items() if number} == {
            "aws_cloudwatch_event_rule": 1,
            "aws_cloudwatch_event_target": 1,
            "aws_sns_topic": 1,
            "aws_sqs_queue": 1,
        }

    def test_rule_matches_what_changed_the_failures(self, chats: Stack) -> None:
        """And nothing else of the bus."""
        rule = chats.resource("aws_cloudwatch_event_rule", name="tap-test-failures-chats")
        assert json.loads(rule["event_pattern"]) == {
            "source": ["tap.application.chats"],
            "detail-type": ["Test Failures Changed"],
        }
        assert rule["event_bus_name"] == "${aws_cloudwatch_event_bus[tap-application-events-chats].name}"

    def test_settled_rule_stays_as_it_is(self, chats: Stack) -> None:
        """Its consumers get what they always got."""
        rule = chats.resource("aws_cloudwatch_event_rule", name="tap-s3-processing-chats")
        assert json.loads(rule["event_pattern"])["detail-type"] == ["S3 Object Processed"]
        targets = chats.resources("aws_cloudwatch_event_target")
        rules = sorted(target["rule"] for target in targets)
        assert rules == [
            "${aws_cloudwatch_event_rule[tap-s3-processing-chats].name}",
            "${aws_cloudwatch_event_rule[tap-s3-processing-chats].name}",
            "${aws_cloudwatch_event_rule[tap-test-failures-chats].name}",
        ]

    def test_topic_is_encrypted_and_open_to_its_rule_alone(self, chats: Stack) -> None:
        """Under the account's key, which EventBridge may use, and over TLS."""
        topic = chats.resource("aws_sns_topic")
        policy = topic.pop("policy")
        assert topic == {
            "name": "tap-test-failures-chats",
            "display_name": "TAP chats",
            "kms_master_key_id": "${data.aws_kms_alias[alias/tap-account].target_key_arn}",
            "tags": {"Component": "events"},
        }
        arn = "arn:{partition}:sns:{region}:{account}:tap-test-failures-chats"
        assert policy == [
            tls_only("sns:Publish", arn),
            {
                "Effect": "Allow",
                "Principal": {"Service": ["events.amazonaws.com"]},
                "Action": ["sns:Publish"],
                "Resource": [arn],
                "Condition": {
                    "ArnLikeIfExists": {"aws:SourceArn": ["${aws_cloudwatch_event_rule[tap-test-failures-chats].arn}"]},
                    "StringEqualsIfExists": {"aws:SourceAccount": ["{account}"]},
                },
            },
        ]

    def test_target_sends_what_chats_show(self, chats: Stack) -> None:
        """In the form of AWS's custom notifications, with nothing but what is safe between quotes."""
        target = chats.resource("aws_cloudwatch_event_target", arn="${aws_sns_topic[tap-test-failures-chats].arn}")
        assert target["dead_letter_config"] == {"arn": "${aws_sqs_queue[tap-undelivered-notifications-chats].arn}"}
        assert target["retry_policy"] == {"maximum_event_age_in_seconds": 86_400, "maximum_retry_attempts": 185}
        assert "role_arn" not in target
        assert target["input_transformer"]["input_paths"] == {
            "event_id": "$.detail.event_id",
            "page_url": "$.detail.page_url",
            "title": "$.detail.message.title",
            "newly_failing": "$.detail.message.newly_failing",
            "fixed": "$.detail.message.fixed",
            "still_failing": "$.detail.message.still_failing",
        }
        assert json.loads(target["input_transformer"]["input_template"]) == {
            "version": "1.0",
            "source": "custom",
            "id": "<event_id>",
            "content": {
                "textType": "client-markdown",
                "title": "<title>",
                "description": "<newly_failing>\n<fixed>\n<still_failing>\n<page_url>",
            },
        }

    def test_other_events_go_to_their_targets_as_they_are(self, chats: Stack) -> None:
        """A consumer reads the whole event."""
        targets = [target for target in chats.resources("aws_cloudwatch_event_target") if ":sns:" not in target["arn"]]
        assert len([target for target in targets if "input_transformer" not in target]) == 2

    def test_only_its_rule_may_send_to_the_queue_of_what_cannot_be_delivered(self, chats: Stack) -> None:
        """As with the other rule."""
        queue = "tap-undelivered-notifications-chats"
        assert chats.resource("aws_sqs_queue", name=queue)["policy"] == [
            tls_only("sqs:*", queue_arn(queue)),
            sender("events.amazonaws.com", "${aws_cloudwatch_event_rule[tap-test-failures-chats].arn}", queue),
        ]

    def test_what_is_lost_on_the_way_raises_an_alarm(self, notifying: Platform) -> None:
        """As with the other rule; an environment without notifications has no such alarms."""
        names = {block["alarm_name"] for block in notifying["tap-monitoring-chats"].resources(ALARM)}
        assert names >= {"tap-undelivered-notifications-chats", "tap-lost-notifications-chats"}
        assert names >= {"tap-undelivered-events-chats", "tap-lost-events-chats"}

    def test_who_wants_mails_gets_the_topic_as_well(self, notifying: Platform) -> None:
        """SNS asks them first."""
        stack = notifying["tap-eventbridge-mails"]
        assert stack.resource("aws_sns_topic_subscription") == {
            "topic_arn": "${aws_sns_topic[tap-test-failures-mails].arn}",
            "protocol": "email",
            "endpoint": "team@example.com",
        }

    @pytest.mark.parametrize("environment", ["chats", "mails"])
    def test_topic_is_an_output(self, notifying: Platform, environment: str) -> None:
        """What a channel is subscribed to."""
        outputs = notifying[f"tap-outputs-{environment}"]
        value = outputs.read(outputs.document["output"]["notifications_topic_arn"]["value"])
        assert value == f"${{aws_sns_topic[tap-test-failures-{environment}].arn}}"


def test_archive_keeps_every_event_of_the_bus(event_bridge: Stack) -> None:
    """It has no pattern: what a rule misses can be replayed once the rule is mended."""
    assert event_bridge.resource("aws_cloudwatch_event_archive") == {
        "name": "tap-events-dev",
        "event_source_arn": "${aws_cloudwatch_event_bus[tap-application-events-dev].arn}",
        "retention_days": 14,
    }
