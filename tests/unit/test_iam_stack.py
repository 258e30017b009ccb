"""The functions may do what they must, and nothing else."""

import pytest

from tests.unit.synthesized import Block, Platform, Stack

PARAMETERS = "arn:{partition}:ssm:{region}:{account}:parameter/tap/dev/database/"
UPLOADS = "${aws_s3_bucket[tap-uploads-dev-{account}].arn}"


@pytest.fixture
def iam(platform: Platform) -> Stack:
    return platform["tap-iam-dev"]


@pytest.fixture(params=["lambda", "schema", "results"])
def name(request: pytest.FixtureRequest) -> str:
    """Of the function and its role."""
    return f"tap-{request.param}-dev"


@pytest.fixture
def statements(iam: Stack, name: str) -> list[Block]:
    policy: list[Block] = iam.resource("aws_iam_role_policy", name=name)["policy"]
    return policy


def test_each_function_has_one_role_with_one_policy(iam: Stack) -> None:
    """No managed policy, no attachment, no user."""
    assert iam.inventory == {"aws_iam_role": 3, "aws_iam_role_policy": 3, "terraform_data": 1}


def test_only_lambda_may_take_the_role(iam: Stack, name: str) -> None:
    """Nobody else, of this account or another, becomes the function."""
    assert iam.resource("aws_iam_role", name=name)["assume_role_policy"] == [
        {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com"]}, "Action": ["sts:AssumeRole"]}
    ]


def test_policy_is_the_roles(iam: Stack, name: str) -> None:
    """Each policy is attached to its own role."""
    assert iam.resource("aws_iam_role_policy", name=name)["role"] == f"${{aws_iam_role[{name}].id}}"


def test_role_has_no_managed_policies(iam: Stack, name: str) -> None:
    """What the policy does not say, the role may not do."""
    assert iam.resource("aws_iam_role", name=name).keys() == {"name", "description", "assume_role_policy", "tags"}


def of_every_function(name: str, *parameters: str) -> list[Block]:
    """What a function takes to read these parameters, to log, and to be in the VPC."""
    arns = [f"{PARAMETERS}{parameter}" for parameter in parameters]
    return [
        {"Effect": "Allow", "Action": ["ssm:GetParameters"], "Resource": arns},
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt"],
            "Resource": ["${data.aws_kms_alias[alias/aws/ssm].target_key_arn}"],
            "Condition": {
                "StringEquals": {
                    "kms:ViaService": ["ssm.{region}.amazonaws.com"],
                    "kms:EncryptionContext:PARAMETER_ARN": arns,
                }
            },
        },
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [f"arn:{{partition}}:logs:{{region}}:{{account}}:log-group:/aws/lambda/{name}:*"],
        },
        {
            "Effect": "Allow",
            "Action": [
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:UnassignPrivateIpAddresses",
            ],
            "Resource": ["arn:{partition}:ec2:{region}:{account}:*/*"],
        },
        {"Effect": "Allow", "Action": ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"], "Resource": ["*"]},
        {
            "Effect": "Deny",
            "Action": [
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:UnassignPrivateIpAddresses",
            ],
            "Resource": ["*"],
            "Condition": {
                "ArnEquals": {
                    "lambda:SourceFunctionArn": [f"arn:{{partition}}:lambda:{{region}}:{{account}}:function:{name}"]
                }
            },
        },
    ]


@pytest.mark.parametrize("name", ["tap-lambda-dev"])
def test_complete_policy_of_the_ingest_function(statements: list[Block], name: str) -> None:
    """Every action with its resources and conditions."""
    assert statements == [
        {"Effect": "Allow", "Action": ["s3:GetObjectVersion"], "Resource": [f"{UPLOADS}/*"]},
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [UPLOADS]},
        {
            "Effect": "Allow",
            "Action": ["events:PutEvents"],
            "Resource": ["${aws_cloudwatch_event_bus[tap-application-events-dev].arn}"],
        },
        {
            "Effect": "Allow",
            "Action": ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
            "Resource": ["${aws_sqs_queue[tap-ingest-dev].arn}"],
        },
        *of_every_function(name, "endpoint", "username", "password", "name"),
    ]


@pytest.mark.parametrize("name", ["tap-schema-dev"])
def test_complete_policy_of_the_schema_function(statements: list[Block], name: str) -> None:
    """It sees no upload, no queue and no bus."""
    assert statements == of_every_function(name, "endpoint", "username", "password", "name", "reader-password")


@pytest.mark.parametrize("name", ["tap-results-dev"])
def test_complete_policy_of_the_results_function(statements: list[Block], name: str) -> None:
    """Of the database it is told the reader's password, and neither the owner's nor whose that is."""
    assert statements == of_every_function(name, "endpoint", "name", "reader-password")


def test_only_what_ec2_describes_is_any_resource(statements: list[Block]) -> None:
    """`Resource: *` stands only beside actions that take no other."""
    allowing = [statement for statement in statements if statement["Effect"] == "Allow"]
    actions = {action for statement in allowing if "*" in statement["Resource"] for action in statement["Action"]}
    assert actions == {"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"}


def test_the_functions_code_is_denied_all_that_lambda_may_do_to_the_vpc(statements: list[Block]) -> None:
    """Whatever EC2 action the role allows, for Lambda's sake, the one Deny takes from the code."""
    (denial,) = [statement for statement in statements if statement["Effect"] == "Deny"]
    allowed = {action for it in statements if it["Effect"] == "Allow" for action in it["Action"]}
    assert set(denial["Action"]) == {action for action in allowed if action.startswith("ec2:")}


def test_no_action_is_a_wildcard(statements: list[Block]) -> None:
    """A new action of AWS does not come in by itself."""
    assert not [action for statement in statements for action in statement["Action"] if "*" in action]


@pytest.mark.parametrize("service", ["lambda", "schema", "results"])
def test_what_a_role_names_is_its_functions(platform: Platform, service: str) -> None:
    """The function whose code is denied EC2, and the log group: another's would help nobody."""
    stack = platform[f"tap-{service}-dev"]
    function, group = stack.resource("aws_lambda_function"), stack.resource("aws_cloudwatch_log_group")
    assert (function["function_name"], group["name"]) == (f"tap-{service}-dev", f"/aws/lambda/tap-{service}-dev")
    assert function["role"] == f"${{aws_iam_role[tap-{service}-dev].arn}}"
