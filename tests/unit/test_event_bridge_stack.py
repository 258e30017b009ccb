"""What TAP processed is announced on a bus of its own, and no announcement is lost."""

import json

import pytest

from tests.unit.synthesized import Block, Platform, Stack, queue_arn, sender, tls_only

RULE = "${aws_cloudwatch_event_rule[tap-s3-processing-dev].arn}"
CONSUMER = "${aws_sqs_queue[tap-events-dev].arn}"
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


def test_archive_keeps_every_event_of_the_bus(event_bridge: Stack) -> None:
    """It has no pattern: what a rule misses can be replayed once the rule is mended."""
    assert event_bridge.resource("aws_cloudwatch_event_archive") == {
        "name": "tap-events-dev",
        "event_source_arn": "${aws_cloudwatch_event_bus[tap-application-events-dev].arn}",
        "retention_days": 14,
    }
