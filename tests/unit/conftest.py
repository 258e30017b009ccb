"""What the unit tests share: each platform is synthesized once, into a folder of pytest's."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cdktf import TerraformStack, Testing

from stacks.function_package import FunctionPackage
from tests import synthesis
from tests.unit.synthesized import Platform

Synthesize = Callable[[Mapping[str, str]], Platform]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> FunctionPackage:
    """A zip file in the place of the function's."""
    return synthesis.empty_package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session")
def synthesize(package: FunctionPackage, tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Synthesizes the account and the environments that the variables ask for."""

    def run(variables: Mapping[str, str]) -> Platform:
        return synthesis.synthesize(variables, package, tmp_path_factory.mktemp("cdktf.out"))

    return run


@pytest.fixture(scope="session")
def platform(synthesize: Synthesize) -> Platform:
    """The account, all presets, and an environment with the longest suffix, with state in local files."""
    return synthesize({"ENVIRONMENT_SUFFIX": "dev,staging,prod,twenty-characters-20"})


@pytest.fixture(scope="session")
def changed(synthesize: Synthesize) -> Platform:
    """What the other settings do: state in S3, other port, raised password version, emulated AWS."""
    return synthesize(
        {
            "ENVIRONMENT_SUFFIX": "pr42",
            "TF_STATE_BUCKET": "tap-state",
            "DB_PORT": "6543",
            "DB_PASSWORD_VERSION": "7",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:5000",
        }
    )


@pytest.fixture(scope="session")
def with_existing_endpoints(synthesize: Synthesize) -> Platform:
    """An account whose VPC has all endpoints already."""
    return synthesize(
        {
            "S3_VPC_ENDPOINT_ID": "vpce-00000000000000053",
            "SSM_VPC_ENDPOINT_ID": "vpce-000000000000055e",
            "EVENTS_VPC_ENDPOINT_ID": "vpce-0000000000000e7e",
        }
    )


@pytest.fixture
def stack(tmp_path: Path) -> TerraformStack:
    """An empty stack to try a construct in."""
    return TerraformStack(Testing.app(outdir=str(tmp_path)), "stack")
