"""Records small reports in several processes at once, as the function's containers do."""

from __future__ import annotations

import io
import multiprocessing
import statistics
import time
from collections.abc import Iterator

import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks.figures import Figure, database
from handler.reading.junit import JUnitReport
from tests.handler.helpers.recorder import Recorder, case

_CASES = 1_000
_CONTAINERS = (1, 4, 16)
_SECONDS = 10


def figures(*, quick: bool) -> Iterator[Figure]:
    report = f"<testsuite>{''.join(_case(number) for number in range(_CASES))}</testsuite>".encode()
    with database() as connection:
        for cases in (10, _CASES):
            part = f"<testsuite>{''.join(_case(number) for number in range(cases))}</testsuite>".encode()
            milliseconds = [_milliseconds(connection, part) for _ in range(5 if quick else 50)]
            yield Figure(what=f"recording {cases:,} known cases", value=statistics.median(milliseconds[1:]), unit="ms")
        connection_string = make_conninfo(**connection.info.get_parameters(), password=connection.info.password)
        for projects in ("of one project", "each of its own project"):
            for containers in _CONTAINERS:
                jobs = [
                    (
                        connection_string,
                        report,
                        "shop" if projects == "of one project" else f"shop {number}",
                        1 if quick else _SECONDS,
                    )
                    for number in range(containers)
                ]
                with multiprocessing.get_context("spawn").Pool(containers) as pool:
                    rate = sum(pool.starmap(_rate, jobs))
                name = "1 container" if containers == 1 else f"{containers} containers"
                yield Figure(what=f"reports of {_CASES:,} cases, {name}, {projects}", value=rate, unit="per second")


def _case(number: int) -> str:
    return case("failed" if number % 100 == 0 else "passed", f"test_case_{number}", classname="Cart", time=0.25)


def _record(connection: psycopg.Connection[tuple[object, ...]], report: bytes, project: str) -> None:
    Recorder(connection).record_report(JUnitReport(io.BytesIO(report), gzipped=False, project=project), project=project)


def _milliseconds(connection: psycopg.Connection[tuple[object, ...]], report: bytes) -> float:
    begun = time.perf_counter()
    _record(connection, report, "shop")
    return (time.perf_counter() - begun) * 1000


def _rate(connection_string: str, report: bytes, project: str, seconds: float) -> float:
    """Reports per second of one process."""
    with psycopg.connect(connection_string, autocommit=True) as connection:
        _record(connection, report, project)
        begun, count = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            _record(connection, report, project)
            count += 1
        return count / (time.perf_counter() - begun)
