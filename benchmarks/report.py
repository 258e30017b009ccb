"""Reads and records a large report, beside what a plain script of the field does with it: `make benchmark`.

The script is junitparser, which keeps the report in memory, with `executemany` into one plain table. Both sides run
alternately, in this process and on the same server, so that the ratios hold on a busy machine as well.
"""

import io
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from junitparser import Error, Failure, JUnitXml, Skipped

from handler.reading.junit import JUnitReport
from tests.handler.helpers.recorder import Recorder
from tests.postgres import migrate, temporary_server

_ROUNDS = 5
_SUITES, _CASES = 1_000, 100
# Times the CPU time that junitparser takes to read the same report, with lxml and all of it in memory.
_LIMIT = 1.5

_PLAIN_TABLE = """
create table plain_result (run integer, suite text, classname text, name text, status text, seconds double precision,
                           message text, details text)
"""


def main() -> None:
    report = _report()
    print(f"A report of {_SUITES * _CASES:,} cases, {len(report) >> 20} MiB; medians of {_ROUNDS} rounds.\n")
    with _database() as connection:
        recorder = Recorder(connection)
        connection.execute(_PLAIN_TABLE)
        _record(recorder, report, "known")
        projects = itertools.count()
        read, read_plainly, record_known, record_new, record_plainly = _measure(
            {
                "TAP reads": lambda: _read(report),
                "junitparser reads": lambda: _rows(report),
                "TAP records, tests known": lambda: _record(recorder, report, "known"),
                "TAP records, all tests new": lambda: _record(recorder, report, f"new {next(projects)}"),
                "junitparser and executemany": lambda: _record_plainly(connection, report),
            }
        )
    ratio = read.cpu / read_plainly.cpu
    print(f"\nreading: {ratio:.2f} times junitparser's CPU time (at most {_LIMIT})")
    print(f"recording known tests: {record_known.elapsed / record_plainly.elapsed:.2f} times the script's time")
    print(f"recording new tests: {record_new.elapsed / record_plainly.elapsed:.2f} times the script's time")
    sys.exit(ratio > _LIMIT)


class _Seconds(NamedTuple):
    cpu: float
    elapsed: float


def _measure(sides: dict[str, Callable[[], object]]) -> list[_Seconds]:
    """The medians of each side, in turns."""
    rounds: dict[str, list[_Seconds]] = {name: [] for name in sides}
    for _ in range(_ROUNDS):
        for name, act in sides.items():
            cpu, elapsed = time.process_time(), time.perf_counter()
            act()
            rounds[name].append(_Seconds(time.process_time() - cpu, time.perf_counter() - elapsed))
    medians = []
    for name, measured in rounds.items():
        cpu, elapsed = (statistics.median(seconds) for seconds in zip(*measured, strict=True))
        print(f"{name:28} {cpu:5.2f} s of CPU, {elapsed:5.2f} s in all")
        medians.append(_Seconds(cpu, elapsed))
    return medians


def _report() -> bytes:
    """One case of each suite failed."""
    trace = "  at com.example.Cart.adds(Cart.java:7)\n" * 20
    failure = f'<failure message="expected 7" type="AssertionError">{trace}</failure>'
    suites = []
    for suite in range(_SUITES):
        classname = f"com.example.shop.Suite{suite}Test"
        cases = (
            f'<testcase classname="{classname}" name="test_case_{case}[param-{case}]" time="0.{case:03}">'
            f"{failure if case == _CASES // 2 else ''}</testcase>\n"
            for case in range(_CASES)
        )
        attributes = f'name="{classname}" tests="{_CASES}" failures="1" errors="0" skipped="0" time="9" hostname="ci"'
        suites.append(f'<testsuite {attributes} timestamp="2026-11-02T08:30:00">\n{"".join(cases)}</testsuite>\n')
    return f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n{"".join(suites)}</testsuites>'.encode()


def _read(report: bytes) -> None:
    for _ in JUnitReport(io.BytesIO(report), gzipped=False, project="shop").read():
        pass


def _record(recorder: Recorder, report: bytes, project: str) -> None:
    recorder.record_report(JUnitReport(io.BytesIO(report), gzipped=False, project=project), project=project)


def _rows(report: bytes) -> list[tuple[object, ...]]:
    statuses = {Failure: "failed", Error: "error", Skipped: "skipped"}
    rows = []
    for suite in JUnitXml.fromstring(report):
        for case in suite:
            result = case.result[0] if case.result else None
            reason = (result.message, result.text) if result else (None, None)
            status = statuses[type(result)] if result else "passed"
            rows.append((1, suite.name, case.classname, case.name, status, case.time, *reason))
    return rows


def _record_plainly(connection: psycopg.Connection[Any], report: bytes) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany("insert into plain_result values (%s, %s, %s, %s, %s, %s, %s, %s)", _rows(report))


@contextmanager
def _database() -> Iterator[psycopg.Connection[Any]]:
    with (
        temporary_server(password="tap") as server,  # noqa: S106 - of a server that lives for a minute
        psycopg.connect(
            host=server.hostname,
            hostaddr="127.0.0.1",
            port=server.port,
            user="tap",
            password="tap",  # noqa: S106
            dbname="tap",
            sslmode="verify-full",
            sslrootcert=str(server.ca_file),
            autocommit=True,
        ) as connection,
    ):
        migrate(connection)
        yield connection


if __name__ == "__main__":
    main()
