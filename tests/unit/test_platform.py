"""What holds for every stack: what none contains, and the tags that all carry."""

import re
from collections.abc import Iterator
from importlib import import_module

import pytest

from tests.unit.synthesized import READERS, Block, Platform, Stack, walk


@pytest.fixture
def every_stack(platform: Platform, changed: Platform) -> list[Stack]:
    return [*platform.values(), *changed.values()]


def resources(stacks: list[Stack]) -> Iterator[tuple[str, Block]]:
    for stack in stacks:
        yield from stack.all_resources()


def blocks(stacks: list[Stack]) -> Iterator[tuple[str, object]]:
    for stack in stacks:
        yield from walk(stack.document)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"\bvpc-[0-9a-f]{8}", id="VPC"),
        pytest.param(r"\bsubnet-[0-9a-f]{8}", id="subnet"),
        pytest.param(r"\bsg-[0-9a-f]{8}", id="security group"),
        pytest.param(r"(?<![0-9A-Za-z])\d{12}(?![0-9A-Za-z])", id="account"),
        pytest.param(r"\b[a-z]{2}(-gov|-iso\w?)?-(central|(north|south)?(east|west)?)-\d\b", id="region"),
    ],
)
def test_no_id_of_an_account_stands_in_the_code(every_stack: list[Stack], pattern: str) -> None:
    """VPC, subnets, account and region are found where Terraform runs."""
    # The regions that the certificate authorities serve are no choice of one, and a setting may name a group.
    texts = {
        stack.id: re.sub(r"contains\(\[[^\]]*\], self\.name\)", "", stack.text).replace(READERS, "")
        for stack in every_stack
    }
    assert {stack: found[0] for stack, text in texts.items() if (found := re.search(pattern, text))} == {}


@pytest.mark.parametrize("address", ["0.0.0.0/0", "::/0"])
def test_no_address_range_is_the_whole_internet(every_stack: list[Stack], address: str) -> None:
    """Nothing is open to everybody, in or out."""
    assert [stack.id for stack in every_stack if address in stack.text] == []


def test_security_groups_know_no_address_ranges(every_stack: list[Stack]) -> None:
    """Every opening names a security group or a prefix list."""
    assert not [key for key, _ in blocks(every_stack) if key.startswith("cidr_")]


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_security_groups_have_no_inline_rules(every_stack: list[Stack], direction: str) -> None:
    """Inline rules and rules of their own would fight."""
    groups = [block for kind, block in resources(every_stack) if kind == "aws_security_group"]
    assert groups
    assert not [group for group in groups if direction in group]


def test_no_bus_has_a_partner_source(every_stack: list[Stack]) -> None:
    """`event_source_name` occurs nowhere."""
    assert [stack.id for stack in every_stack if "event_source_name" in stack.text] == []


def test_queues_are_encrypted_by_sqs_itself(every_stack: list[Stack]) -> None:
    """Under a KMS key S3 and EventBridge would silently deliver nothing; the emulator delivers."""
    queues = [block for kind, block in resources(every_stack) if kind == "aws_sqs_queue"]
    # Of five environments, of which one tells chats of broken tests.
    assert len(queues) == 5 * 5 + 1
    assert all(queue["sqs_managed_sse_enabled"] is True for queue in queues)
    assert not [key for queue in queues for key in queue if key.startswith("kms")]


def test_queues_keep_messages_as_long_as_they_can(every_stack: list[Stack]) -> None:
    """Two weeks to notice a fault."""
    kept = {block["message_retention_seconds"] for kind, block in resources(every_stack) if kind == "aws_sqs_queue"}
    assert kept == {14 * 24 * 3600}


def test_every_queue_has_a_policy(every_stack: list[Stack]) -> None:
    """No queue is left with the default one, which admits requests without TLS."""
    queues = [block for kind, block in resources(every_stack) if kind == "aws_sqs_queue"]
    assert queues
    assert not [queue["name"] for queue in queues if not queue.get("policy")]


def test_no_queue_has_two_policies(every_stack: list[Stack]) -> None:
    """A policy, or one about redriving, that is a resource of its own would fight with that of the queue."""
    assert not [kind for kind, _ in resources(every_stack) if kind.startswith("aws_sqs_queue_")]


def test_dead_letter_queues_exist_before_the_queues_that_use_them(every_stack: list[Stack]) -> None:
    """SQS refuses one that does not; the emulator takes any: https://github.com/serverless/serverless/issues/5215."""
    policies = [block["redrive_policy"] for kind, block in resources(every_stack) if "redrive_policy" in block]
    assert policies
    assert not [policy for policy in policies if '"deadLetterTargetArn" = aws_sqs_queue[' not in policy]


def test_no_password_is_written_down(every_stack: list[Stack]) -> None:
    """What is called password or secret is a length, a version, or an expression of an ephemeral value."""
    suspicious = {
        (key, value)
        for stack in every_stack
        for mode in ("ephemeral", "resource")
        for key, value in walk(stack.document.get(mode, {}))
        if re.search(r"password|secret|token", key, re.IGNORECASE) and isinstance(value, str | int)
        if not key.endswith("_PARAM")  # a parameter's name, as the tests of the Lambda stack show
    }
    assert suspicious == {
        ("password_length", 40),
        ("password_wo", "${ephemeral.aws_ssm_parameter.Credential.value}"),
        ("password_wo_version", 1),
        ("password_wo_version", 7),
        ("passwords", "1"),  # the versions again, as triggers
        ("passwords", "7"),
    }


def test_no_secret_is_read_into_a_state(every_stack: list[Stack]) -> None:
    """A data source or resource that knows a secret writes it into the state: secrets are ephemeral here."""
    types = {kind for stack in every_stack for mode in ("data", "resource") for kind in stack.document.get(mode, {})}
    assert not [kind for kind in types if "secret" in kind or "random" in kind]
    assert "aws_ssm_parameter" not in {kind for stack in every_stack for kind in stack.document.get("data", {})}


def test_parameters_are_encrypted_and_the_password_is_written_only(every_stack: list[Stack]) -> None:
    """The values of the others are no secrets: Terraform may know them."""
    parameters = [block for kind, block in resources(every_stack) if kind == "aws_ssm_parameter"]
    assert {(block["type"], block["key_id"]) for block in parameters} == {("SecureString", "alias/aws/ssm")}
    assert {block["name"].rpartition("/")[2] for block in parameters if "value" in block} == {
        "endpoint",
        "username",
        "name",
    }
    assert not [block for block in parameters if "insecure_value" in block]


def test_exactly_the_secrets_are_marked_sensitive(every_stack: list[Stack]) -> None:
    """The tag tells people and tools what to keep away from."""
    sensitive = [(kind, block) for kind, block in resources(every_stack) if "Sensitive" in block.get("tags", {})]
    assert {kind for kind, _ in sensitive} == {"aws_ssm_parameter"}
    assert {block["name"].rpartition("/")[2] for _, block in sensitive} == {"password", "reader-password"}


def test_whatever_takes_tags_names_its_component(every_stack: list[Stack]) -> None:
    """`Component` tells which part of the platform a thing belongs to."""
    untagged = {
        kind
        for kind, block in resources(every_stack)
        if kind != "terraform_data" and takes_tags(kind) and not block.get("tags", {}).get("Component")
    }
    assert untagged == set()


def takes_tags(kind: str) -> bool:
    """Whether the provider's schema gives tags to a resource."""
    module = import_module(f"cdktf_cdktf_provider_aws.{kind.removeprefix('aws_')}")
    (resource,) = [item for item in vars(module).values() if getattr(item, "TF_RESOURCE_TYPE", None) == kind]
    return hasattr(resource, "tags_input")


@pytest.mark.parametrize("stack_id", ["tap-s3-dev", "tap-outputs-prod", "tap-lambda-twenty-characters-20"])
def test_default_tags_of_an_environment(platform: Platform, stack_id: str) -> None:
    """The provider gives every resource the tags of its project, environment and stack."""
    assert platform[stack_id].document["provider"]["aws"] == [
        {
            "default_tags": [
                {
                    "tags": {
                        "Project": "tap",
                        "Environment": stack_id.split("-", 2)[2],
                        "ManagedBy": "cdktf",
                        "Stack": stack_id,
                    }
                }
            ]
        }
    ]


def test_default_tags_of_the_account(platform: Platform) -> None:
    """The account stack belongs to no environment."""
    assert platform["tap-account"].document["provider"]["aws"][0]["default_tags"] == [
        {"tags": {"Project": "tap", "Environment": "account", "ManagedBy": "cdktf", "Stack": "tap-account"}}
    ]


def test_every_stack_tags_its_resources_with_its_own_name(every_stack: list[Stack]) -> None:
    """A resource in the console leads to the stack that made it."""
    for stack in every_stack:
        (provider,) = stack.document["provider"]["aws"]
        assert provider["default_tags"][0]["tags"]["Stack"] == stack.id
