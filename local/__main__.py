"""TAP on one machine: `python -m local --help`."""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from handler.addresses import OPEN_PORT
from local import running
from local.cdktf import CommandFailedError
from local.demo import run_demo
from local.doctor.run import run_doctor
from local.forget import run_forget
from local.open import run_open
from local.operating import NotDoneError
from local.pages import PortTakenError
from local.postgres import PostgresUnavailableError
from local.processes import ChildProcessFailedError
from local.redrive import MAX_RATE, QUEUES, run_redrive
from local.refusals import ResultsUnavailableError
from local.reingest import run_reingest
from local.running import AlreadyRunsError, NothingRunsError
from local.tables import run_results
from local.up import run_up
from local.upload import NotProcessedError, UploadRefusedError, run_upload
from stacks.settings import SettingsError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STOPPED = "Interrupted: everything is stopped and removed."

Command = Callable[[Console, argparse.Namespace], bool]


def main() -> None:
    arguments = _parser().parse_args()
    run: Command = arguments.run
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    console = Console()
    try:
        succeeded = run(console, arguments)
    except KeyboardInterrupt:
        console.print(arguments.interrupted)
        sys.exit(130)
    except (
        AlreadyRunsError,
        ChildProcessFailedError,
        CommandFailedError,
        NotDoneError,
        NothingRunsError,
        NotProcessedError,
        PortTakenError,
        PostgresUnavailableError,
        ResultsUnavailableError,
        UploadRefusedError,
    ) as error:
        sys.exit(f"TAP: {error}")
    sys.exit(not succeeded)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local", description="Run TAP on this machine: no AWS account, no Docker."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="deploy the platform, process a sample report, show what happened, stop")
    demo.set_defaults(run=_demo, interrupted=_STOPPED)

    up = commands.add_parser(
        "up",
        help="deploy the platform and keep it up until Ctrl-C",
        description="Deploy the platform on this machine and keep it up until Ctrl-C, which stops and removes it.",
    )
    up.set_defaults(run=_up, interrupted=_STOPPED)

    upload = commands.add_parser(
        "upload",
        help="upload a report to the platform that `up` keeps, and show what was made of it",
        description="Upload a report to the platform that `up` keeps, wait until it is processed, and show what was"
        " made of it. The exit code is 0 if the platform could read the report, whatever its tests did, and else 1.",
    )
    upload.add_argument("file", type=Path, help="the report: JUnit XML, .xml or .xml.gz")
    upload.add_argument("--project", required=True, help="whose tests these are; the object's key starts with it")
    upload.add_argument("--job", help="which job of a build reports this; default: the name of the file")
    upload.add_argument("--branch", help="the branch that was tested")
    upload.add_argument("--commit", help="the commit that was tested")
    upload.add_argument("--build-url", help="where one can look at the build")
    upload.set_defaults(run=_upload, interrupted="Interrupted: if the report is uploaded, it will be processed.")

    results = commands.add_parser(
        "results",
        help="show the latest runs, and the slowest, flaky and failing tests",
        description="Show what the platform that `up` keeps has recorded: the latest runs, and the slowest, flaky and"
        " failing tests.",
    )
    results.add_argument("--project", help="only of this project")
    results.add_argument("--limit", type=_positive, default=10, metavar="N", help="of each (default: %(default)s)")
    results.set_defaults(run=_results, interrupted="Interrupted.")

    doctor = commands.add_parser(
        "doctor",
        help="say what stands in the way of a deploy to AWS, and what to do about it",
        description="Ask this machine and the AWS account, before anything is deployed, what stands in the way of a"
        " deploy. It changes nothing. The exit code is 0 if nothing stands in the way, 1 if something does, and 2 for"
        " wrong use.",
    )
    doctor.add_argument(
        "--environment", metavar="SUFFIX", default="dev", help="what is to be deployed (default: %(default)s)"
    )
    doctor.set_defaults(run=_doctor, interrupted="Interrupted: nothing was changed.")

    open_ = commands.add_parser(
        "open",
        help="look at the results of an environment in AWS, until Ctrl-C",
        description="Serve the pages of an environment in AWS on this machine, for its browser alone, until Ctrl-C."
        " Each request is signed with your AWS credentials. They need the policy that the output"
        " results_reader_policy_arn names.",
    )
    open_.add_argument("--environment", metavar="SUFFIX", default="dev", help="default: %(default)s")
    open_.add_argument("--port", type=int, default=OPEN_PORT, help="of this machine (default: %(default)s)")
    open_.add_argument("--no-browser", action="store_true", help="only print the address")
    open_.set_defaults(run=_open, interrupted="Nothing is served any more.")

    forget = commands.add_parser(
        "forget",
        help="remove uploads for good: of a project, or a single one",
        description="Remove uploads with their runs and objects for good: from the platform that `up` keeps, or from an"
        " environment in AWS, with your credentials. They need lambda:InvokeFunction on the schema function and"
        " s3:DeleteObjectVersion on the upload bucket.",
    )
    forget.set_defaults(run=_forget, interrupted="Interrupted: what was removed is removed; run it again for the rest.")

    reingest = commands.add_parser(
        "reingest",
        help="read recorded reports again: of a project, or a single one",
        description="Have the ingest function read recorded reports again, after a fix of what reads them: on the"
        " platform that `up` keeps, or in an environment in AWS, with your credentials. They need"
        " lambda:InvokeFunction on the schema function and sqs:SendMessage on the ingest queue.",
    )
    reingest.set_defaults(
        run=_reingest, interrupted="Interrupted: what was asked for is read again; run it again for all of it."
    )

    for command in (forget, reingest):
        what = command.add_mutually_exclusive_group(required=True)
        what.add_argument("--project", help="all uploads of this project")
        what.add_argument("--upload", metavar="ID", help="the upload with this event_id, which is also that of its run")

    redrive = commands.add_parser(
        "redrive",
        help="try dead letters again: uploads, or events for consumers or for targets that missed them",
        description="Show the dead letters of a queue, and move them back to it after a question: of the platform that"
        " `up` keeps, or of an environment in AWS, with your credentials. Of `undelivered`, each event goes to the"
        " target that missed it.",
    )
    redrive.add_argument(
        "queue",
        choices=QUEUES,
        help="whose dead letters: uploads to be ingested, events to be consumed, or events that were not delivered",
    )
    redrive.add_argument("--rate", type=_rate, metavar="N", help="messages per second at most, 1 to 500")
    redrive.set_defaults(run=_redrive, interrupted="Interrupted: what was moved is moved; run it again for the rest.")

    for command in (forget, reingest, redrive):
        command.add_argument("--environment", metavar="SUFFIX", help="in AWS; default: the platform that `up` keeps")
        command.add_argument("--yes", action="store_true", help="do not ask")

    for command in (up, upload, results, forget, reingest, redrive):
        command.add_argument(
            "--platform",
            type=Path,
            default=running.FILE,
            metavar="FILE",
            help="where `up` writes how to reach it (default: .local.json in the project's folder)",
        )
    return parser


def _demo(console: Console, _: argparse.Namespace) -> bool:
    run_demo(console)
    return True


def _up(console: Console, arguments: argparse.Namespace) -> bool:
    run_up(console, arguments.platform)
    return True


def _upload(console: Console, arguments: argparse.Namespace) -> bool:
    metadata = {
        "job": arguments.job,
        "branch": arguments.branch,
        "commit": arguments.commit,
        "build-url": arguments.build_url,
    }
    return run_upload(
        console,
        arguments.platform,
        arguments.file,
        project=arguments.project,
        metadata={name: value for name, value in metadata.items() if value},
    )


def _results(console: Console, arguments: argparse.Namespace) -> bool:
    run_results(console, arguments.platform, project=arguments.project or None, limit=arguments.limit)
    return True


def _doctor(console: Console, arguments: argparse.Namespace) -> bool:
    try:
        return run_doctor(console, arguments.environment)
    except SettingsError as error:
        sys.stderr.write(f"TAP: {error}\n")
        sys.exit(2)


def _open(console: Console, arguments: argparse.Namespace) -> bool:
    run_open(console, arguments.environment, port=arguments.port, starts_browser=not arguments.no_browser)
    return True


def _forget(console: Console, arguments: argparse.Namespace) -> bool:
    run_forget(console, **_wanted(arguments))
    return True


def _reingest(console: Console, arguments: argparse.Namespace) -> bool:
    run_reingest(console, **_wanted(arguments))
    return True


def _wanted(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "environment": arguments.environment,
        "platform": arguments.platform,
        "wanted": {"project": arguments.project} if arguments.project else {"upload": arguments.upload},
        "is_confirmed": arguments.yes,
    }


def _redrive(console: Console, arguments: argparse.Namespace) -> bool:
    run_redrive(
        console,
        queue=arguments.queue,
        environment=arguments.environment,
        platform=arguments.platform,
        rate=arguments.rate,
        is_confirmed=arguments.yes,
    )
    return True


def _rate(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= MAX_RATE):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MAX_RATE}")
    return int(text)


def _positive(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # Only once: a second Ctrl-C must not interrupt the cleaning up, whose every wait is bounded.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
