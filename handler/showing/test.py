"""A test: what kind of trouble it makes, since when, and where."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from handler.showing.failures import same
from handler.showing.models import RunReference, Status, Test
from handler.showing.outcomes import BAD
from handler.showing.reading import NotRecorded, Reading

# Runs of its history, and characters of a stack trace.
RUNS, _TRACE = 60, 12_000

_TEST = """
    select project_id, number, test.id as test_id, project.name as project, file, suite, classname, test.name, variant
    from history.test
    join history.project on project.id = project_id
    where test.id = %s
"""

# Back in time, as far as it takes to find so many runs with the test.
_HISTORY = """
    select run.id as key, run.event_id as id, branch.name as branch, series.name as series, run.commit,
           history.time_of(run.id) as uploaded_at, coalesce(notable.status::text, 'passed') as status,
           coalesce(notable.attempts, 1) as attempts, seconds[%(number)s %% 256 + 1] as duration_seconds,
           type, left(message, 1000) as message
    from (
        select run.*
        from history.run
        join history.plane on run_id = id
        where run.project_id = %(project_id)s
          and (history.has(good, %(number)s) or history.has(bad, %(number)s) or history.has(plane.skipped, %(number)s))
        order by id desc
        limit %(runs)s
    ) as run
    join history.branch on branch.id = run.branch_id
    join history.series on series.id = run.series_id
    left join history.notable on (notable.run_id, notable.number) = (run.id, %(number)s)
    left join history.texts on (texts.run_id, texts.number) = (run.id, %(number)s)
    left join history.durations on (durations.run_id, tile) = (run.id, %(number)s / 256)
    order by run.id desc
"""

_DETAILS = """
    select run_id as key, case when length(details) <= %(limit)s then details
                               else left(details, %(limit)s / 2) || E'\\n[…]\\n' || right(details, %(limit)s / 2)
                          end as details
    from history.texts
    where run_id = any(%(runs)s) and number = %(number)s
"""

_FAILING = """
    select branch, series, failing_since, first_failing_run_id, first_failing_commit, runs, last_passed_at
    from failing_tests
    where test_id = %s
    order by failing_since
"""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The test."""

    test_id: UUID


@dataclass(frozen=True, kw_only=True)
class TestRun:
    """How it came out in a run."""

    id: UUID
    branch: str | None
    series: str
    commit: str | None
    uploaded_at: datetime
    status: Status
    attempts: int
    duration_seconds: float | None
    type: str | None
    message: str | None


@dataclass(frozen=True, kw_only=True)
class DistinctFailure:
    """All its failures with one message, reruns that passed in the end included.

    `details`: the stack trace of the latest one, of a long one the beginning and the end.
    """

    type: str | None
    message: str | None
    details: str | None
    count: int
    failed: int
    flaky: int
    branches: int
    first: RunReference
    last: RunReference
    statuses: list[Status | None]


@dataclass(frozen=True, kw_only=True)
class FailingOn:
    """Where it fails now, as the view failing_tests has it."""

    branch: str | None
    series: str
    failing_since: datetime
    first_failing_run_id: UUID
    first_failing_commit: str | None
    runs: int
    last_passed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class TestPage:
    """A test with its last runs, the latest first.

    `flip_rate`: the share of its runs that came out otherwise than the run before on their branch and in their series,
    or changed with a rerun. `changed_commits`: on these it both passed and failed.
    """

    test: Test
    project: str
    failing_on: list[FailingOn]
    flip_rate: float | None
    pass_rate: float | None
    median_seconds: float | None
    p95_seconds: float | None
    lost_seconds: float
    changed_commits: list[str]
    failures: list[DistinctFailure]
    runs: list[TestRun]


def read(reading: Reading, inputs: Inputs) -> TestPage:
    """Raises NotRecorded."""
    found = reading.records(_TEST, [inputs.test_id])
    if not found:
        raise NotRecorded(f"There is no test {inputs.test_id}: it ran in no run that is kept.")
    [test] = found
    rows = reading.records(_HISTORY, {"project_id": test["project_id"], "number": test["number"], "runs": RUNS})
    runs = [TestRun(**{name: value for name, value in row.items() if name != "key"}) for row in rows]
    ran = [run for run in runs if run.status != "skipped"]
    durations = sorted(run.duration_seconds for run in ran if run.duration_seconds is not None)
    median = statistics.median(durations) if durations else None
    return TestPage(
        test=Test(**{name: test[name] for name in ("test_id", "file", "suite", "classname", "name", "variant")}),
        project=test["project"],
        failing_on=reading.rows(FailingOn, _FAILING, [inputs.test_id]),
        flip_rate=_flips(ran) / len(ran) if ran else None,
        pass_rate=sum(run.status not in BAD for run in ran) / len(ran) if ran else None,
        median_seconds=median,
        p95_seconds=durations[int(0.95 * (len(durations) - 1))] if durations else None,
        # A rerun takes about as long again as the test.
        lost_seconds=sum(
            (run.duration_seconds or 0) * (run.attempts - 1) / run.attempts for run in ran if run.attempts > 1
        ),
        changed_commits=_changed_commits(ran),
        failures=_distinct(reading, test["number"], rows),
        runs=runs,
    )


def _flips(runs: Sequence[TestRun]) -> int:
    """`runs`: the latest first."""
    of_series: defaultdict[tuple[str | None, str], list[TestRun]] = defaultdict(list)
    for run in runs:
        of_series[run.branch, run.series].append(run)
    changes = sum(
        run.status == "flaky" or (run.status in BAD) != (before.status in BAD)
        for each in of_series.values()
        for run, before in pairwise(each)
    )
    # The first of each has none before it.
    return changes + sum(each[-1].status == "flaky" for each in of_series.values())


def _changed_commits(runs: Sequence[TestRun]) -> list[str]:
    seen: defaultdict[tuple[str, str], set[bool]] = defaultdict(set)
    for run in runs:
        if run.commit:
            seen[run.commit, run.series].add(run.status in BAD)
    return list(dict.fromkeys(commit for (commit, _), outcomes in seen.items() if len(outcomes) > 1))


def _distinct(reading: Reading, number: int, rows: Sequence[dict[str, Any]]) -> list[DistinctFailure]:
    groups: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["status"] in (*BAD, "flaky"):
            groups[same(row["type"], row["message"])].append(row)
    latest = [group[0]["key"] for group in groups.values()]
    values = {"runs": latest, "number": number, "limit": _TRACE}
    details = {row["key"]: row["details"] for row in reading.records(_DETAILS, values)} if latest else {}
    failures = []
    for group in groups.values():
        keys = {row["key"] for row in group}
        failures.append(
            DistinctFailure(
                type=group[0]["type"],
                message=group[0]["message"],
                details=details.get(group[0]["key"]),
                count=len(group),
                failed=sum(row["status"] in BAD for row in group),
                flaky=sum(row["status"] == "flaky" for row in group),
                branches=len({row["branch"] for row in group}),
                first=_reference(group[-1]),
                last=_reference(group[0]),
                statuses=[row["status"] if row["key"] in keys else "skipped" for row in reversed(rows)],
            )
        )
    return sorted(failures, key=lambda failure: -failure.count)


def _reference(row: dict[str, Any]) -> RunReference:
    return RunReference(**{name: row[name] for name in ("id", "branch", "commit", "uploaded_at")})
