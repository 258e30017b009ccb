"""The function's role allows what the function does and what AWS does in its name, and nothing besides."""

import gzip
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import pytest

from handler.notifications import Reingest
from local.cdktf import PROJECT
from local.platform import Platform
from tests import function_urls
from tests.e2e.calls import (
    Surroundings,
    UnknownCallError,
    cases_of,
    cases_of_code,
    cases_of_lambda,
    cases_of_mapping,
    role_policy,
)
from tests.e2e.recorder import Recorded, recorded
from tests.e2e.stacks import SUFFIX
from tests.e2e.uploads import announce_what_is_gone, event_of, upload
from tests.security import iam
from tests.security.iam import Case
from tests.unit.synthesized import Block

pytestmark = pytest.mark.security

REPORT = (PROJECT / "local" / "sample-report.xml").read_bytes()


def have_it_read_again(platform: Platform, key: str) -> None:
    """Ask for what was announced before, as an operator does."""
    upload(platform, key, REPORT)
    first = event_of(platform, key)
    version = {name: first[name] for name in ("bucket", "key", "version_id")}
    platform.emulator.client("sqs").send_message(
        QueueUrl=platform.access.outputs["ingest_queue_url"],
        MessageBody=Reingest(**version, request_id=uuid.uuid4()).message(),
    )


# Every way that an upload can take through the function, with the status of its event.
WAYS: dict[str, tuple[str, Callable[[Platform, str], None]]] = {
    "report.xml": ("success", lambda platform, key: upload(platform, key, REPORT)),
    "report.xml.gz": ("success", lambda platform, key: upload(platform, key, gzip.compress(REPORT))),
    "a b+ü/report.xml": ("success", lambda platform, key: upload(platform, key, REPORT)),
    "screenshot.png": ("success", lambda platform, key: upload(platform, key, b"\x89PNG")),
    "not-xml.xml": ("error", lambda platform, key: upload(platform, key, b"no report")),
    "gone.xml": ("error", announce_what_is_gone),
    "again.xml": ("success", have_it_read_again),
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """What was seen of the function, and what its role allows."""

    policy: Block
    surroundings: Surroundings
    calls: list[Recorded]
    of_function: list[Case]
    of_aws: list[Case]
    refused: list[Case]
    """What AWS does in the function's name, asked for by its code."""


@pytest.fixture(scope="module", params=["lambda", "schema", "results"])
def run(request: pytest.FixtureRequest, platform: Platform) -> Run:
    """Of each function. Every way is taken; what earlier tests made it do counts as well."""
    function = f"tap-{request.param}-{SUFFIX}"
    surroundings = Surroundings.of(platform, function)
    of_aws = [*cases_of_lambda(surroundings)]
    if request.param == "lambda":
        for name, (status, send) in WAYS.items():
            key = f"permissions/{name}"
            send(platform, key)
            assert event_of(platform, key)["status"] == status
        surroundings = Surroundings.of(platform, function)
        of_aws += cases_of_mapping(platform, surroundings)
    elif request.param == "results":
        page = function_urls.unsigned(f"{platform.access.outputs['results_url']}runs/{uuid.uuid4()}")
        # Only the database knows that there is no such run.
        assert function_urls.send(platform.emulator, function_urls.sign(page)).status == HTTPStatus.NOT_FOUND
    else:
        answer = platform.emulator.client("lambda").invoke(FunctionName=function, Payload=b'{"migrate": true}')
        assert "FunctionError" not in answer
    calls = [request for request in recorded(platform.emulator) if request.function == function]
    of_function: list[Case] = []
    for call in calls:
        of_function += [case for case in cases_of(call, surroundings) if case not in of_function]
    return Run(
        policy=role_policy(platform, function),
        surroundings=surroundings,
        calls=calls,
        of_function=of_function,
        of_aws=of_aws,
        refused=list(cases_of_code(surroundings, of_aws)),
    )


def test_function_was_seen(run: Run) -> None:
    """It calls these services. A recorder that sees nothing would find nothing denied."""
    services = {"ssm", "s3", "events"} if "lambda" in run.surroundings.function else {"ssm"}
    assert {call.service for call in run.calls} == services
    assert len(run.calls) >= (len(WAYS) * 2 if "s3" in services else 1)


def test_nothing_is_denied(run: Run) -> None:
    """What the function calls, with its way through the VPC endpoints, and what AWS does in its name."""
    assert iam.denied(run.policy, [*run.of_function, *run.of_aws]) == []


def test_nothing_is_granted_in_vain(run: Run, summary: list[str]) -> None:
    """Whatever is taken away of the policy, an action, a resource or a condition's value, is missed by a request."""
    granted = iam.permissions(run.policy)
    denied = iam.denied(run.policy, [*run.of_function, *run.of_aws])
    unneeded = iam.unneeded(run.policy, [*run.of_function, *run.of_aws])
    not_by_function = iam.unneeded(run.policy, run.of_function)
    unused = [part for part in granted if part in unneeded]
    by_function = [part for part in granted if part not in not_by_function]
    summary.append(
        f"permissions of {run.surroundings.function}: {len(granted)} granted,"
        f" {len(by_function)} used by the function in {len(run.calls)} calls,"
        f" {len(granted) - len(by_function) - len(unused)} by AWS in its name, {len(unused)} unused;"
        f" denied: {len(denied)}"
    )
    assert [str(part) for part in unneeded] == []


def test_code_is_denied_what_lambda_may_do_to_the_vpc(run: Run, summary: list[str]) -> None:
    """Lambda may place the function in the VPC; its code may touch nothing there, and that by the one Deny alone."""
    assert len(run.refused) == 8
    assert iam.denied(run.policy, run.refused) == [case.request for case in run.refused]
    assert [str(part) for part in iam.unneeded(run.policy, run.refused, "Deny")] == []
    summary.append(
        f"denial of {run.surroundings.function}: {len(run.refused)} requests to EC2 by the function's code,"
        " all refused by it alone"
    )


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::tap-uploads/*"}, id="an action"),
        pytest.param({"Action": "ssm:GetParameters", "Resource": "arn:aws:ssm:*:*:parameter/*"}, id="a resource"),
    ],
)
def test_what_is_granted_in_vain_is_found(run: Run, statement: Block) -> None:
    """It is named, whether or not it does what another statement does already."""
    policy = {**run.policy, "Statement": [*run.policy["Statement"], {"Effect": "Allow", **statement}]}
    unneeded = [str(part) for part in iam.unneeded(policy, [*run.of_function, *run.of_aws])]
    place = len(policy["Statement"])
    assert f"{statement['Action']} on {statement['Resource']} (statement {place})" in unneeded


def test_value_of_a_condition_that_nobody_needs_is_found(run: Run) -> None:
    """One more parameter that the key could decrypt."""
    policy = json.loads(json.dumps(run.policy))
    [statement] = [it for it in policy["Statement"] if it["Effect"] == "Allow" and "Condition" in it]
    statement["Condition"]["StringEquals"]["kms:EncryptionContext:PARAMETER_ARN"].append("arn:aws:ssm:::parameter/x")
    [found] = iam.unneeded(policy, [*run.of_function, *run.of_aws])
    assert isinstance(found, iam.Alternative)
    assert found.value == "arn:aws:ssm:::parameter/x"


@pytest.mark.parametrize("place", ["another region", "without Parameter Store", "another parameter"])
def test_key_decrypts_only_the_parameters(run: Run, place: str) -> None:
    """The function itself may not use the key, nor Parameter Store for it on what is not the function's."""
    case = next(case for case in run.of_function if case.request.action == "kms:Decrypt")
    context: dict[str, Any] = dict(case.request.context)
    match place:
        case "another region":
            context["kms:ViaService"] = "ssm.eu-north-1.amazonaws.com"
        case "without Parameter Store":
            del context["kms:ViaService"]
        case _:
            context["kms:EncryptionContext:PARAMETER_ARN"] += "2"
    asked = replace(case, request=replace(case.request, context=context))
    assert iam.denied(run.policy, [asked]) == [asked.request]


@pytest.mark.parametrize(
    ("method", "path", "query", "headers"),
    [
        pytest.param("PUT", "/bucket/key", {}, {}, id="put"),
        pytest.param("GET", "/bucket/key", {"acl": ""}, {}, id="acl"),
        pytest.param("GET", "/bucket", {}, {}, id="list"),
        pytest.param("POST", "/", {}, {"x-amz-target": "AmazonSSM.PutParameter"}, id="another action"),
    ],
)
def test_call_that_nobody_knows_is_told(
    run: Run, method: str, path: str, query: dict[str, str], headers: dict[str, str]
) -> None:
    """A new call of the function does not pass for one that needs no permission."""
    service = "ssm" if headers else "s3"
    signature = f"AWS4-HMAC-SHA256 Credential=x/20260131/us-east-1/{service}/aws4_request"
    call = Recorded(method=method, path=path, query=query, headers={"authorization": signature, **headers}, body=b"{}")
    with pytest.raises(UnknownCallError):
        list(cases_of(call, run.surroundings))
