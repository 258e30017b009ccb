"""Records the largest report that is read, with the memory and the processor that 512 MiB of Lambda have.

That is 0.29 of a processor (1,769 MB have a whole one:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html): the process is held for the rest of the time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks.figures import Figure, database
from handler.reading.junit import JUnitReport
from handler.reading.limits import MAX_CASES
from tests.handler.helpers.recorder import Recorder

_QUICK_CASES = 20_000
_PROCESSOR = 0.29
_PERIOD = 0.1  # seconds

# Seconds; MiB: what the runtime, its extensions and botocore have beside it is told by no benchmark here.
_LIMIT, _MEMORY = 50, 256


def figures(*, quick: bool) -> Iterator[Figure]:
    cases = _QUICK_CASES if quick else MAX_CASES
    with tempfile.NamedTemporaryFile() as report, database() as connection:
        for part in _xml(cases):
            report.write(part)
        report.flush()
        connection_string = make_conninfo(**connection.info.get_parameters(), password=connection.info.password)
        command = [sys.executable, "-m", __name__, report.name, connection_string]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            # Stopped by itself, once it has imported all that it needs.
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            begun = time.perf_counter()
            _hold_back(process)
            elapsed = time.perf_counter() - begun
            peak = int(process.communicate()[0])
    print(f"  {cases:,} cases, {peak} MiB of memory at most")
    yield Figure(what=f"recording {cases:,} cases with 0.29 of a processor", value=elapsed, unit="s", limit=_LIMIT)
    yield Figure(what=f"memory of recording {cases:,} cases", value=peak, unit="MiB", limit=_MEMORY)


def _hold_back(process: subprocess.Popen[str]) -> None:
    while process.poll() is None:
        process.send_signal(signal.SIGCONT)
        time.sleep(_PERIOD * _PROCESSOR)
        process.send_signal(signal.SIGSTOP)
        time.sleep(_PERIOD * (1 - _PROCESSOR))


def _xml(cases: int) -> Iterator[bytes]:
    yield b"<testsuites>"
    for first in range(0, cases, 100):
        classname = f"com.example.shop.Suite{first}Test"
        written = "".join(
            f'<testcase classname="{classname}" name="test_case_{nth}[param-{nth}]" time="0.{nth:03}"/>'
            for nth in range(first, first + 100)
        )
        yield f'<testsuite name="{classname}" tests="100">{written}</testsuite>'.encode()
    yield b"</testsuites>"


def _record(report: str, connection_string: str) -> None:
    with psycopg.connect(connection_string, autocommit=True) as connection, Path(report).open("rb") as stream:
        recorder = Recorder(connection)
        os.kill(os.getpid(), signal.SIGSTOP)
        recorder.record_report(JUnitReport(stream, gzipped=False, project="large"), project="large")
    # Not getrusage, which counts what the process was before it became this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    print(next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM:")))


if __name__ == "__main__":
    _record(*sys.argv[1:])
