"""What the unit tests share: each platform is synthesized once, into a folder of pytest's."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stacks import lazy_bindings

lazy_bindings.install()  # as main.py does, or every run of these tests waits for 2,100 modules

from cdktf import App, TerraformStack, Testing  # noqa: E402

from stacks.account_stack import AccountStack  # noqa: E402
from stacks.environment import Environment  # noqa: E402
from stacks.function_package import FunctionPackage  # noqa: E402
from stacks.settings import Settings  # noqa: E402
from tests.unit.synthesized import Platform  # noqa: E402

Synthesize = Callable[[Mapping[str, str]], Platform]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> FunctionPackage:
    """A zip file in the place of the function's."""
    path = tmp_path_factory.mktemp("package") / "handler-aws.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("handler.py"), b"")
    return FunctionPackage(path=path, runtime="python3.13", architecture="arm64")


@pytest.fixture(scope="session")
def synthesize(package: FunctionPackage, tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Synthesizes the account and the environments that the variables ask for."""

    def run(variables: Mapping[str, str]) -> Platform:
        settings = Settings.read(variables)
        app = App(outdir=str(tmp_path_factory.mktemp("cdktf.out")), stack_traces=False)
        AccountStack(app, state_bucket=settings.state_bucket, existing_endpoints=settings.existing_endpoints)
        for environment in settings.environments:
            Environment(app, environment=environment, settings=settings, package=package)
        app.synth()
        return Platform(Path(app.outdir))

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
