"""Who may send to the queues, publish, write to the log group and take the functions' roles: no stranger."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.security import iam
from tests.security.concrete import ACCOUNT, REGION, arn, concrete, queue_policies, role_policy
from tests.security.iam import Case, Request
from tests.unit.synthesized import Block, Platform

ENVIRONMENTS = ("dev", "prod")
OTHER_ACCOUNT = "444455556666"
RULES = {"rule": "tap-s3-processing", "rule of failures": "tap-test-failures"}
BUS = "tap-application-events"

# The queues of an environment, and the one who may send to each: a service, and on whose behalf. A dead-letter queue
# of a queue gets its messages from SQS itself, which asks no policy.
SENDERS = {
    "tap-ingest": ("s3.amazonaws.com", "bucket"),
    "tap-dlq-ingest": None,
    "tap-events": ("events.amazonaws.com", "rule"),
    "tap-dlq-events": None,
    "tap-undelivered-events": ("events.amazonaws.com", "rule"),
    "tap-undelivered-notifications": ("events.amazonaws.com", "rule of failures"),
}
QUEUES = [(queue, environment) for queue in SENDERS for environment in ENVIRONMENTS]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What somebody tries, and as whom."""

    what: str
    request: Request


def service_request(service: str, source: str, action: str, resource: str, account: str = ACCOUNT) -> Request:
    """A service's request on behalf of one resource of an account, with the context that AWS adds to it."""
    context = {
        "aws:SourceArn": source,
        "aws:SourceAccount": account,
        "aws:SecureTransport": "true",
        "aws:PrincipalIsAWSService": "true",
    }
    return Request(principal=service, action=action, resource=resource, context=context)


def source(kind: str, environment: str, account: str = ACCOUNT) -> str:
    """The ARN of the bucket of an environment, or of one of its rules or alarms."""
    if kind == "bucket":
        return f"arn:aws:s3:::tap-uploads-{environment}-{account}"
    if kind == "alarm":
        return f"arn:aws:cloudwatch:{REGION}:{account}:alarm:tap-ingest-errors-{environment}"
    return f"arn:aws:events:{REGION}:{account}:rule/{BUS}-{environment}/{RULES[kind]}-{environment}"


def changed(request: Request, **context: str) -> Request:
    """The request with other values of `aws:...` keys."""
    return replace(request, context={**request.context, **{f"aws:{key}": value for key, value in context.items()}})


def strangers_to(legitimate: Request, kind: str, environment: str) -> Iterator[Attempt]:
    """Everybody who is like the one who may send but for one thing, and those who are nothing like it."""
    other = next(name for name in ENVIRONMENTS if name != environment)
    elsewhere = source(kind, environment, OTHER_ACCOUNT)
    action, resource = legitimate.action, legitimate.resource
    yield Attempt(what="the other environment's", request=changed(legitimate, SourceArn=source(kind, other)))
    yield Attempt(
        what="another of the account's", request=changed(legitimate, SourceArn=f"{source(kind, environment)}2")
    )
    yield Attempt(
        what="another account's", request=changed(legitimate, SourceArn=elsewhere, SourceAccount=OTHER_ACCOUNT)
    )
    # An ARN of a bucket tells no account: who takes a deleted bucket's name must not take its place.
    yield Attempt(what="another account's of the same ARN", request=changed(legitimate, SourceAccount=OTHER_ACCOUNT))
    yield Attempt(what="the sender without TLS", request=changed(legitimate, SecureTransport="false"))
    without_source = {key: value for key, value in legitimate.context.items() if not key.startswith("aws:Source")}
    yield Attempt(what="on nobody's behalf", request=replace(legitimate, context=without_source))
    for service in ("s3.amazonaws.com", "events.amazonaws.com", "sns.amazonaws.com", "lambda.amazonaws.com"):
        if service != legitimate.principal:
            yield Attempt(what=service, request=replace(legitimate, principal=service))
    for who in (f"arn:aws:iam::{OTHER_ACCOUNT}:role/x", f"arn:aws:iam::{ACCOUNT}:role/tap-lambda-{environment}"):
        yield Attempt(
            what=who,
            request=Request(principal=who, action=action, resource=resource, context={"aws:SecureTransport": "true"}),
        )


def attempts_on_queue(queue: str, environment: str) -> tuple[Request | None, list[Attempt]]:
    """The request of the one who may send, if there is one, and those of strangers."""
    sender = SENDERS[queue]
    service, kind = sender or ("sqs.amazonaws.com", "rule")
    request = service_request(
        service, source(kind, environment), "sqs:SendMessage", arn("sqs", f"{queue}-{environment}")
    )
    strangers = list(strangers_to(request, kind, environment))
    if not sender:
        return None, [Attempt(what="a service", request=request), *strangers]
    # The one who may send may not read, nor open the queue to others.
    strangers += [
        Attempt(what=f"the sender, {action}", request=replace(request, action=f"sqs:{action}"))
        for action in ("ReceiveMessage", "DeleteMessage", "PurgeQueue", "SetQueueAttributes")
    ]
    return request, strangers


def admitted(
    attempts: list[Attempt], policy: list[Block], role: str = "", identity_policy: Block | None = None
) -> list[str]:
    """Who of them gets in; the function's role with what its own policy allows."""
    cases = [
        Case(
            request=attempt.request,
            account=ACCOUNT,
            resource_policy=iam.policy(policy),
            identity_policy=identity_policy if attempt.request.principal == role else None,
        )
        for attempt in attempts
    ]
    return [attempt.what for attempt, verdict in zip(attempts, iam.allowed(cases), strict=True) if verdict]


@pytest.fixture(scope="module")
def strangers(summary: list[str]) -> Iterator[list[tuple[int, int]]]:
    """Pairs of how many strangers were tried and how many got in."""
    tried: list[tuple[int, int]] = []
    yield tried
    summary.append(
        f"strangers: {sum(number for number, _ in tried)} tried to send to queues, to publish, to write to the logs"
        f" or to take the role, {sum(number for _, number in tried)} admitted"
    )


def test_every_queue_is_tried(platform: Platform) -> None:
    """A new queue needs a line here."""
    assert queue_policies(platform).keys() == {f"{queue}-{environment}" for queue, environment in QUEUES}


@pytest.mark.parametrize(("queue", "environment"), [pair for pair in QUEUES if SENDERS[pair[0]]])
def test_one_may_send(platform: Platform, queue: str, environment: str) -> None:
    """The bucket to the ingest queue; the rule to the consumer queue and to the queue of what it cannot deliver."""
    request, _ = attempts_on_queue(queue, environment)
    assert request is not None
    attempt = Attempt(what="sender", request=request)
    assert admitted([attempt], queue_policies(platform)[f"{queue}-{environment}"]) == ["sender"]


@pytest.mark.parametrize(("queue", "environment"), QUEUES)
def test_no_stranger_may_send(
    platform: Platform, strangers: list[tuple[int, int]], queue: str, environment: str
) -> None:
    """Nor may the one who may send do anything else."""
    _, attempts = attempts_on_queue(queue, environment)
    policy = queue_policies(platform)[f"{queue}-{environment}"]
    role = f"arn:aws:iam::{ACCOUNT}:role/tap-lambda-{environment}"
    found = admitted(attempts, policy, role, role_policy(platform, environment))
    strangers.append((len(attempts), len(found)))
    assert found == []


@pytest.mark.parametrize("condition", ["ArnEquals", "StringEquals"])
def test_stranger_would_be_noticed(platform: Platform, condition: str) -> None:
    """Each of the two conditions keeps somebody out whom the other would let in."""
    [deny, allow] = queue_policies(platform)["tap-ingest-dev"]
    conditions = {operator: keys for operator, keys in allow["Condition"].items() if operator != condition}
    _, attempts = attempts_on_queue("tap-ingest", "dev")
    assert admitted(attempts, [deny, {**allow, "Condition": conditions}]) != []


def test_plain_http_would_be_noticed(platform: Platform) -> None:
    """It is the first statement alone that keeps it out."""
    [_, allow] = queue_policies(platform)["tap-ingest-dev"]
    _, attempts = attempts_on_queue("tap-ingest", "dev")
    assert admitted(attempts, [allow]) == ["the sender without TLS"]


def topic_policy(platform: Platform, environment: str, service: str = "monitoring") -> list[Block]:
    policy: list[Block] = concrete(platform[f"tap-{service}-{environment}"].resource("aws_sns_topic")["policy"])
    return policy


def publication(environment: str) -> Request:
    """CloudWatch's, of an alarm of the environment."""
    topic = arn("sns", f"tap-alarms-{environment}")
    return service_request("cloudwatch.amazonaws.com", source("alarm", environment), "sns:Publish", topic)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_alarms_may_publish_to_their_topic(platform: Platform, environment: str) -> None:
    """CloudWatch on behalf of an alarm of the environment."""
    attempt = Attempt(what="alarm", request=publication(environment))
    assert admitted([attempt], topic_policy(platform, environment)) == ["alarm"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_stranger_may_publish_to_the_topic_of_the_alarms(
    platform: Platform, strangers: list[tuple[int, int]], environment: str
) -> None:
    """Nor may CloudWatch do anything else with it."""
    request = publication(environment)
    attempts = [
        *strangers_to(request, "alarm", environment),
        *(
            Attempt(what=f"an alarm, {action}", request=replace(request, action=f"sns:{action}"))
            for action in ("Subscribe", "SetTopicAttributes", "DeleteTopic")
        ),
    ]
    role = f"arn:aws:iam::{ACCOUNT}:role/tap-lambda-{environment}"
    found = admitted(attempts, topic_policy(platform, environment), role, role_policy(platform, environment))
    strangers.append((len(attempts), len(found)))
    assert found == []


def notification(environment: str) -> Request:
    """EventBridge's, on behalf of the rule of test failures."""
    topic = arn("sns", f"tap-test-failures-{environment}")
    return service_request("events.amazonaws.com", source("rule of failures", environment), "sns:Publish", topic)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("tells_source", [True, False])
def test_rule_may_publish_notifications(platform: Platform, environment: str, *, tells_source: bool) -> None:
    """Whether or not EventBridge tells SNS on whose behalf it comes: AWS knows no conditions there.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
    """
    request = notification(environment)
    if not tells_source:
        request = replace(request, context={"aws:SecureTransport": "true"})
    policy = topic_policy(platform, environment, "eventbridge")
    assert admitted([Attempt(what="rule", request=request)], policy) == ["rule"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_stranger_may_publish_notifications(
    platform: Platform, strangers: list[tuple[int, int]], environment: str
) -> None:
    """Nor may the rule do anything else. Whoever does not say for whom it comes: see above."""
    request = notification(environment)
    likes = strangers_to(request, "rule of failures", environment)
    attempts = [
        *(attempt for attempt in likes if attempt.what != "on nobody's behalf"),
        Attempt(what="the other rule", request=changed(request, SourceArn=source("rule", environment))),
        *(
            Attempt(what=f"the sender, {action}", request=replace(request, action=f"sns:{action}"))
            for action in ("Subscribe", "SetTopicAttributes", "DeleteTopic")
        ),
    ]
    role = f"arn:aws:iam::{ACCOUNT}:role/tap-lambda-{environment}"
    policy = topic_policy(platform, environment, "eventbridge")
    found = admitted(attempts, policy, role, role_policy(platform, environment))
    strangers.append((len(attempts), len(found)))
    assert found == []


def log_policy(platform: Platform) -> list[Block]:
    document: list[Block] = concrete(
        platform["tap-account"].resource("aws_cloudwatch_log_resource_policy")["policy_document"]
    )
    return document


def log_stream(group: str) -> str:
    return arn("logs", f"log-group:{group}:log-stream:0123")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("action", ["logs:CreateLogStream", "logs:PutLogEvents"])
def test_rule_may_write_to_the_log_group(platform: Platform, environment: str, action: str) -> None:
    """EventBridge on behalf of the environment's rule, to the log group that is the rule's target."""
    group = platform[f"tap-eventbridge-{environment}"].resource("aws_cloudwatch_log_group")["name"]
    request = service_request("events.amazonaws.com", source("rule", environment), action, log_stream(group))
    assert admitted([Attempt(what="rule", request=request)], log_policy(platform)) == ["rule"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_stranger_may_write_to_the_log_group(
    platform: Platform, strangers: list[tuple[int, int]], environment: str
) -> None:
    """EventBridge of another account, other services and roles, and EventBridge itself to other groups.

    The rules of all environments may write to each other's groups: there is one policy for the account.
    """
    group = log_stream(f"/aws/events/{BUS}-{environment}")
    rule = source("rule", environment)
    request = service_request("events.amazonaws.com", rule, "logs:PutLogEvents", group)
    attempts = [
        Attempt(
            what="another account's rule",
            request=changed(request, SourceArn=source("rule", environment, OTHER_ACCOUNT), SourceAccount=OTHER_ACCOUNT),
        ),
        Attempt(what="a rule that is not ours", request=changed(request, SourceArn=arn("events", "rule/other"))),
        Attempt(what="on nobody's behalf", request=replace(request, context={})),
        *(
            Attempt(what=f"{service}, {action}", request=replace(request, principal=service, action=f"logs:{action}"))
            for service in ("s3.amazonaws.com", "sns.amazonaws.com", "lambda.amazonaws.com")
            for action in ("CreateLogStream", "PutLogEvents")
        ),
        *(
            Attempt(what=f"{who}, {action}", request=Request(principal=who, action=f"logs:{action}", resource=group))
            for who in (f"arn:aws:iam::{OTHER_ACCOUNT}:role/x", f"arn:aws:iam::{ACCOUNT}:role/tap-lambda-{environment}")
            for action in ("CreateLogStream", "PutLogEvents")
        ),
        *(
            Attempt(
                what=f"EventBridge to {other}, {action}",
                request=replace(request, resource=log_stream(other), action=f"logs:{action}"),
            )
            for other in ("/aws/events/other", f"/aws/lambda/tap-lambda-{environment}")
            for action in ("CreateLogStream", "PutLogEvents")
        ),
    ]
    role = f"arn:aws:iam::{ACCOUNT}:role/tap-lambda-{environment}"
    found = admitted(attempts, log_policy(platform), role, role_policy(platform, environment))
    strangers.append((len(attempts), len(found)))
    assert found == []


def test_what_the_log_group_leaves_open(platform: Platform) -> None:
    """EventBridge may make an empty stream on anybody's behalf, but nobody's events get into it.

    AWS gives the statement without a condition, since CloudWatch Logs is not told on whose behalf a stream is made; and
    EventBridge takes no log group of another account for a target.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-cloudwatchlogs-permissions
    """
    rule = source("rule", "dev", OTHER_ACCOUNT)
    group = log_stream(f"/aws/events/{BUS}-dev")
    attempts = [
        Attempt(what=action, request=service_request("events.amazonaws.com", rule, action, group, OTHER_ACCOUNT))
        for action in ("logs:CreateLogStream", "logs:PutLogEvents")
    ]
    assert admitted(attempts, log_policy(platform)) == ["logs:CreateLogStream"]


@pytest.mark.parametrize("service", ["lambda", "schema", "results"])
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_only_lambda_may_take_the_role(
    platform: Platform, strangers: list[tuple[int, int]], environment: str, service: str
) -> None:
    """No other service, and no identity of this account or of another."""
    name = f"tap-{service}-{environment}"
    role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    trust = concrete(platform[f"tap-iam-{environment}"].resource("aws_iam_role", name=name)["assume_role_policy"])

    def attempt(who: str) -> Attempt:
        return Attempt(what=who, request=Request(principal=who, action="sts:AssumeRole", resource=role))

    assert admitted([attempt("lambda.amazonaws.com")], trust) == ["lambda.amazonaws.com"]
    attempts = [
        attempt(who)
        for who in (
            "events.amazonaws.com",
            "ec2.amazonaws.com",
            "edgelambda.amazonaws.com",
            f"arn:aws:iam::{ACCOUNT}:role/other",
            f"arn:aws:iam::{OTHER_ACCOUNT}:role/x",
        )
    ]
    found = admitted(attempts, trust)
    strangers.append((len(attempts), len(found)))
    assert found == []


def test_names_are_those_of_the_platform(platform: Platform) -> None:
    """The ARNs that the requests come from are those of what is synthesized."""
    for environment in ENVIRONMENTS:
        bridge = platform[f"tap-eventbridge-{environment}"]
        names = {rule["name"] for rule in bridge.resources("aws_cloudwatch_event_rule")}
        assert names == {f"{rule}-{environment}" for rule in RULES.values()}
        assert bridge.resource("aws_cloudwatch_event_bus")["name"] == f"{BUS}-{environment}"
        notification = platform[f"tap-s3-{environment}"].resource("aws_s3_bucket_notification")
        alarms = platform[f"tap-monitoring-{environment}"].resources("aws_cloudwatch_metric_alarm")
        assert source("alarm", environment).rpartition(":")[2] in {alarm["alarm_name"] for alarm in alarms}
        [bucket] = re.findall(r"\[(.+?)\]", concrete(notification["bucket"]))
        assert source("bucket", environment) == f"arn:aws:s3:::{bucket}"
