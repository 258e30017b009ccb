"""Asks a large history what people ask, with its pages, and records one more run into it."""

from __future__ import annotations

import gc
import io
import time
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
from rich.console import Console

from benchmarks import pages
from benchmarks.figures import Figure, Seconds, database, percentile, seconds_of
from benchmarks.generated_history import GeneratedReport, Run, generate, planned
from local.tables import show_results
from tests.handler.helpers.recorder import Recorder

# Tests in a run, and runs of the largest project: 24 million results in all, and one million.
_TESTS = 20_000
_RUNS, _FEW_RUNS = 480, 20
_QUICK_TESTS, _QUICK_RUNS = 2_000, 60
_ROUNDS = 20

# Milliseconds, bytes, and times what it takes with a million results.
_ANSWER, _BYTES, _ONE_MORE = 100, 16, 1.15

_NOWHERE = Console(file=io.StringIO())

_RESULTS = "select sum(tests) from run"
_BYTES_WITHOUT_TEXTS = """
select sum(pg_total_relation_size(oid)) from pg_class
where relkind = 'r' and relnamespace in ('public'::regnamespace, 'history'::regnamespace) and relname <> 'texts'
"""
_A_RUN = "select id from run_summary where project = 'shop' and branch = 'main' order by uploaded_at desc limit 1"
_A_TEST = "select test_id from failing_tests where project = 'shop' order by failing_since limit 1"

# Of one project, and then of all of them.
_ANSWERS: dict[str, LiteralString] = {
    "failing": "select * from failing_tests where {} order by failing_since limit 50",
    "flaky": "select * from flaky_tests where {} order by last_seen_at desc limit 50",
    "flip rate": "select * from flipping_tests where {} order by flip_rate desc limit 50",
    "slowest": "select * from slowest_tests where {} order by mean_seconds desc limit 50",
    "slower": "select * from slower_tests where {} order by mean_seconds - mean_seconds_before desc limit 50",
    "search": "select * from test where {} and search_text like '%nothing like it%'",
    "summary": "select * from project_summary where {}",
    "builds": "select * from build_summary where {} order by last_uploaded_at desc limit 50",
}
_DETAILS: dict[str, LiteralString] = {
    "run against run": "select * from run_change where run_id = %(run)s",
    "what failed in a run": "select * from result where run_id = %(run)s and status in ('failed', 'error')",
    "history of a test": "select * from test_history where test_id = %(test)s order by uploaded_at desc limit 100",
    "grid of a branch": "select * from branch_grid where project = 'shop' and branch = 'main'",
}


def figures(*, quick: bool) -> Iterator[Figure]:
    tests, runs = (_QUICK_TESTS, _QUICK_RUNS) if quick else (_TESTS, _RUNS)
    with database() as connection, database() as small_connection:
        recorder, small = Recorder(connection), Recorder(small_connection)
        _load(small, runs=_FEW_RUNS, tests=tests)
        _load(recorder, runs=runs, tests=tests)
        [(results,)] = connection.execute(_RESULTS)
        [(size,)] = connection.execute(_BYTES_WITHOUT_TEXTS)
        size_name = f"{results / 1e6:.2g} million results"
        yield Figure(what=f"bytes per result, without texts, {size_name}", value=size / results, limit=_BYTES)
        yield from _answers(connection, size_name)
        yield from pages.figures(recorder, size_name, tests=tests, quick=quick)
        shown = [seconds_of(lambda: show_results(_NOWHERE, connection, project=None, limit=10)) for _ in range(5)]
        yield Figure(
            what=f"make results, {size_name}", value=percentile([it.elapsed * 1000 for it in shown], 50), unit="ms"
        )
        one_more = [_one_more(small, recorder, nth, tests) for nth in range(3 if quick else 11)]
        medians = [
            sorted(seconds.elapsed for seconds in side)[len(one_more) // 2] for side in zip(*one_more, strict=True)
        ]
        print(f"  one more run of {tests:,} tests: {medians[0] * 1000:.0f} ms, {medians[1] * 1000:.0f} ms")
        yield Figure(
            what=f"one more run of {tests:,} tests, {size_name} against {_FEW_RUNS * 2.35 * tests / 1e6:.2g} million",
            value=medians[1] / medians[0],
            limit=_ONE_MORE,
        )


def _load(recorder: Recorder, *, runs: int, tests: int) -> None:
    begun, count = time.monotonic(), len(planned(runs))
    for nth, _ in enumerate(generate(recorder, runs=runs, tests=tests), start=1):
        if nth % 100 == 0 or nth == count:
            print(f"  {nth} of {count} runs recorded in {time.monotonic() - begun:.0f} s", flush=True)
    recorder.connection.execute("vacuum analyze")


def _answers(connection: psycopg.Connection[Any], size_name: str) -> Iterator[Figure]:
    # What was loaded is no garbage, and Python shall not look for some in it while it is timed.
    gc.freeze()
    [(run,)], [(test,)] = connection.execute(_A_RUN), connection.execute(_A_TEST)
    asked = {
        **{f"{name}, one project": query.format("project = 'shop'") for name, query in _ANSWERS.items()},
        **{f"{name}, all projects": query.format("true") for name, query in _ANSWERS.items()},
        **_DETAILS,
    }
    for name, query in asked.items():
        milliseconds = []
        for _ in range(_ROUNDS):
            begun = time.perf_counter()
            connection.execute(query.encode(), {"run": run, "test": test} if name in _DETAILS else None).fetchall()
            milliseconds.append((time.perf_counter() - begun) * 1000)
        # Warm: the first one has read what it needs.
        p95 = percentile(milliseconds[1:], 95)
        yield Figure(what=f"{name}, {size_name}, p95", value=p95, unit="ms", limit=_ANSWER)


def _one_more(small: Recorder, large: Recorder, nth: int, tests: int) -> tuple[Seconds, Seconds]:
    """The same run for both, a day later each time."""
    run = Run("shop", 1_000_000 + nth, "main", f"commit {nth}", days_ago=-nth)

    def record(recorder: Recorder) -> Seconds:
        return seconds_of(
            lambda: recorder.record_report(
                GeneratedReport(run, tests=tests),
                project=run.project,
                branch=run.branch,
                commit=run.commit,
                days_ago=run.days_ago,
            )
        )

    return record(small), record(large)
