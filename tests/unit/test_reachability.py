"""From the default VPC a function reaches only those services that have an endpoint: the emulator answers to all."""

import re
from typing import Any

import botocore.session
import pytest

from handler import package
from handler.environment_variables import EnvironmentVariables
from handler.lambda_function import make_processor
from tests.unit.synthesized import Platform, Stack


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The AWS clients that the function makes."""
    made = []
    create_client = botocore.session.Session.create_client

    def record(session: Any, *arguments: Any, **named: Any) -> Any:
        made.append(create_client(session, *arguments, **named))
        return made[-1]

    monkeypatch.setattr(botocore.session.Session, "create_client", record)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    make_processor(EnvironmentVariables(**dict.fromkeys(EnvironmentVariables.__dataclass_fields__, "x")))
    return made


def services(account: Stack, kind: str) -> set[str]:
    """The services that have an endpoint of this kind in the account stack."""
    endpoints = [it for it in account.resources("aws_vpc_endpoint") if it["vpc_endpoint_type"] == kind]
    return {endpoint["service_name"].rpartition(".")[2] for endpoint in endpoints}


def test_every_client_has_a_way_to_its_service(platform: Platform, clients: list[Any]) -> None:
    """An interface endpoint whose address the function is told, or the gateway of S3."""
    account, function = platform["tap-account"], platform["tap-lambda-dev"].resource("aws_lambda_function")
    told = function["environment"]["variables"]
    assert clients
    for client in clients:
        service = client.meta.service_model.endpoint_prefix
        if service in services(account, "Interface"):
            # The SDKs' name of it: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
            variable = client.meta.service_model.service_id.upper().replace(" ", "_")
            assert f"{{region}}.{service}]" in told[f"AWS_ENDPOINT_URL_{variable}"]
        else:
            assert service in services(account, "Gateway"), f"{service} has no endpoint: the function cannot reach it"


def test_no_endpoint_is_paid_for_in_vain(platform: Platform, clients: list[Any]) -> None:
    """Each costs by the hour."""
    called = {client.meta.service_model.endpoint_prefix for client in clients}
    assert services(platform["tap-account"], "Interface") <= called


def test_clients_are_made_in_one_place(clients: list[Any]) -> None:
    """One that is made elsewhere would be overlooked here."""
    sources = [path for path in package._SOURCE.rglob("*.py") if path.name != "package.py"]
    made = [(path.name, call) for path in sources for call in re.findall(r"create_client|boto3\.\w+", path.read_text())]
    assert made == [("lambda_function.py", "create_client")]
