"""What checkov has no rule for, held against every resource of every stack: those that are there, and those to come.

The tests in `tests/unit` know the resources of `dev` one by one; these know only what no resource may ever be.
"""

import re
from collections.abc import Iterator

import pytest

from tests.unit.synthesized import Block, Platform, Stack, queue_arn, tls_only, walk

# What lets other accounts put events on a bus.
BUS_OPENERS = {"aws_cloudwatch_event_bus_policy", "aws_cloudwatch_event_permission"}


def of_type(platform: Platform, kind: str) -> list[tuple[Stack, Block]]:
    """Every resource of a type, with its stack. There is one at least, or a rule would hold for nothing."""
    found = [(stack, block) for stack in platform.values() for block in stack.resources(kind)]
    assert found, f"no {kind} in {list(platform)}"
    return found


def policies(platform: Platform) -> Iterator[tuple[str, list[Block]]]:
    """Every policy that belongs to a resource and names who may use it."""
    for stack in platform.values():
        for kind, block in stack.all_resources():
            for key, value in walk(block):
                if key in ("policy", "policy_document") and kind not in ("aws_iam_role_policy", "aws_iam_policy"):
                    assert isinstance(value, list), f"{stack.id}: the policy of {kind} is no aws_iam_policy_document"
                    yield f"{stack.id}/{kind}", value


def policy_of(stack: Stack, queue: str) -> list[Block]:
    """The policy of a queue, whose ARN is written as a reference."""
    statements: list[Block] = stack.resource("aws_sqs_queue", name=name_in(queue))["policy"]
    return statements


def name_in(reference: str) -> str:
    """The name of the resource that is referred to."""
    (name,) = re.findall(r"\[(.+?)\]\.\w+", reference)
    return str(name)


def allows(statements: list[Block], action: str) -> list[Block]:
    return [statement for statement in statements if statement["Effect"] == "Allow" and action in statement["Action"]]


def is_scheduled(rule: Block) -> bool:
    """Whether time alone makes it fire, and not an event: what it cannot do today it does tomorrow."""
    return "schedule_expression" in rule


def targets_of_events(platform: Platform) -> list[tuple[Stack, Block]]:
    return [
        (stack, target)
        for stack, target in of_type(platform, "aws_cloudwatch_event_target")
        if not is_scheduled(stack.resource("aws_cloudwatch_event_rule", name=name_in(target["rule"])))
    ]


def test_every_event_target_keeps_what_it_cannot_deliver(platform: Platform) -> None:
    """Each has a dead-letter queue, whose policy admits EventBridge on behalf of the target's rule."""
    for stack, target in targets_of_events(platform):
        policy = policy_of(stack, target["dead_letter_config"]["arn"])
        (sender,) = allows(policy, "sqs:SendMessage")
        assert sender["Principal"] == {"Service": ["events.amazonaws.com"]}
        rule = target["rule"].replace(".name}", ".arn}")
        assert sender["Condition"]["ArnEquals"] == {"aws:SourceArn": [rule]}


def test_every_event_target_is_retried_as_long_as_eventbridge_can(platform: Platform) -> None:
    """A consumer that is down for a day loses nothing."""
    for _, target in targets_of_events(platform):
        assert target["retry_policy"] == {"maximum_event_age_in_seconds": 86_400, "maximum_retry_attempts": 185}


def test_every_event_rule_is_on_a_bus_of_its_own(platform: Platform) -> None:
    """On the default bus, which all of AWS's services write to, others could trigger it, unless time alone does."""
    for _, rule in of_type(platform, "aws_cloudwatch_event_rule"):
        assert is_scheduled(rule) == ("event_pattern" not in rule)
        assert is_scheduled(rule) or rule["event_bus_name"].startswith("${aws_cloudwatch_event_bus[tap-")


def test_no_bus_is_open_to_other_accounts(platform: Platform) -> None:
    """A bus without a policy admits the identities of its own account alone."""
    assert of_type(platform, "aws_cloudwatch_event_bus")
    assert not [(stack.id, kind) for stack in platform.values() for kind in BUS_OPENERS & stack.inventory.keys()]


def test_every_event_source_mapping_returns_single_messages_of_a_queue_with_dead_letters(platform: Platform) -> None:
    """One bad message neither takes its batch along nor comes back for ever, and the load is capped."""
    queues = {f"${{aws_sqs_queue[{queue['name']}].arn}}": queue for _, queue in of_type(platform, "aws_sqs_queue")}
    for _, mapping in of_type(platform, "aws_lambda_event_source_mapping"):
        assert mapping["function_response_types"] == ["ReportBatchItemFailures"]
        assert "deadLetterTargetArn" in queues[mapping["event_source_arn"]]["redrive_policy"]
        assert 2 <= mapping["scaling_config"]["maximum_concurrency"] <= 1000


def test_every_dead_letter_queue_of_a_queue_admits_that_one_alone(platform: Platform) -> None:
    """Otherwise any queue of the account may redrive into it."""
    for stack, queue in of_type(platform, "aws_sqs_queue"):
        for target in re.findall(
            r'"deadLetterTargetArn" = aws_sqs_queue\[(.+?)\]\.arn', queue.get("redrive_policy", "")
        ):
            allowed = stack.resource("aws_sqs_queue", name=target)["redrive_allow_policy"]
            assert f'"sourceQueueArns" = ["{queue_arn(queue["name"])}"]' in allowed
            assert '"redrivePermission" = "byQueue"' in allowed


def test_every_queue_refuses_whoever_comes_without_tls(platform: Platform) -> None:
    """All actions, to everybody."""
    for _, queue in of_type(platform, "aws_sqs_queue"):
        assert tls_only("sqs:*", queue_arn(queue["name"])) in queue["policy"]


def test_every_topic_is_encrypted_under_our_key_and_refuses_whoever_comes_without_tls(platform: Platform) -> None:
    """Under `alias/aws/sns` no service could publish."""
    for _, topic in of_type(platform, "aws_sns_topic"):
        assert topic["kms_master_key_id"] == "${data.aws_kms_alias[alias/tap-account].target_key_arn}"
        assert (
            tls_only("sns:Publish", f"arn:{{partition}}:sns:{{region}}:{{account}}:{topic['name']}") in topic["policy"]
        )


def test_every_bucket_refuses_whoever_comes_without_tls(platform: Platform) -> None:
    """All actions, on the bucket and on all that is in it, to everybody."""
    for stack, block in of_type(platform, "aws_s3_bucket"):
        reference = f"aws_s3_bucket[{block['bucket']}]"
        policy = stack.resource("aws_s3_bucket_policy", bucket=f"${{{reference}.id}}")["policy"]
        assert tls_only("s3:*", f"${{{reference}.arn}}", f"${{{reference}.arn}}/*") in policy


def test_a_service_is_admitted_only_on_behalf_of_a_resource_of_ours(platform: Platform) -> None:
    """Otherwise it could be sent by anybody's resource: the confused deputy of IAM's user guide."""
    # CloudWatch Logs tells no source when EventBridge makes a stream; the other statement is about what is written.
    unconditional = {"logs:CreateLogStream"}
    for where, statements in policies(platform):
        for statement in statements:
            if statement["Effect"] == "Allow" and "Service" in statement["Principal"]:
                if set(statement["Action"]) <= unconditional:
                    continue
                conditions = dict(pair for test in statement.get("Condition", {}).values() for pair in test.items())
                contexts = {f"kms:EncryptionContext:aws:{it}" for it in ("logs:arn", "sns:topicArn")}
                sources = {"aws:SourceArn", *contexts} & conditions.keys()
                assert sources, f"{where}: {statement}"
                values = [value for source in sources for value in conditions[source]]
                ours = [value for value in values if "tap-" in value]
                assert ours == values, f"{where}: {statement}"


def test_nobody_outside_the_account_is_admitted(platform: Platform) -> None:
    """A principal is a service, the account itself, or everybody within the account."""
    for where, statements in policies(platform):
        for statement in statements:
            if statement["Effect"] != "Allow" or "Service" in statement["Principal"]:
                continue
            own = statement["Principal"] == {"AWS": ["arn:{partition}:iam::{account}:root"]}
            within = statement.get("Condition", {}).get("StringEquals") == {"aws:PrincipalAccount": ["{account}"]}
            assert own or within, f"{where}: {statement}"


def test_every_interface_endpoint_is_known_to_its_users_alone(platform: Platform) -> None:
    """No private DNS, which would lead the VPC's neighbours through it; and a policy and a group of its own."""
    endpoints = [endpoint for _, endpoint in of_type(platform, "aws_vpc_endpoint")]
    for endpoint in endpoints:
        if endpoint["vpc_endpoint_type"] == "Interface":
            assert endpoint["private_dns_enabled"] is False
            assert endpoint["security_group_ids"]
            assert isinstance(endpoint["policy"], list)
        else:
            assert endpoint["vpc_endpoint_type"] == "Gateway"


def test_what_holds_the_data_of_all_environments_is_not_destroyed(platform: Platform) -> None:
    """Terraform refuses to destroy the states and the key of the logs; access logs stay while there are any."""
    account = platform["tap-account"]
    kept = {kind for kind, block in account.all_resources() if block.get("lifecycle", {}).get("prevent_destroy")}
    assert kept == {"aws_s3_bucket", "aws_kms_key"}
    assert {bucket["force_destroy"] for bucket in account.resources("aws_s3_bucket")} == {False}


def test_the_account_stack_stands_alone(platform: Platform) -> None:
    """No environment is read by it or ties it down: it refers to no other stack, and no other to it."""
    assert platform.dependencies["tap-account"] == set()
    assert not [stack for stack, others in platform.dependencies.items() if "tap-account" in others]


@pytest.fixture(scope="module", autouse=True)
def summarize(request: pytest.FixtureRequest, summary: list[str]) -> Iterator[None]:
    """The run ends with how many of these there are, and how many fell short."""
    failed = request.session.testsfailed
    rules = [item for item in request.session.items if item.path == request.path]
    yield
    summary.append(
        f"own rules {len(rules):9} over account, dev and prod, {request.session.testsfailed - failed} failed"
    )
