"""The platform stays up, for as long as somebody wants to try it."""

import shlex
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from rich.console import Console

from local.access import Access
from local.platform import Platform
from local.progress import step
from local.running import announcement
from local.working_directory import working_directory

_AWS_VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")


def run_up(console: Console, file: Path) -> None:
    """Start the platform, announce it in `file`, and stop it when the user interrupts. Raises AlreadyRunsError."""
    with (
        announcement(file) as announce,
        working_directory() as directory,
        Platform("dev", directory, partial(step, console)) as platform,
        suppress(KeyboardInterrupt),
    ):
        announce(platform.access)
        _show_next_steps(console, platform.access)
        while True:
            time.sleep(1)
    console.print("Nothing is left running.")


def _show_next_steps(console: Console, access: Access) -> None:
    environment = access.aws.environment()
    variables = " ".join(f"{name}={shlex.quote(environment[name])}" for name in _AWS_VARIABLES)
    for line in (
        "",
        "The platform runs. In another terminal, in this folder:",
        "",
        "  make upload FILE=local/sample-report.xml PROJECT=shop",
        "  make results",
        "",
        "With the AWS CLI:",
        "",
        f"  export {variables}",
        f"  aws s3 cp local/sample-report.xml s3://{access.outputs['bucket_name']}/shop/report.xml",
        "",
        f"What the function prints goes to {access.function_log}.",
        "Ctrl-C stops everything and removes it.",
    ):
        # Never folded: these are for copying.
        console.print(line, markup=False, highlight=False, soft_wrap=True)
