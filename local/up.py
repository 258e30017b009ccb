"""The platform stays up, for as long as somebody wants to try it."""

import shlex
from contextlib import suppress
from functools import partial
from pathlib import Path

from rich.console import Console

from handler.addresses import OPEN_PORT
from local.access import Access
from local.pages import Pages, PortTakenError
from local.platform import Platform
from local.progress import step
from local.running import announcement
from local.working_directory import working_directory

_AWS_VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")


def run_up(console: Console, file: Path) -> None:
    """Start the platform, announce it in `file`, and stop it when the user interrupts. Raises AlreadyRunsError."""
    with (
        announcement(file) as announce,
        _pages() as pages,
        working_directory() as directory,
        Platform("dev", directory, partial(step, console), results_address=pages.address) as platform,
        suppress(KeyboardInterrupt),
    ):
        pages.function = platform.access.results_function()
        announce(platform.access)
        _show_next_steps(console, platform.access)
        pages.serve_forever()
    console.print("Nothing is left running.")


def _pages() -> Pages:
    """At the usual port, or, since `make open` may have taken it for an environment in AWS, at a free one."""
    try:
        return Pages(OPEN_PORT)
    except PortTakenError:
        return Pages(0)


def _show_next_steps(console: Console, access: Access) -> None:
    environment = access.aws.environment()
    variables = " ".join(f"{name}={shlex.quote(environment[name])}" for name in _AWS_VARIABLES)
    for line in (
        "",
        "The platform runs. What it says about tests, in your browser:",
        "",
        f"  {access.results_address}",
        "",
        "In another terminal, in this folder:",
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
