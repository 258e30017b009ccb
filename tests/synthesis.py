"""Synthesizes the platform for tests, as main.py does, without its checks of the surroundings."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

from stacks import lazy_bindings

lazy_bindings.install()  # as main.py does, or every run of these tests waits for 2,100 modules

from cdktf import App  # noqa: E402

from stacks.account_stack import AccountStack  # noqa: E402
from stacks.environment import Environment  # noqa: E402
from stacks.function_package import FunctionPackage  # noqa: E402
from stacks.settings import Settings, Table  # noqa: E402
from tests.unit.synthesized import Platform  # noqa: E402

ROOT = Path(__file__).parents[1]


def synthesize(
    variables: Mapping[str, str], package: FunctionPackage, directory: Path, tables: Mapping[str, Table] | None = None
) -> Platform:
    """Write the account and the environments that the settings ask for into `directory`, and read them back."""
    settings = Settings.read(variables, tables or {})
    app = App(outdir=str(directory), stack_traces=False)
    AccountStack(app, state_bucket=settings.state_bucket, account=settings.account, oidc_issuers=settings.oidc_issuers)
    for environment in settings.environments:
        Environment(app, environment=environment, settings=settings, package=package)
    app.synth()
    return Platform(directory)


def empty_package(directory: Path) -> FunctionPackage:
    """A zip file in the place of the function's."""
    path = directory / "handler-aws.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("handler.py"), b"")
    return FunctionPackage(path=path, runtime="python3.13", architecture="arm64")
