"""Every answer is that of a plain recomputation, in whatever order reports come and go."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handler.errors import NotXml
from handler.notifications import Upload
from handler.origin import Origin
from handler.outcome import Faulty, OpenReport, UploadOutcome
from handler.recording import removal, upkeep, uploads
from tests.handler.helpers import plain_history
from tests.handler.helpers.plain_history import Answer, PlainRun
from tests.handler.helpers.recorder import NOW, Recorder, case
from tests.handler.helpers.reports import report_of
from tests.handler.helpers.surroundings import Postgres

STATUSES = ("passed", "passed", "passed", "skipped", "flaky", "failed", "failed", "error")
SECONDS = (None, 0.25, 0.5, 4.0)
# On both sides of each window, and none at the moment when one opens or shuts.
DAYS_AGO = (0.001, 0.002, 0.003, 0.5, 1, 2, 3, 4, 5, 6.2, 7.8, 9, 15, 20, 29.9, 30.1, 35, 36.2, 37.8, 45)
# Their numbers fill more than a tile of durations.
OTHERS = {f"other {number}": ("passed", 0.125) for number in range(254)}
# Days: what is older is on one side of it, and what the views look at on the other.
RETENTION = 40
# That a view shows of a project or branch.
MOST_TESTS = 200

EMPTY = "truncate upload, history.test, history.project restart identity cascade"


def made_up(chance: random.Random, *, runs: int) -> list[PlainRun]:
    """Runs of a project, in no order."""
    names = [f"test {number}" for number in range(chance.randint(1, 6))]
    made = []
    for nth in range(runs):
        key, uploaded_at = f"{nth}.xml", NOW - timedelta(days=chance.choice(DAYS_AGO))
        results = {name: (chance.choice(STATUSES), chance.choice(SECONDS)) for name in names if chance.random() < 0.8}
        run = PlainRun(
            id=upload_of(key, uploaded_at).event_id,
            key=key,
            series=chance.choice(["linux", "windows"]),
            branch=chance.choice(["main", "main", "master", "trunk", None]),
            commit=chance.choice(["c1", "c2", "c3", None]),
            main_branch=chance.choice([None, None, None, "trunk", "master", "elsewhere"]),
            uploaded_at=uploaded_at,
            results={**OTHERS, **results} if chance.random() < 0.03 else results,
        )
        made.append(run)
    return made


def upload_of(key: str, uploaded_at: datetime) -> Upload:
    return Upload(bucket="uploads", key=key, version_id="1", etag="e", size=1, uploaded_at=uploaded_at)


def deliver(connection: psycopg.Connection[Any], run: PlainRun) -> None:
    """As the function records it, unless it did so before."""
    with connection.transaction():
        uploads.record(connection, upload_of(run.key, run.uploaded_at), origin_of(run), report_on(run))


def read_again(connection: psycopg.Connection[Any], run: PlainRun, outcome: UploadOutcome | None = None) -> None:
    """As the function records it anew; by default, what the run says now."""
    upload = upload_of(run.key, run.uploaded_at)
    with connection.transaction():
        assert uploads.hold(connection, upload)
        uploads.record_anew(connection, upload, origin_of(run), outcome or report_on(run))


def origin_of(run: PlainRun) -> Origin:
    return Origin(project="shop", series=run.series, branch=run.branch, commit=run.commit, main_branch=run.main_branch)


def report_on(run: PlainRun) -> OpenReport:
    cases = [
        case(status, name) if seconds is None else case(status, name, time=seconds)
        for name, (status, seconds) in run.results.items()
    ]
    return OpenReport(report_of(f"<testsuite>{''.join(cases)}</testsuite>", project="shop"))


def otherwise(chance: random.Random, run: PlainRun) -> PlainRun:
    """The run as another reader understands it: of most of its tests the same, and mostly of the same place."""
    results = {
        name: (chance.choice(STATUSES), chance.choice(SECONDS)) if chance.random() < 0.3 else result
        for name, result in run.results.items()
        if chance.random() < 0.9
    }
    if chance.random() < 0.3:
        results["found later"] = (chance.choice(STATUSES), chance.choice(SECONDS))
    if chance.random() < 0.8:
        return dataclasses.replace(run, results=results)
    series, branch = chance.choice(["linux", "windows"]), chance.choice(["main", "trunk", None])
    return dataclasses.replace(run, results=results, series=series, branch=branch, commit=chance.choice(["c1", "c2"]))


def remove(connection: psycopg.Connection[Any], run: PlainRun) -> None:
    with connection.transaction():
        assert removal.remove(connection, [run.id]) == 1


def keep_up(connection: psycopg.Connection[Any]) -> None:
    """Long after all of it was recorded."""
    connection.execute("update upload set processed_at = uploaded_at - interval '1 year'")
    upkeep.keep_up(connection, text_retention=10, outcome_retention=RETENTION, seconds_left=lambda: 60)


def assert_answers_are_plain(connection: psycopg.Connection[Any], runs: Sequence[PlainRun]) -> None:
    """All of them, of one moment."""

    def answer(source: str, key: str, values: str) -> Answer:
        rows = connection.execute(f"select {key}, {values} from {source}".encode()).fetchall()
        width = len(key.split(","))
        found = {row[:width]: row[width:] for row in rows}
        assert len(found) == len(rows)
        return found

    with connection.transaction():
        [(now,)] = connection.execute("select now()")
        assert answer(
            "failing_tests",
            "branch, series, name",
            "failing_since, first_failing_run_id, first_failing_commit, runs, last_passed_at",
        ) == plain_history.failing(runs, now)
        assert answer("flaky_tests", "name", "commits, reruns, last_seen_at") == plain_history.flaky(runs, now)
        flipping = answer("flipping_tests", "branch, series, name", "runs, flips, flip_rate")
        assert flipping == plain_history.flipping(runs, now)
        slowest = answer("slowest_tests", "name", "runs, mean_seconds, p95_seconds")
        every = plain_history.slowest(runs, now)
        assert slowest == {key: every[key] for key in slowest}
        assert ordered_means(slowest) == ordered_means(every)[:MOST_TESTS]
        slower = answer("slower_tests", "name", "runs, mean_seconds, runs_before, mean_seconds_before")
        assert slower == plain_history.slower(runs, now)
        changes = answer(
            "run_change join test on id = test_id", "run_id, base_run_id, name", "change, status, base_status"
        )
        assert changes == plain_history.run_changes(runs)
        history = answer(
            "test_history join (select id as test_id, name from test) as named using (test_id)",
            "run_id, name",
            "status",
        )
        assert history == plain_history.history(runs)
        grid, every = (
            answer("branch_grid", "branch, series, name", "run_ids, statuses::text[]"),
            plain_history.grid(runs),
        )
        assert grid == {key: every[key] for key in grid}
        assert len(every) > MOST_TESTS or grid == every
        summary = answer(
            "project_summary",
            "project",
            "main_branch, last_run_id, last_uploaded_at, tests, failing_tests, flaky_tests, trend_tests, trend_failed",
        )
        if runs:
            assert summary["shop",] == plain_history.summary(runs, now)


def ordered_means(slowest: Answer) -> list[float]:
    return sorted((mean for _, mean, _ in slowest.values()), reverse=True)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.randoms(use_true_random=False), count=st.integers(1, 40))
def test_each_answer_is_that_of_a_plain_recomputation(recorder: Recorder, chance: random.Random, count: int) -> None:
    """Reports come late, twice and out of order, some are removed or read again, and the oldest and all that hangs on
    them expire.
    """
    recorder.connection.execute(EMPTY)
    oldest = NOW - timedelta(days=365)
    there: list[PlainRun] = []
    for run in made_up(chance, runs=count):
        if run.uploaded_at < oldest:
            continue
        deliver(recorder.connection, run)
        there.append(run)
        if chance.random() < 0.1:
            keep_up(recorder.connection)
            oldest = NOW - timedelta(days=RETENTION)
            there = [run for run in there if run.uploaded_at >= oldest]
        if there and chance.random() < 0.1:
            deliver(recorder.connection, chance.choice(there))
        if there and chance.random() < 0.2:
            remove(recorder.connection, there.pop(chance.randrange(len(there))))
        if there and chance.random() < 0.3:
            place = chance.randrange(len(there))
            there[place] = otherwise(chance, there[place])
            read_again(recorder.connection, there[place])
        if there and chance.random() < 0.1:
            # A fault, and then not.
            place = chance.randrange(len(there))
            read_again(recorder.connection, there[place], Faulty(NotXml("Not at all.")))
            if chance.random() < 0.5:
                read_again(recorder.connection, there[place])
            else:
                there.pop(place)
    assert_answers_are_plain(recorder.connection, there)


@pytest.mark.parametrize("seed", range(5))
def test_so_it_is_when_reports_come_and_go_at_the_same_moment(postgres: Postgres, seed: int) -> None:
    """In ten containers, which wait for each other and for nothing else."""
    chance = random.Random(seed)  # noqa: S311 - the same at each call
    runs = made_up(chance, runs=80)
    removed, misread = runs[:20], runs[10:50]
    read = {run.key: otherwise(chance, run) for run in misread}
    chance.shuffle(runs)

    def work(nth: int) -> None:
        with postgres.connect() as connection:
            for run in runs[nth::10]:
                deliver(connection, run)
                if run in misread:
                    read_again(connection, read[run.key])
                if run in removed:
                    remove(connection, run)

    with ThreadPoolExecutor(10) as containers:
        list(containers.map(work, range(10)))
    with postgres.connect() as connection:
        assert_answers_are_plain(connection, [read.get(run.key, run) for run in runs if run not in removed])
