"""What the function's role allows, and what IAM is asked when it is used, by the function or by AWS itself."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from local.emulator import REGION
from local.platform import Platform
from tests.e2e.recorder import Recorded
from tests.security import iam
from tests.security.iam import Case, Request
from tests.unit.synthesized import Block


class UnknownCallError(Exception):
    """The function called something that nobody said which permission it takes."""


def role_policy(platform: Platform, function: str) -> Block:
    """All that the role of a function may do, as Terraform deployed it."""
    client = platform.emulator.client("iam")
    configuration = platform.emulator.client("lambda").get_function_configuration(FunctionName=function)
    role = configuration["Role"].rpartition("/")[2]
    assert client.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    [name] = client.list_role_policies(RoleName=role)["PolicyNames"]
    document: Block = client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    return document


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the answer to a call depends on, beside the call. ARNs are of the account that is emulated."""

    account: str
    function: str
    role: str
    ssm_key: str
    secure_parameters: frozenset[str]
    versions: frozenset[tuple[str, str]]
    """Key and version id of all that the upload bucket holds."""
    endpoint_policies: Mapping[str, Block]
    """Those of the interface endpoints, by service."""

    @classmethod
    def of(cls, platform: Platform, function: str) -> "Surroundings":
        client = platform.emulator.client
        configuration = client("lambda").get_function_configuration(FunctionName=function)
        versions = client("s3").list_object_versions(Bucket=platform.access.outputs["bucket_name"])
        assert not versions["IsTruncated"]
        return cls(
            account=client("sts").get_caller_identity()["Account"],
            function=function,
            role=configuration["Role"],
            ssm_key=client("kms").describe_key(KeyId="alias/aws/ssm")["KeyMetadata"]["Arn"],
            secure_parameters=frozenset(
                parameter["Name"]
                for parameter in client("ssm").describe_parameters()["Parameters"]
                if parameter["Type"] == "SecureString"
            ),
            versions=frozenset((version["Key"], version["VersionId"]) for version in versions.get("Versions", [])),
            endpoint_policies={
                endpoint["ServiceName"].rpartition(".")[2]: json.loads(endpoint["PolicyDocument"])
                for endpoint in client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
                if endpoint["VpcEndpointType"] == "Interface"
            },
        )

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{REGION}:{self.account}:{resource}"

    def case(self, action: str, resource: str) -> Case:
        """The function's role asks for one action on one resource."""
        context = {"aws:PrincipalAccount": self.account, "aws:SecureTransport": "true"}
        request = Request(principal=self.role, action=action, resource=resource, context=context)
        endpoint_policy = self.endpoint_policies.get(action.partition(":")[0])
        return Case(request=request, account=self.account, endpoint_policy=endpoint_policy)

    def decryption(self, parameter: str) -> Case:
        """Parameter Store decrypts a parameter in the name of the function's role, and not through an endpoint.

        https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
        """
        context = {"kms:ViaService": f"ssm.{REGION}.amazonaws.com", "kms:EncryptionContext:PARAMETER_ARN": parameter}
        request = Request(principal=self.role, action="kms:Decrypt", resource=self.ssm_key, context=context)
        # KMS's default: the account's IAM policies decide. That of `aws/ssm` admits by itself whom Parameter Store
        # admits, and a key of one's own does not: the role is to do for both.
        # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
        account = {"AWS": f"arn:aws:iam::{self.account}:root"}
        key_policy = iam.policy([{"Effect": "Allow", "Principal": account, "Action": "kms:*", "Resource": "*"}])
        return Case(request=request, account=self.account, resource_policy=key_policy)


def cases_of(call: Recorded, surroundings: Surroundings) -> Iterator[Case]:
    """What one call of the function takes. Raises UnknownCallError."""
    target = call.headers.get("x-amz-target", "")
    if (call.service, target) == ("ssm", "AmazonSSM.GetParameters"):
        yield from _get_parameters(json.loads(call.body), surroundings)
    elif (call.service, target) == ("events", "AWSEvents.PutEvents"):
        for entry in json.loads(call.body)["Entries"]:
            bus = entry.get("EventBusName", "default")
            yield surroundings.case("events:PutEvents", surroundings.arn("events", f"event-bus/{bus}"))
    elif call.service == "s3" and call.method == "GET":
        yield from _get_object(call, surroundings)
    else:
        raise UnknownCallError(f"{call.method} {call.path} of {call.service} {target}")


def _get_parameters(body: dict[str, Any], surroundings: Surroundings) -> Iterator[Case]:
    for name in body["Names"]:
        parameter = surroundings.arn("ssm", f"parameter{name}")
        yield surroundings.case("ssm:GetParameters", parameter)
        if body.get("WithDecryption") and name in surroundings.secure_parameters:
            yield surroundings.decryption(parameter)


def _get_object(call: Recorded, surroundings: Surroundings) -> Iterator[Case]:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, "Permissions"."""
    path = re.fullmatch(r"/(?P<bucket>[^/]+)/(?P<key>.+)", call.path)
    if not path or not call.query.keys() <= {"versionId", "x-id"}:
        raise UnknownCallError(f"GET {call.path} {dict(call.query)} of s3")
    bucket = f"arn:aws:s3:::{path['bucket']}"
    version = call.query.get("versionId")
    if version is None:
        yield surroundings.case("s3:GetObject", f"{bucket}/{path['key']}")
    else:
        yield surroundings.case("s3:GetObjectVersion", f"{bucket}/{path['key']}")
        if (path["key"], version) not in surroundings.versions:
            # Who may not list the bucket is not told that it lacks the object: 403, not 404.
            yield surroundings.case("s3:ListBucket", bucket)


def cases_of_code(surroundings: Surroundings, cases: Sequence[Case]) -> Sequence[Case]:
    """The same requests to EC2 that AWS makes in the function's name, made by the function's code.

    https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    """
    function = {"lambda:SourceFunctionArn": surroundings.arn("lambda", f"function:{surroundings.function}")}
    return [
        replace(case, request=replace(case.request, context={**case.request.context, **function}))
        for case in cases
        if case.request.action.startswith("ec2:")
    ]


def cases_of_mapping(platform: Platform, surroundings: Surroundings) -> Sequence[Case]:
    """What the event source mapping does under the ingest function's role.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
    """
    queue_url = platform.access.outputs["ingest_queue_url"]
    answer = platform.emulator.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    queue = answer["Attributes"]["QueueArn"]
    actions = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    return [surroundings.case(action, queue) for action in actions]


def cases_of_lambda(surroundings: Surroundings) -> Sequence[Case]:
    """What Lambda does under the role of every function, without being called by it, with the page that says so."""
    log_stream = surroundings.arn(
        "logs", f"log-group:/aws/lambda/{surroundings.function}:log-stream:2026/01/31/[$LATEST]0123"
    )
    subnet, group, interface = (
        surroundings.arn("ec2", f"{kind}/*") for kind in ("subnet", "security-group", "network-interface")
    )
    return [
        surroundings.case(action, resource)
        for action, resource in (
            # What the function prints; its log group exists:
            # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
            ("logs:CreateLogStream", log_stream),
            ("logs:PutLogEvents", log_stream),
            # The function's way into the VPC; Lambda asks for all resource ids at once:
            # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
            ("ec2:CreateNetworkInterface", subnet),
            ("ec2:CreateNetworkInterface", group),
            ("ec2:CreateNetworkInterface", interface),
            ("ec2:DeleteNetworkInterface", interface),
            ("ec2:AssignPrivateIpAddresses", interface),
            ("ec2:UnassignPrivateIpAddresses", interface),
            ("ec2:DescribeNetworkInterfaces", "*"),
            ("ec2:DescribeSubnets", "*"),
        )
    ]
