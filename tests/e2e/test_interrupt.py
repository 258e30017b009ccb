"""Ctrl-C ends the demo and all that it started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from local.cdktf import PROJECT


def working_below(directory: Path) -> list[str]:
    """The processes whose working directory lies below `directory`, by name."""
    return [
        process.info["name"]
        for process in psutil.process_iter(["name", "cwd"])
        if Path(process.info["cwd"] or "/").is_relative_to(directory)
    ]


def test_interrupted_while_terraform_runs(tmp_path: Path) -> None:
    """Neither a process nor a file is left when the demo is interrupted in the middle of a deployment."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "local", "demo"],
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        while not any(name.startswith("terraform-prov") for name in working_below(tmp_path)):
            assert demo.poll() is None
            time.sleep(0.1)
        demo.send_signal(signal.SIGINT)
        output, _ = demo.communicate()
    finally:
        demo.kill()
    assert (demo.returncode, output.splitlines()[-1]) == (130, "Interrupted: everything is stopped and removed.")
    assert working_below(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
