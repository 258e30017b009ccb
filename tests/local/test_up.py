"""`up` serves the pages, and ends as it is meant to end when it is interrupted."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from handler.addresses import OPEN_ADDRESS, OPEN_PORT
from local.cdktf import PROJECT
from local.pages import Pages, PortTakenError

# Only what takes four minutes is left out: the platform itself, which tests/e2e deploys.
UP = """
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from local import __main__, up
from local.access import Access
from local.emulator import EmulatedAws

outputs = {
    "bucket_name": "uploads",
    "lambda_function_name": "function",
    "results_function_name": "results",
    "results_url": "https://abc.lambda-url.us-east-1.on.aws/",
}

def platform(*_, results_address):
    aws = EmulatedAws("http://127.0.0.1:1")
    access = Access(aws=aws, directory=Path("/tmp/tap-x"), outputs=outputs, results_address=results_address)
    return nullcontext(SimpleNamespace(access=access))

up.Platform = platform
sys.argv = ["local", "up", "--platform=running.json"]
__main__.main()
"""


@contextmanager
def running(directory: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """`up` in this directory, with the lines that it printed until it was up."""
    with subprocess.Popen(
        [sys.executable, "-u", "-c", UP],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "TMPDIR": str(directory)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            lines = []
            while "Ctrl-C stops everything and removes it.\n" not in lines:
                assert process.poll() is None
                lines.append(process.stdout.readline())
            yield process, lines
        finally:
            process.kill()


def address_in(lines: list[str]) -> str:
    """The first that is said."""
    [address, *_] = [line.strip() for line in lines if "http://" in line]
    return address


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_when_it_is_up(number: signal.Signals, tmp_path: Path) -> None:
    """It says what to do, is announced until then, and ends with the exit code 0."""
    with running(tmp_path) as (process, lines):
        announced = (tmp_path / "running.json").read_text()
        process.send_signal(number)
        rest, _ = process.communicate()
    assert '"bucket_name": "uploads"' in announced
    assert f'"results_address": "{address_in(lines)}"' in announced
    assert "  make upload FILE=local/sample-report.xml PROJECT=shop\n" in lines
    assert (process.returncode, rest.splitlines()[-1]) == (0, "Nothing is left running.")
    assert list(tmp_path.iterdir()) == []


def test_pages_are_served_by_the_emulated_aws(tmp_path: Path) -> None:
    """Which is not there, in this test: so they say."""
    with running(tmp_path) as (_, lines):
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(f"{address_in(lines)}/runs/1")
        with raised.value as answer:
            assert answer.status == 502
            assert answer.read().startswith(b"TAP: AWS cannot be reached")


def test_usual_address_unless_it_is_taken(tmp_path: Path) -> None:
    """`make open` may be there, for an environment in AWS: then there is another one."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with ExitStack() as stack:
        # Other tests, and whoever works on this machine, may have it as well.
        with suppress(PortTakenError):
            stack.enter_context(Pages(OPEN_PORT)).server_close()
            _, lines = stack.enter_context(running(first))
            assert address_in(lines) == OPEN_ADDRESS
        _, lines = stack.enter_context(running(second))
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address_in(lines))
        assert address_in(lines) != OPEN_ADDRESS
