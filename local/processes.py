"""Child processes of the one-machine mode: started apart from the terminal, stopped within a bounded time."""

import functools
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

# Linux sends the parent-death signal when the *thread* that started the child ends (prctl(2)), so one thread
# that lives as long as this process starts all of them.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="processes")


class ChildProcessFailedError(Exception):
    """A child process ended, or did not answer, while it was being started."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str],
    directory: Path | None = None,
    user: tuple[int, int] | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that the terminal's Ctrl-C does not reach it.

    Its output is appended to `log`. It gets exactly `environment`. `user` is the (user id, group id) it runs
    as. Where util-linux offers it, the child receives `death_signal` when this process ends without stopping
    it.
    """
    with log.open("ab") as output:
        return _starter.submit(
            subprocess.Popen[bytes],
            [*_with_parent_death_signal(death_signal), *command],
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=directory,
            start_new_session=True,
            user=user and user[0],
            group=user and user[1],
            extra_groups=user and [],
        ).result()


def wait_until(
    answers: Callable[[], bool], *, process: subprocess.Popen[bytes], name: str, log: Path, timeout: float
) -> None:
    """Wait until `answers` returns true, at most `timeout` seconds.

    Raises ChildProcessFailedError, which names the log file, if `process` ends or the time is over.
    """
    deadline = time.monotonic() + timeout
    while not answers():
        if process.poll() is not None:
            raise ChildProcessFailedError(f"{name} ended with exit code {process.returncode} while starting: see {log}")
        if time.monotonic() > deadline:
            raise ChildProcessFailedError(f"{name} did not answer within {timeout:.0f} seconds: see {log}")
        time.sleep(0.05)


def stop(
    process: subprocess.Popen[bytes], *, stop_signal: signal.Signals = signal.SIGTERM, patience: float = 10
) -> None:
    """Send `stop_signal` to the child's group, wait `patience` seconds, then kill what is left of it."""
    if process.poll() is None:
        _signal_group(process, stop_signal)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # macOS answers EPERM instead of ESRCH for a group that consists of zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _with_parent_death_signal(number: signal.Signals) -> list[str]:
    setpriv = _setpriv()
    return [setpriv, "--pdeathsig", number.name, "--"] if setpriv else []


@functools.cache
def _setpriv() -> str | None:
    """The path of util-linux's setpriv, if this system has one that knows --pdeathsig (2.33 and later)."""
    path = shutil.which("setpriv")
    if path is None:
        return None
    trial = subprocess.run([path, "--pdeathsig", "SIGTERM", "true"], check=False, capture_output=True)
    return path if trial.returncode == 0 else None
