"""Who may open the results, and what the function that shows them may do if somebody takes it over."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from tests.security import iam
from tests.security.concrete import ACCOUNT, REGION, arn, concrete, reader_policy, role_policy
from tests.security.iam import Case, Request
from tests.unit.synthesized import Platform

ENVIRONMENTS = ("dev", "prod")
OTHER_ACCOUNT = "444455556666"
READER = f"arn:aws:iam::{ACCOUNT}:role/reader"

Asked = tuple[str, Mapping[str, str]]

# What Lambda asks when a URL of its type is opened, and when the function is invoked directly.
# https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
OPEN: Asked = ("lambda:InvokeFunctionUrl", {"lambda:FunctionUrlAuthType": "AWS_IAM"})
INVOKE_BY_URL: Asked = ("lambda:InvokeFunction", {"lambda:InvokedViaFunctionUrl": "true"})
INVOKE: Asked = ("lambda:InvokeFunction", {})
INVOKE_OTHERWISE: Asked = ("lambda:InvokeFunction", {"lambda:InvokedViaFunctionUrl": "false"})
FIND: Asked = ("lambda:GetFunctionUrlConfig", {"lambda:FunctionUrlAuthType": "AWS_IAM"})

# KMS's default: the account's IAM policies decide.
KEY_POLICY = iam.policy(
    [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}]
)


def request(asked: Asked, function: str, principal: str = READER) -> Request:
    action, context = asked
    return Request(principal=principal, action=action, resource=arn("lambda", f"function:{function}"), context=context)


def cases(requests: list[Request]) -> list[Case]:
    return [
        Case(request=it, account=ACCOUNT, resource_policy=KEY_POLICY if it.action.startswith("kms:") else None)
        for it in requests
    ]


@pytest.fixture(scope="module")
def strangers(summary: list[str]) -> Iterator[list[int]]:
    """How many requests of readers and strangers were tried that nobody may make."""
    tried: list[int] = []
    yield tried
    summary.append(f"results: {sum(tried)} requests tried to get further than the URL, none admitted")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_reader_opens_the_url_and_finds_it(platform: Platform, environment: str) -> None:
    """And whatever is taken away of the policy, a reader misses."""
    policy = reader_policy(platform, environment)
    wanted = cases([request(asked, f"tap-results-{environment}") for asked in (OPEN, INVOKE_BY_URL, FIND)])
    assert iam.denied(policy, wanted) == []
    assert [str(part) for part in iam.unneeded(policy, wanted)] == []


def attempts(environment: str) -> list[Request]:
    """What a reader may try besides."""
    function = f"tap-results-{environment}"
    other = next(name for name in ENVIRONMENTS if name != environment)
    return [
        # Directly, the function would take any event, whoever that says to be.
        request(INVOKE, function),
        request(INVOKE_OTHERWISE, function),
        request(("lambda:InvokeFunctionUrl", {"lambda:FunctionUrlAuthType": "NONE"}), function),
        *(
            request(asked, another)
            for another in (f"tap-lambda-{environment}", f"tap-schema-{environment}", f"tap-results-{other}")
            for asked in (OPEN, INVOKE_BY_URL, INVOKE, FIND)
        ),
        # A part of its own.
        *(request(asked, f"{function}:1") for asked in (OPEN, INVOKE_BY_URL)),
        *(
            request((f"lambda:{action}", {}), function)
            for action in (
                "AddPermission",
                "DeleteFunctionUrlConfig",
                "GetFunction",
                "GetFunctionConfiguration",
                "UpdateFunctionCode",
                "UpdateFunctionUrlConfig",
            )
        ),
    ]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_reader_gets_no_further(platform: Platform, strangers: list[int], environment: str) -> None:
    """Neither to the function itself nor to another one."""
    tried = attempts(environment)
    assert iam.denied(reader_policy(platform, environment), cases(tried)) == tried
    strangers.append(len(tried))


@pytest.mark.parametrize("place", [0, 1])
def test_each_condition_keeps_somebody_out(platform: Platform, place: int) -> None:
    """Without one of them a reader would get further."""
    policy = json.loads(json.dumps(reader_policy(platform, "dev")))
    del policy["Statement"][place]["Condition"]
    tried = attempts("dev")
    assert iam.denied(policy, cases(tried)) != tried


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_stranger_does_not_open_the_url(platform: Platform, strangers: list[int], environment: str) -> None:
    """Who has no policy, or one of another account: the function has none that would admit anybody."""
    function = f"tap-results-{environment}"
    of_account, of_another = (f"arn:aws:iam::{account}:role/x" for account in (ACCOUNT, OTHER_ACCOUNT))
    tried = [
        *cases([request(asked, function, of_account) for asked in (OPEN, INVOKE_BY_URL, FIND)]),
        *(
            replace(case, identity_policy=reader_policy(platform, environment))
            for case in cases([request(asked, function, of_another) for asked in (OPEN, INVOKE_BY_URL, FIND)])
        ),
        *(
            replace(case, identity_policy=role_policy(platform, environment, service))
            for service in ("lambda", "schema", "results")
            for case in cases(
                [
                    request(asked, function, f"arn:aws:iam::{ACCOUNT}:role/tap-{service}-{environment}")
                    for asked in (OPEN, INVOKE_BY_URL, INVOKE)
                ]
            )
        ),
    ]
    assert iam.allowed(tried) == [False] * len(tried)
    strangers.append(len(tried))


def parameter(environment: str, name: str) -> str:
    return arn("ssm", f"parameter/tap/{environment}/database/{name}")


def decryption(environment: str, name: str) -> Mapping[str, str]:
    return {
        "kms:ViaService": f"ssm.{REGION}.amazonaws.com",
        "kms:EncryptionContext:PARAMETER_ARN": parameter(environment, name),
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_function_gets_at_the_readers_password_alone(
    platform: Platform, strangers: list[int], environment: str
) -> None:
    """Not at that of the owner, nor at what the other functions work with."""
    role = f"arn:aws:iam::{ACCOUNT}:role/tap-results-{environment}"
    other = next(name for name in ENVIRONMENTS if name != environment)
    key = concrete("${data.aws_kms_alias[alias/aws/ssm].target_key_arn}")

    def asks(action: str, resource: str, context: Mapping[str, str] | None = None) -> Request:
        return Request(principal=role, action=action, resource=resource, context=context or {})

    policy = role_policy(platform, environment, "results")
    allowed = [
        read
        for name in ("endpoint", "name", "reader-password")
        for read in (
            asks("ssm:GetParameters", parameter(environment, name)),
            asks("kms:Decrypt", key, decryption(environment, name)),
        )
    ]
    assert iam.denied(policy, cases(allowed)) == []
    tried = [
        *(
            read
            for name in ("username", "password")
            for read in (
                asks("ssm:GetParameters", parameter(environment, name)),
                asks("kms:Decrypt", key, decryption(environment, name)),
            )
        ),
        asks("ssm:GetParameters", parameter(other, "reader-password")),
        asks("kms:Decrypt", key, decryption(other, "reader-password")),
        asks("ssm:PutParameter", parameter(environment, "reader-password")),
        asks("s3:GetObject", f"arn:aws:s3:::tap-uploads-{environment}-{ACCOUNT}/shop/report.xml"),
        asks("s3:GetObjectVersion", f"arn:aws:s3:::tap-uploads-{environment}-{ACCOUNT}/shop/report.xml"),
        asks("s3:ListBucket", f"arn:aws:s3:::tap-uploads-{environment}-{ACCOUNT}"),
        *(
            asks(f"sqs:{action}", arn("sqs", f"tap-ingest-{environment}"))
            for action in ("ReceiveMessage", "SendMessage")
        ),
        asks("events:PutEvents", arn("events", f"event-bus/tap-application-events-{environment}")),
        *(
            asks("lambda:InvokeFunction", arn("lambda", f"function:tap-{service}-{environment}"))
            for service in ("lambda", "schema", "results")
        ),
    ]
    assert iam.denied(policy, cases(tried)) == tried
    strangers.append(len(tried))
