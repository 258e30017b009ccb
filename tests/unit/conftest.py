"""What the unit tests share: each platform is synthesized once, into a folder of pytest's."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cdktf import TerraformStack, Testing

from stacks.function_package import FunctionPackage
from stacks.settings import Table
from tests import synthesis
from tests.unit.synthesized import READERS, Platform

Synthesize = Callable[[Mapping[str, str], Mapping[str, Table]], Platform]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> FunctionPackage:
    """A zip file in the place of the function's."""
    return synthesis.empty_package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session")
def synthesize(package: FunctionPackage, tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Synthesizes the account and the environments that variables and tables ask for."""

    def run(variables: Mapping[str, str], tables: Mapping[str, Table]) -> Platform:
        return synthesis.synthesize(variables, package, tmp_path_factory.mktemp("cdktf.out"), tables)

    return run


@pytest.fixture(scope="session")
def platform(synthesize: Synthesize) -> Platform:
    """The account, all presets, and an environment with the longest suffix, with state in local files."""
    return synthesize({"ENVIRONMENT_SUFFIX": "dev,staging,prod,twenty-characters-20"}, {})


@pytest.fixture(scope="session")
def changed(synthesize: Synthesize) -> Platform:
    """What the other settings do: state in S3, another port and class, raised passwords, readers, a snapshot, mails."""
    return synthesize(
        {
            "ENVIRONMENT_SUFFIX": "pr42",
            "TF_STATE_BUCKET": "tap-state",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:5000",
        },
        {
            "pr42": {
                "database_port": 6543,
                "database_former_port": 5432,
                "database_snapshot": "before",
                "password_version": 7,
                "reader_security_group_id": READERS,
                "results_address": "https://tap.example.com",
                "notify_email": "shop@example.com",
                "database_instance_class": "db.m8g.large",
                "alarm_email": "team@example.com",
            }
        },
    )


@pytest.fixture(scope="session")
def with_existing_endpoints(synthesize: Synthesize) -> Platform:
    """An account whose VPC has all endpoints already."""
    return synthesize(
        {},
        {
            "account": {
                "s3_vpc_endpoint_id": "vpce-00000000000000053",
                "ssm_vpc_endpoint_id": "vpce-000000000000055e",
                "events_vpc_endpoint_id": "vpce-0000000000000e7e",
            }
        },
    )


@pytest.fixture
def stack(tmp_path: Path) -> TerraformStack:
    """An empty stack to try a construct in."""
    return TerraformStack(Testing.app(outdir=str(tmp_path)), "stack")
