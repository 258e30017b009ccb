"""Reads and records a large report, beside what a plain script of the field does with it.

The script is junitparser, which keeps the report in memory, with `executemany` into one plain table.
"""

import io
import itertools
from collections.abc import Iterator
from typing import Any

import psycopg
from junitparser import Error, Failure, JUnitXml, Skipped

from benchmarks.figures import Figure, database, medians
from handler.reading.junit import JUnitReport
from tests.handler.helpers.recorder import Recorder

_SUITES, _CASES = 1_000, 100
# Times what the script takes: CPU time to read, and time in all to record.
_READING, _KNOWN, _NEW = 1.5, 0.87, 1.3

_PLAIN_TABLE = """
create table plain_result (run integer, suite text, classname text, name text, status text, seconds double precision,
                           message text, details text)
"""


def figures(*, quick: bool) -> Iterator[Figure]:
    report = _report()
    cases = f"{_SUITES * _CASES:,} cases"
    with database() as connection:
        recorder = Recorder(connection)
        connection.execute(_PLAIN_TABLE)
        _record(recorder, report, "known")
        projects = itertools.count()
        sides = {
            "TAP reads": lambda: _read(report),
            "junitparser reads": lambda: _rows(report),
            "TAP records, tests known": lambda: _record(recorder, report, "known"),
            "TAP records, all tests new": lambda: _record(recorder, report, f"new {next(projects)}"),
            "junitparser and executemany": lambda: _record_plainly(connection, report),
        }
        read, read_plainly, known, new, plainly = medians(sides, rounds=1 if quick else 5).values()
    than = "against junitparser"
    yield Figure(what=f"CPU of reading {cases}, {than}", value=read.cpu / read_plainly.cpu, limit=_READING)
    than += " and executemany"
    yield Figure(what=f"recording {cases}, tests known, {than}", value=known.elapsed / plainly.elapsed, limit=_KNOWN)
    yield Figure(what=f"recording {cases}, all tests new, {than}", value=new.elapsed / plainly.elapsed, limit=_NEW)


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
