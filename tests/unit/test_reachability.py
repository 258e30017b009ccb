"""From the default VPC a function reaches only those services that have an endpoint: the emulator answers to all."""

import re
from pathlib import Path

import botocore.session
import pytest

from handler import package
from tests.unit.synthesized import Platform, Stack

# The entry points, by the service in the names of their stacks and functions.
ENTRY_POINTS = {"lambda": "ingest_function.py", "schema": "schema_function.py", "results": "results_function.py"}


def sources() -> list[Path]:
    """All that is deployed."""
    return [path for path in package._SOURCE.rglob("*.py") if path.name not in package._TOOLS]


def clients(entry_point: str) -> list[str]:
    """The services that a function makes clients of."""
    [names] = re.findall(r"make_clients\((.*)\)", (package._SOURCE / entry_point).read_text())
    return re.findall(r'"(\w+)"', names)


def services(account: Stack, kind: str) -> set[str]:
    """The services that have an endpoint of this kind in the account stack."""
    endpoints = [it for it in account.resources("aws_vpc_endpoint") if it["vpc_endpoint_type"] == kind]
    return {endpoint["service_name"].rpartition(".")[2] for endpoint in endpoints}


@pytest.mark.parametrize("function", ENTRY_POINTS)
def test_every_client_has_a_way_to_its_service(platform: Platform, function: str) -> None:
    """An interface endpoint whose address the function is told, or the gateway of S3."""
    account, deployed = platform["tap-account"], platform[f"tap-{function}-dev"].resource("aws_lambda_function")
    assert deployed["handler"] == f"handler.{ENTRY_POINTS[function].removesuffix('.py')}.lambda_handler"
    told = deployed["environment"]["variables"]
    names = clients(ENTRY_POINTS[function])
    assert names
    for name in names:
        model = botocore.session.get_session().get_service_model(name)
        service = model.endpoint_prefix
        if service in services(account, "Interface"):
            # The SDKs' name of it: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
            variable = model.service_id.upper().replace(" ", "_")
            assert f"{{region}}.{service}]" in told[f"AWS_ENDPOINT_URL_{variable}"]
        else:
            assert service in services(account, "Gateway"), f"{service} has no endpoint: the function cannot reach it"


def test_no_endpoint_is_paid_for_in_vain(platform: Platform) -> None:
    """Each costs by the hour."""
    called = {client for entry_point in ENTRY_POINTS.values() for client in clients(entry_point)}
    assert services(platform["tap-account"], "Interface") <= called


def test_clients_are_made_in_one_place() -> None:
    """One that is made elsewhere would be overlooked here."""
    made = [
        (path.name, call) for path in sources() for call in re.findall(r"create_client|boto3\.\w+", path.read_text())
    ]
    assert made == [("aws_clients.py", "create_client")]
    assert {path.name for path in sources() if "make_clients(" in path.read_text()} == {
        "aws_clients.py",
        *ENTRY_POINTS.values(),
    }
