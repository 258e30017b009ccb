"""How `upload` and `results` find the platform that `up` keeps running: a small file, locked as long as it runs."""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from botocore.exceptions import EndpointConnectionError, HTTPClientError

from local.access import Access
from local.cdktf import PROJECT
from local.emulator import EmulatedAws

FILE = PROJECT / ".local.json"


class NothingRunsError(Exception):
    """There is no platform to use; the sentence says what to do."""


class AlreadyRunsError(Exception):
    """There is a platform, or one that is just being started; the sentence says what to do."""


@contextmanager
def announcement(file: Path) -> Iterator[Callable[[Access], None]]:
    """Holds the place of the one platform that runs; what it yields tells others how to use the platform.

    The system gives the lock of a process back however it ends, so that a file which was left behind keeps nobody from
    starting. Raises AlreadyRunsError.
    """
    with file.open("a") as announced:
        try:
            fcntl.flock(announced, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunsError("it runs already: use it, or stop it with Ctrl-C in its terminal") from None
        try:
            announced.truncate(0)

            def announce(access: Access) -> None:
                facts = {
                    "url": access.aws.url,
                    "directory": str(access.directory),
                    "outputs": access.outputs,
                    "results_address": access.results_address,
                }
                json.dump(facts, announced)
                announced.flush()

            yield announce
        finally:
            file.unlink(missing_ok=True)


@contextmanager
def running_platform(file: Path) -> Iterator[Access]:
    """The platform that was announced, as long as it answers. Raises NothingRunsError."""
    access = _read(file)
    try:
        yield access
    except (psycopg.OperationalError, EndpointConnectionError, HTTPClientError) as error:
        raise NothingRunsError(f"the platform does not answer (any more): see {access.directory}") from error


def _read(file: Path) -> Access:
    text = _announced(file)
    if text is None:
        raise NothingRunsError("nothing runs: start it with `make local` in another terminal")
    if not text:
        raise NothingRunsError("`make local` is still starting: wait until it says what to do next")
    facts = json.loads(text)
    return Access(
        aws=EmulatedAws(facts["url"]),
        directory=Path(facts["directory"]),
        outputs=facts["outputs"],
        results_address=facts["results_address"],
    )


def _announced(file: Path) -> str | None:
    """What stands in the file; None if there is none, or one that was left behind."""
    try:
        with file.open() as announced:
            try:
                fcntl.flock(announced, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return announced.read()
    except FileNotFoundError:
        pass
    return None
