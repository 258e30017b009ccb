"""The function may do what it must, and nothing else."""

import pytest

from tests.unit.synthesized import Block, Platform, Stack

PARAMETERS = "arn:{partition}:ssm:{region}:{account}:parameter/tap/dev/database/"
UPLOADS = "${aws_s3_bucket[tap-uploads-dev-{account}].arn}"


@pytest.fixture
def iam(platform: Platform) -> Stack:
    return platform["tap-iam-dev"]


@pytest.fixture
def statements(iam: Stack) -> list[Block]:
    policy: list[Block] = iam.resource("aws_iam_role_policy")["policy"]
    return policy


def test_holds_one_role_with_one_policy(iam: Stack) -> None:
    """No managed policy, no attachment, no user."""
    assert iam.inventory == {"aws_iam_role": 1, "aws_iam_role_policy": 1, "terraform_data": 1}


def test_only_lambda_may_take_the_role(iam: Stack) -> None:
    """Nobody else, of this account or another, becomes the function."""
    assert iam.resource("aws_iam_role", name="tap-lambda-dev")["assume_role_policy"] == [
        {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com"]}, "Action": ["sts:AssumeRole"]}
    ]


def test_policy_is_the_roles(iam: Stack) -> None:
    """The one policy is attached to the one role."""
    assert iam.resource("aws_iam_role_policy")["role"] == "${aws_iam_role[tap-lambda-dev].id}"


def test_role_has_no_managed_policies(iam: Stack) -> None:
    """What the policy does not say, the role may not do."""
    assert iam.resource("aws_iam_role").keys() == {"name", "description", "assume_role_policy", "tags"}


def test_complete_policy(statements: list[Block]) -> None:
    """Every action with its resources and conditions."""
    assert statements == [
        {"Effect": "Allow", "Action": ["s3:GetObjectVersion"], "Resource": [f"{UPLOADS}/*"]},
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [UPLOADS]},
        {
            "Effect": "Allow",
            "Action": ["ssm:GetParameters"],
            "Resource": [f"{PARAMETERS}{name}" for name in ("endpoint", "username", "password", "name")],
        },
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt"],
            "Resource": ["${data.aws_kms_alias[alias/aws/ssm].target_key_arn}"],
            "Condition": {
                "StringEquals": {
                    "kms:ViaService": ["ssm.{region}.amazonaws.com"],
                    "kms:EncryptionContext:PARAMETER_ARN": [
                        f"{PARAMETERS}{name}" for name in ("endpoint", "username", "password", "name")
                    ],
                }
            },
        },
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
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": ["arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/tap-lambda-dev:*"],
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
                    "lambda:SourceFunctionArn": ["arn:{partition}:lambda:{region}:{account}:function:tap-lambda-dev"]
                }
            },
        },
    ]


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


def test_the_code_that_is_denied_is_the_functions(platform: Platform, statements: list[Block]) -> None:
    """A denial for another function would deny nothing."""
    name = platform["tap-lambda-dev"].resource("aws_lambda_function")["function_name"]
    assert statements[-1]["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"][0].endswith(f":function:{name}")


def test_no_action_is_a_wildcard(statements: list[Block]) -> None:
    """A new action of AWS does not come in by itself."""
    assert not [action for statement in statements for action in statement["Action"] if "*" in action]


def test_log_group_of_the_policy_is_the_functions(platform: Platform, statements: list[Block]) -> None:
    """The role writes to the group that LambdaStack makes."""
    name = platform["tap-lambda-dev"].resource("aws_cloudwatch_log_group")["name"]
    (statement,) = [statement for statement in statements if "logs:PutLogEvents" in statement["Action"]]
    assert statement["Resource"] == [f"arn:{{partition}}:logs:{{region}}:{{account}}:log-group:{name}:*"]
