"""The function runs in the VPC, fed by the ingest queue, and knows names of parameters, never their values."""

import base64
import hashlib

import pytest

from stacks.function_package import FunctionPackage
from tests.unit.synthesized import Block, Platform, Stack

# That of the account stack, for the log group and the environment.
ACCOUNT_KEY = "${data.aws_kms_alias[alias/tap-account].target_key_arn}"


@pytest.fixture
def lambda_stack(platform: Platform) -> Stack:
    return platform["tap-lambda-dev"]


@pytest.fixture
def function(lambda_stack: Stack) -> Block:
    return lambda_stack.resource("aws_lambda_function")


def test_holds_the_function_its_code_log_group_and_mapping(lambda_stack: Stack) -> None:
    """There is nothing in the stack beyond what the design lists; no permission, since Lambda polls."""
    assert lambda_stack.inventory == {
        "aws_cloudwatch_log_group": 1,
        "aws_lambda_event_source_mapping": 1,
        "aws_lambda_function": 1,
        "aws_s3_object": 1,
        "terraform_data": 1,
    }


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("function_name", "tap-lambda-dev"),
        ("handler", "handler.ingest_function.lambda_handler"),
        ("runtime", "python3.13"),
        ("architectures", ["arm64"]),
        ("memory_size", 512),
        ("timeout", 120),
        ("role", "${aws_iam_role[tap-lambda-dev].arn}"),
        ("kms_key_arn", ACCOUNT_KEY),
        ("tags", {"Component": "function"}),
    ],
)
def test_function(function: Block, attribute: str, value: object) -> None:
    """The function is Python 3.13 on arm64, with the role of IamStack."""
    assert function[attribute] == value


def test_environment_is_the_designs(function: Block) -> None:
    """Names of parameters, the bus and its source, and where the endpoints are; nothing else."""
    assert function["environment"]["variables"] == {
        "ENVIRONMENT": "dev",
        "DB_ENDPOINT_PARAM": "${aws_ssm_parameter[/tap/dev/database/endpoint].name}",
        "DB_USERNAME_PARAM": "${aws_ssm_parameter[/tap/dev/database/username].name}",
        "DB_PASSWORD_PARAM": "${aws_ssm_parameter[/tap/dev/database/password].name}",
        "DB_NAME_PARAM": "${aws_ssm_parameter[/tap/dev/database/name].name}",
        "EVENT_BUS_NAME": "${aws_cloudwatch_event_bus[tap-application-events-dev].name}",
        "EVENT_SOURCE": "tap.application.dev",
        "RESULTS_ADDRESS": "http://127.0.0.1:8027",
        "OUTCOME_RETENTION": "90",
        "ANNOUNCE_TEST_NAMES": "true",
        "AWS_ENDPOINT_URL_SSM": "https://${data.aws_vpc_endpoint[com.amazonaws.{region}.ssm].dns_entry[0].dns_name}",
        "AWS_ENDPOINT_URL_EVENTBRIDGE": (
            "https://${data.aws_vpc_endpoint[com.amazonaws.{region}.events].dns_entry[0].dns_name}"
        ),
    }


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_SSM", "AWS_ENDPOINT_URL_EVENTBRIDGE"])
def test_on_one_machine_the_endpoints_are_the_emulators(changed: Platform, variable: str) -> None:
    """AWS_ENDPOINT_URL is where the function finds both services."""
    function = changed["tap-lambda-pr42"].resource("aws_lambda_function")
    assert function["environment"]["variables"][variable] == "http://127.0.0.1:5000"


def test_is_in_the_vpc_with_its_own_group_and_that_of_the_endpoints_clients(function: Block) -> None:
    """The second group, of the account stack, opens the way to S3, Parameter Store and EventBridge."""
    assert function["vpc_config"] == {
        "subnet_ids": "${slice(sort(data.aws_subnets.ids), 0, 2)}",
        "security_group_ids": [
            "${aws_security_group[tap-function-dev].id}",
            "${data.aws_security_group[tap-endpoint-client-account].id}",
        ],
    }


def test_gives_its_own_group_back_before_it_is_destroyed(function: Block) -> None:
    """Its network interfaces outlive it for long, and the environment's group could not be deleted meanwhile."""
    assert function["replace_security_groups_on_destroy"] is True
    replacement = ["${data.aws_security_group[tap-endpoint-client-account].id}"]
    assert function["replacement_security_group_ids"] == replacement


def test_log_group_exists_before_the_function(lambda_stack: Stack, function: Block) -> None:
    """Otherwise Lambda makes one that keeps its lines for ever."""
    assert lambda_stack.resource("aws_cloudwatch_log_group") == {
        "name": "/aws/lambda/tap-lambda-dev",
        "retention_in_days": 14,
        "kms_key_id": ACCOUNT_KEY,
        "tags": {"Component": "function"},
    }
    assert function["depends_on"] == ["aws_cloudwatch_log_group[/aws/lambda/tap-lambda-dev]"]


def test_code_is_the_package_under_the_hash_of_its_contents(
    lambda_stack: Stack, function: Block, package: FunctionPackage
) -> None:
    """The object goes to the artifact bucket, and the function takes exactly that one."""
    digest = hashlib.sha256(package.path.read_bytes())
    code = lambda_stack.resource("aws_s3_object")
    assert code["bucket"] == "${aws_s3_bucket[tap-artifacts-dev-{account}].bucket}"
    assert code["key"] == f"tap-lambda-dev/{digest.hexdigest()}.zip"
    assert function["source_code_hash"] == base64.b64encode(digest.digest()).decode()
    assert (function["s3_bucket"], function["s3_key"]) == (
        "${aws_s3_object[tap-artifacts-dev-{account}].bucket}",
        "${aws_s3_object[tap-artifacts-dev-{account}].key}",
    )


def test_function_is_fed_by_the_ingest_queue(lambda_stack: Stack) -> None:
    """Failed messages alone come back, and no more than five functions connect to the database."""
    assert lambda_stack.resource("aws_lambda_event_source_mapping") == {
        "event_source_arn": "${aws_sqs_queue[tap-ingest-dev].arn}",
        "function_name": "${aws_lambda_function[tap-lambda-dev].arn}",
        "batch_size": 10,
        "function_response_types": ["ReportBatchItemFailures"],
        "scaling_config": {"maximum_concurrency": 5},
        "tags": {"Component": "function"},
    }


def test_concurrency_is_not_reserved(function: Block) -> None:
    """Throttling would send messages to the dead-letter queue unseen."""
    assert "reserved_concurrent_executions" not in function


def test_finds_the_accounts_security_group_in_the_default_vpc(lambda_stack: Stack) -> None:
    """By its name, and not by a reference that would tie the environment to the account stack."""
    assert lambda_stack.data_sources("aws_security_group") == [
        {"name": "tap-endpoint-client-account", "vpc_id": "${data.aws_vpc.id}"}
    ]


@pytest.mark.parametrize("service", ["ssm", "events"])
def test_finds_the_endpoint_that_the_account_stack_made(lambda_stack: Stack, service: str) -> None:
    """The VPC may have other endpoints of the service: ours has the tag of its stack."""
    name = f"com.amazonaws.{{region}}.{service}"
    assert lambda_stack.data_source("aws_vpc_endpoint", service_name=name) == {
        "vpc_id": "${data.aws_vpc.id}",
        "service_name": name,
        "tags": {"Stack": "tap-account"},
    }


def test_finds_existing_endpoints_by_their_ids(with_existing_endpoints: Platform) -> None:
    """What the account had before serves the function, too."""
    assert with_existing_endpoints["tap-lambda-dev"].data_sources("aws_vpc_endpoint") == [
        {"id": "vpce-0000000000000e7e"},
        {"id": "vpce-000000000000055e"},
    ]
