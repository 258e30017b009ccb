"""The CDKTF app: reads the settings, builds the account's and each environment's stacks, synthesizes."""

import os
import sys

from stacks import lazy_bindings

lazy_bindings.install()  # before anything that imports the provider

from cdktf import App  # noqa: E402

from stacks.account_stack import AccountStack  # noqa: E402
from stacks.environment import Environment  # noqa: E402
from stacks.function_package import find_function_package  # noqa: E402
from stacks.settings import Settings, SettingsError  # noqa: E402


def main() -> None:
    try:
        settings = Settings.read(os.environ)
        package = find_function_package(settings.package_target)
    except SettingsError as error:
        sys.exit(f"TAP: {error}")
    # Without stack traces: they cost time and write the paths of this machine into the output.
    app = App(stack_traces=False)
    AccountStack(app, state_bucket=settings.state_bucket, existing_endpoints=settings.existing_endpoints)
    for environment in settings.environments:
        Environment(app, environment=environment, settings=settings, package=package)
    app.synth()


if __name__ == "__main__":
    main()
