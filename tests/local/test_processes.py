"""Children start in a session of their own, end within a bounded time, and say why they did not start."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local import processes

_SLEEP = "import time; time.sleep(60)"
_IGNORE_SIGTERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True); time.sleep(60)"
)


def _start(code: str, log: Path) -> subprocess.Popen[bytes]:
    return processes.start([sys.executable, "-c", code], log=log, environment={})


def _wait_for(text: str, log: Path) -> str:
    while text not in log.read_text():
        time.sleep(0.01)
    return log.read_text()


def _runs(pid: int) -> bool:
    try:
        # A zombie that nobody has waited for yet has ended, too.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_child_leads_a_session_of_its_own(tmp_path: Path) -> None:
    child = _start(_SLEEP, tmp_path / "log")
    try:
        assert os.getsid(child.pid) == child.pid
    finally:
        processes.stop(child)


def test_output_is_appended_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for text in ("first", "second"):
        _start(f"import sys; print('{text}'); print('error', file=sys.stderr)", log).wait()
    assert log.read_text().count("error\n") == 2
    assert "first\n" in log.read_text()
    assert "second\n" in log.read_text()


def test_stop_ends_a_child_with_the_signal_it_asks_for(tmp_path: Path) -> None:
    child = _start(_SLEEP, tmp_path / "log")
    processes.stop(child)
    assert child.returncode == -signal.SIGTERM


def test_stop_kills_a_child_that_ignores_the_signal(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = _start(_IGNORE_SIGTERM, log)
    _wait_for("ready", log)
    processes.stop(child, patience=0.1)
    assert child.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_stop_kills_what_an_ended_child_left_running(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {_SLEEP!r}]).pid)"
    child = _start(code, log)
    child.wait()
    grandchild = int(log.read_text())
    assert _runs(grandchild)
    processes.stop(child)
    while _runs(grandchild):
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no parent-death signal")
def test_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    parent_code = (
        "import sys, time; from pathlib import Path; from local import processes\n"
        f"command = [sys.executable, '-c', {_SLEEP!r}]\n"
        f"child = processes.start(command, log=Path({str(log)!r}), environment={{}})\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    with log.open("ab") as output:
        parent = subprocess.Popen(
            [sys.executable, "-c", parent_code],
            stdout=output,
            env={**os.environ, "PYTHONPATH": str(Path(processes.__file__).parents[1])},
        )
    child = int(_wait_for("\n", log))
    assert _runs(child)
    parent.kill()
    parent.wait()
    while _runs(child):
        time.sleep(0.01)


def test_child_that_ends_while_starting_is_named_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = _start("raise SystemExit(3)", log)
    with pytest.raises(
        processes.ChildProcessFailedError,
        match=f"^the thing ended with exit code 3 while starting: see {log}$",
    ):
        processes.wait_until(lambda: False, process=child, name="the thing", log=log, timeout=60)


def test_child_that_does_not_answer_is_named_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = _start(_SLEEP, log)
    try:
        with pytest.raises(
            processes.ChildProcessFailedError, match=f"^the thing did not answer within 0 seconds: see {log}$"
        ):
            processes.wait_until(lambda: False, process=child, name="the thing", log=log, timeout=0)
    finally:
        processes.stop(child)
