"""A project: how its main branch does, and what troubles it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handler.showing.branches import RUNS, Build, KnownProject, branches_in_use, builds, find_branch, find_project
from handler.showing.failing import Breakage, failing_on
from handler.showing.keys import runs_on_branch
from handler.showing.models import RunSummary, Status, Test
from handler.showing.outcomes import outcomes
from handler.showing.reading import Reading

# Builds of the trend; runs of a sparkline.
_TREND, _HISTORY = 30, 30
# Breakages; flaky, slowest and slower tests; runs.
_BREAKAGES, _LISTED, _RUNS = 10, 5, 10

_FLAKY = """
    select test.number, test.id as test_id, file, suite, classname, name, variant, commits, reruns,
           history.time_of(last_run) as last_seen_at
    from history.flaky(%(project)s, history.key_of(now() - interval '30 days')) as flaky
    join history.test on (project_id, test.number) = (%(project)s, flaky.number)
    order by commits + reruns desc, last_run desc
    limit %(limit)s
"""

_SLOWEST = """
    with measured as (
        select *, sum(microseconds) over () as all_microseconds
        from (select (now() at time zone 'UTC')::date as today) as day
        cross join lateral history.durations_between(%(project)s, today - 29, today)
        order by microseconds / runs desc, number
        limit %(limit)s
    )
    select id as test_id, file, suite, classname, name, variant, measured.runs,
           microseconds / 1e6::double precision / measured.runs as mean_seconds,
           microseconds / nullif(all_microseconds, 0)::double precision as share
    from measured
    join history.test on (project_id, test.number) = (%(project)s, measured.number)
    order by mean_seconds desc, measured.number
"""

_SLOWER = """
    select test_id, file, suite, classname, name, variant, mean_seconds, mean_seconds_before
    from slower_tests
    where project = %s
    order by mean_seconds / mean_seconds_before desc
    limit %s
"""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`branch`: another one than the main branch."""

    project: str
    branch: str | None = None


@dataclass(frozen=True, kw_only=True)
class FlakyTest(Test):
    """As the view flaky_tests has it, with its last outcomes on the branch."""

    commits: int
    reruns: int
    last_seen_at: datetime
    statuses: list[Status]


@dataclass(frozen=True, kw_only=True)
class SlowTest(Test):
    """Of the 30 days up to today. `share`: of the time that all tests of the project took."""

    runs: int
    mean_seconds: float
    share: float | None


@dataclass(frozen=True, kw_only=True)
class SlowerTest(Test):
    """As the view slower_tests has it."""

    mean_seconds: float
    mean_seconds_before: float


@dataclass(frozen=True, kw_only=True)
class ProjectPage:
    """What is known of a branch of a project, and of the project as a whole.

    `failures`: one for each job in which a test fails; the breakages have the latest of them.
    """

    project: str
    branch: str | None
    main_branch: str | None
    branches: list[str]
    trend: list[Build]
    failing_tests: int
    failures: int
    breakages: list[Breakage]
    flaky: list[FlakyTest]
    slowest: list[SlowTest]
    slower: list[SlowerTest]
    runs: list[RunSummary]

    @property
    def more(self) -> int:
        """How many failures are in none of the breakages."""
        return self.failures - sum(breakage.count for breakage in self.breakages)


def read(reading: Reading, inputs: Inputs) -> ProjectPage:
    """Raises NotRecorded."""
    project = find_project(reading, inputs.project)
    branch, branch_id = find_branch(reading, project, inputs.branch)
    # To the page of all failing tests, `*` is no branch.
    failing = failing_on(reading, project, branch) if branch_id else None
    return ProjectPage(
        project=project.name,
        branch=branch,
        main_branch=project.main_branch,
        branches=branches_in_use(reading, project),
        trend=builds(reading, branch_id, _TREND) if branch_id else [],
        failing_tests=failing.failing_tests if failing else 0,
        failures=failing.failures if failing else 0,
        breakages=failing.breakages[:_BREAKAGES] if failing else [],
        flaky=_flaky(reading, project, branch_id),
        slowest=reading.rows(SlowTest, _SLOWEST, {"project": project.id, "limit": _LISTED}),
        slower=reading.rows(SlowerTest, _SLOWER, [project.name, _LISTED]),
        runs=reading.rows(
            RunSummary, f"{RUNS} where run.project_id = %s order by run.id desc limit %s", [project.id, _RUNS]
        ),
    )


def _flaky(reading: Reading, project: KnownProject, branch_id: int | None) -> list[FlakyTest]:
    rows = reading.records(_FLAKY, {"project": project.id, "limit": _LISTED})
    runs = runs_on_branch(reading, branch_id, 3 * _HISTORY) if branch_id and rows else []
    statuses = outcomes(reading, runs, [row["number"] for row in rows])
    return [
        FlakyTest(
            **{name: value for name, value in row.items() if name != "number"},
            # Of several jobs, each run has the tests of its own.
            statuses=[status for status in statuses.get(row["number"], []) if status][-_HISTORY:],
        )
        for row in rows
    ]
