"""TAP on one machine: `python -m local --help`."""

import argparse
import signal
import sys
from types import FrameType

from rich.console import Console

from local.cdktf import CommandFailedError
from local.demo import NotProcessedError, run_demo
from local.postgres import PostgresUnavailableError
from local.processes import ChildProcessFailedError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m local", description="Run TAP on this machine: no AWS account, no Docker."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("demo", help="deploy the platform, process a sample report, show what happened, stop")
    parser.parse_args()
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    console = Console()
    try:
        run_demo(console)
    except KeyboardInterrupt:
        console.print("Interrupted: everything is stopped and removed.")
        sys.exit(130)
    except (ChildProcessFailedError, CommandFailedError, NotProcessedError, PostgresUnavailableError) as error:
        sys.exit(f"TAP: {error}")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # Only once: a second Ctrl-C must not interrupt the cleaning up, whose every wait is bounded.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
