"""The results function shows what its URL is asked for, to those alone whom IAM lets open it."""

import pytest

from tests.unit.synthesized import Block, Platform, Stack

FUNCTION = "${aws_lambda_function[tap-results-dev].arn}"


@pytest.fixture
def results(platform: Platform) -> Stack:
    return platform["tap-results-dev"]


@pytest.fixture
def function(results: Stack) -> Block:
    return results.resource("aws_lambda_function")


def test_holds_the_function_its_url_and_the_readers_policy(results: Stack) -> None:
    """No permission beside the URL: nobody of another account gets in, and nobody without credentials."""
    assert results.inventory == {
        "aws_cloudwatch_log_group": 1,
        "aws_iam_policy": 1,
        "aws_lambda_function": 1,
        "aws_lambda_function_url": 1,
        "aws_s3_object": 1,
        "terraform_data": 1,
    }


def test_no_function_of_an_environment_admits_anybody_to_a_url(platform: Platform) -> None:
    """The schedule of the schema function is the only one that a function's own policy lets in."""
    permissions = [permission for stack in platform.values() for permission in stack.resources("aws_lambda_permission")]
    assert {(it["principal"], it["action"]) for it in permissions} == {
        ("events.amazonaws.com", "lambda:InvokeFunction")
    }
    assert [name for name, stack in platform.items() if "aws_lambda_function_url" in stack.inventory] == [
        f"tap-results-{suffix}" for suffix in ("dev", "prod", "staging", "twenty-characters-20")
    ]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("function_name", "tap-results-dev"),
        ("handler", "handler.results_function.lambda_handler"),
        ("memory_size", 1024),
        ("timeout", 25),
        ("role", "${aws_iam_role[tap-results-dev].arn}"),
        ("kms_key_arn", "${data.aws_kms_alias[alias/tap-account].target_key_arn}"),
        (
            "vpc_config",
            {
                "subnet_ids": "${slice(sort(data.aws_subnets.ids), 0, 2)}",
                "security_group_ids": [
                    "${aws_security_group[tap-function-dev].id}",
                    "${data.aws_security_group[tap-endpoint-client-account].id}",
                ],
            },
        ),
    ],
)
def test_function(function: Block, attribute: str, value: object) -> None:
    """It waits for longer than the ten seconds that a statement of the reader may take."""
    assert function[attribute] == value


def test_function_is_told_of_the_reader_alone(function: Block) -> None:
    """Neither the owner's password nor the owner's name; and of no bus."""
    assert function["environment"]["variables"] == {
        "ENVIRONMENT": "dev",
        "DB_ENDPOINT_PARAM": "${aws_ssm_parameter[/tap/dev/database/endpoint].name}",
        "DB_PASSWORD_PARAM": "${aws_ssm_parameter[/tap/dev/database/reader-password].name}",
        "DB_NAME_PARAM": "${aws_ssm_parameter[/tap/dev/database/name].name}",
        "RESULTS_ADDRESS": "http://127.0.0.1:8027",
        "AWS_ENDPOINT_URL_SSM": "https://${data.aws_vpc_endpoint[com.amazonaws.{region}.ssm].dns_entry[0].dns_name}",
    }


def test_a_front_of_ones_own_is_where_the_pages_are(changed: Platform) -> None:
    """As `results_address` says."""
    variables = changed["tap-results-pr42"].resource("aws_lambda_function")["environment"]["variables"]
    assert variables["RESULTS_ADDRESS"] == "https://tap.example.com"


def test_looks_for_no_endpoint_that_it_does_not_use(results: Stack) -> None:
    """The events' one is the ingest function's."""
    assert len(results.data_sources("aws_vpc_endpoint")) == 1


def test_concurrency_is_not_reserved(function: Block) -> None:
    """An account may have ten in all, of which AWS lets nobody reserve any."""
    assert "reserved_concurrent_executions" not in function


def test_url_takes_signed_requests_alone(results: Stack) -> None:
    """And has no CORS."""
    assert results.resource("aws_lambda_function_url") == {
        "function_name": "${aws_lambda_function[tap-results-dev].function_name}",
        "authorization_type": "AWS_IAM",
        "invoke_mode": "BUFFERED",
    }


def test_complete_policy_of_a_reader(results: Stack) -> None:
    """Opens this URL and finds it; the function is not to be invoked in another way."""
    assert results.resource("aws_iam_policy") == {
        "name": "tap-results-reader-dev",
        "description": "Opens the results of TAP",
        "policy": [
            {
                "Effect": "Allow",
                "Action": ["lambda:InvokeFunctionUrl"],
                "Resource": [FUNCTION],
                "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": ["AWS_IAM"]}},
            },
            {
                "Effect": "Allow",
                "Action": ["lambda:InvokeFunction"],
                "Resource": [FUNCTION],
                "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": ["true"]}},
            },
            {"Effect": "Allow", "Action": ["lambda:GetFunctionUrlConfig"], "Resource": [FUNCTION]},
        ],
        "tags": {"Component": "function"},
    }


def test_nobody_has_the_readers_policy_from_the_start(platform: Platform) -> None:
    """To whom it is given is the account's business."""
    kinds = {kind for stack in platform.values() for kind in stack.inventory}
    assert not {kind for kind in kinds if "attachment" in kind}
