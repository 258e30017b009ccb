"""`up` ends as it is meant to end when it is interrupted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.cdktf import PROJECT

# Only what takes four minutes is left out: the platform itself, which tests/e2e deploys.
UP = """
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from local import __main__, up
from local.access import Access
from local.emulator import EmulatedAws

outputs = {"bucket_name": "uploads", "lambda_function_name": "function"}
access = Access(aws=EmulatedAws("http://127.0.0.1:1"), directory=Path("/tmp/tap-x"), outputs=outputs)
up.Platform = lambda *_: nullcontext(SimpleNamespace(access=access))
sys.argv = ["local", "up", "--platform=running.json"]
__main__.main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_when_it_is_up(number: signal.Signals, tmp_path: Path) -> None:
    """It says what to do, is announced until then, and ends with the exit code 0."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", UP],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        lines = []
        while "Ctrl-C stops everything and removes it.\n" not in lines:
            assert process.poll() is None
            lines.append(process.stdout.readline())
        assert '"bucket_name": "uploads"' in (tmp_path / "running.json").read_text()
        process.send_signal(number)
        rest, _ = process.communicate()
    finally:
        process.kill()
    assert "  make upload FILE=local/sample-report.xml PROJECT=shop\n" in lines
    assert (process.returncode, rest.splitlines()[-1]) == (0, "Nothing is left running.")
    assert list(tmp_path.iterdir()) == []
