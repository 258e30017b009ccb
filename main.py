"""The CDKTF app: reads the settings, builds the account's and each environment's stacks, synthesizes.

It runs in the folder of `cdktf.json`, where `environments.toml` lies as well.
"""

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from stacks import lazy_bindings

lazy_bindings.install()  # before anything that imports the provider

from cdktf import App  # noqa: E402

from stacks.account_stack import AccountStack  # noqa: E402
from stacks.environment import Environment  # noqa: E402
from stacks.function_package import find_function_package  # noqa: E402
from stacks.settings import ENVIRONMENTS_FILE, Settings, SettingsError, read_tables  # noqa: E402


def main() -> None:
    try:
        settings = Settings.read(os.environ, read_tables(Path()))
        package = find_function_package(settings.package_target)
        if settings.emulator_url:
            require_listener(settings.emulator_url)
    except SettingsError as error:
        sys.exit(f"TAP: {error}")
    app = App()
    with refusal_of("account"):
        AccountStack(
            app,
            state_bucket=settings.state_bucket,
            account=settings.account,
            oidc_issuers=settings.oidc_issuers,
        )
    for environment in settings.environments:
        with refusal_of(environment.suffix):
            Environment(app, environment=environment, settings=settings, package=package)
    app.synth()
    remove_stale_stacks(Path(app.outdir, "stacks"), {child.node.id for child in app.node.children})


@contextmanager
def refusal_of(table: str) -> Iterator[None]:
    """End with what a construct says of a setting that AWS would refuse, and with the setting's table."""
    try:
        yield
    except ValueError as error:
        sys.exit(f"TAP: {ENVIRONMENTS_FILE}: [{table}] {error}")


def remove_stale_stacks(directory: Path, stacks: set[str]) -> None:
    """Remove what earlier runs wrote for other environments, as `cdktf synth` does."""
    for path in directory.iterdir():
        if path.is_dir() and path.name not in stacks:
            shutil.rmtree(path)


def require_listener(emulator_url: str) -> None:
    """Raise SettingsError if nothing listens there: Terraform would try again and again for minutes."""
    url = urlsplit(emulator_url)
    try:
        socket.create_connection((url.hostname, url.port or {"http": 80, "https": 443}[url.scheme]), timeout=5).close()
    except OSError as error:
        raise SettingsError(
            f"AWS_ENDPOINT_URL {emulator_url!r} does not answer ({error.strerror or error}):"
            " start the emulator there, or unset the variable for AWS itself"
        ) from error


if __name__ == "__main__":
    main()
