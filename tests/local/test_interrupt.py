"""Ctrl-C while the platform is being started ends all that was started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from local.cdktf import PROJECT


def working_below(directory: Path) -> list[str]:
    """The processes whose working directory lies below `directory`, by name."""
    return [
        process.info["name"]
        for process in psutil.process_iter(["name", "cwd"])
        if Path(process.info["cwd"] or "/").is_relative_to(directory)
    ]


@pytest.mark.parametrize("arguments", [["demo"], ["up", "--platform=running.json"]], ids=["demo", "up"])
def test_interrupted_while_terraform_runs(arguments: list[str], short_path: Path) -> None:
    """Neither a process nor a file is left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local", *arguments],
        cwd=short_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "TMPDIR": str(short_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        while not any(name.startswith("terraform-prov") for name in working_below(short_path)):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
    finally:
        process.kill()
    assert (process.returncode, output.splitlines()[-1]) == (130, "Interrupted: everything is stopped and removed.")
    assert working_below(short_path) == []
    assert list(short_path.iterdir()) == []
