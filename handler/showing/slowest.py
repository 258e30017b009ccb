"""How long tests take: the slowest, and those that became slower. Of all projects, or of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from handler.showing.branches import find_project, project_names
from handler.showing.models import Test
from handler.showing.reading import Reading

# Tests that are listed.
LISTED = 50

# The slowest stand in the tiles of the slowest, so that of no more tiles than are listed each test is looked at.
_SLOWEST = """
    with tile as materialized (
        select project.id as project_id, project.name as project, totals.*, whole.*
        from (select (now() at time zone 'UTC')::date as day) as today
        cross join history.project
        cross join lateral history.totals_between(project.id, day - 29, day) as totals
        cross join lateral (
            select count(*) as tests, sum(microseconds) as microseconds_of_tests,
                   max(case %(sort)s when 'share' then microseconds else microseconds / runs end) as most
            from (
                select unnest(totals.runs) - unnest(runs_before) as runs,
                       unnest(totals.microseconds) - unnest(microseconds_before) as microseconds
            ) as difference
            where runs > 0
        ) as whole
        where %(project_id)s::integer is null or project.id = %(project_id)s
    ), of_project as (
        select project_id, sum(tests) as tests, sum(microseconds_of_tests) as microseconds
        from tile
        group by project_id
    ), slow_tile as (
        select *
        from tile
        where tests > 0
        order by most desc
        fetch first %(limit)s rows with ties
    ), listed as (
        select project_id, project, number, difference.runs, difference.microseconds
        from slow_tile
        cross join lateral (
            select tile * 256 + generate_series(0, 255) as number, unnest(runs) - unnest(runs_before) as runs,
                   unnest(microseconds) - unnest(microseconds_before) as microseconds
        ) as difference
        where difference.runs > 0
        order by case %(sort)s when 'share' then difference.microseconds else difference.microseconds / difference.runs
                 end desc, project_id, number
        limit %(limit)s
    )
    select project_id, number, test.id as test_id, project, file, suite, classname, name, variant, runs,
           listed.microseconds / 1e6::double precision / runs as mean_seconds,
           listed.microseconds::double precision / nullif(of_project.microseconds, 0) as share,
           total.tests as measured_tests, total.seconds as measured_seconds
    from listed
    join of_project using (project_id)
    join history.test using (project_id, number)
    cross join (
        select sum(tests)::bigint as tests, sum(microseconds) / 1e6::double precision as seconds from of_project
    ) as total
    order by case %(sort)s when 'share' then listed.microseconds else listed.microseconds / runs end desc, project_id,
             number
"""

# As history.p95_seconds has it, for many tests at once: the bits of a run are unpacked once.
_P95 = """
    with wanted as (
        select * from unnest(%(projects)s::integer[], %(numbers)s::integer[]) as test (project_id, number)
    ), run as materialized (
        select run.project_id, run.id, plane.skipped || '' as skipped
        from history.run
        join history.plane on run_id = run.id
        where project_id = any(%(projects)s)
          and run.id >= history.key_of(((now() at time zone 'UTC')::date - 29)::timestamp at time zone 'UTC')
    )
    select project_id, number,
           (percentile_disc(0.95) within group (order by seconds))::text::double precision as seconds
    -- A row of its own, or the bit strings would be sorted.
    from (
        select project_id, number, measured.seconds
        from wanted
        join run using (project_id)
        cross join lateral (
            select seconds[number %% 256 + 1] as seconds
            from history.durations
            where (run_id, tile) = (run.id, number / 256)
            offset 0
        ) as measured
        where not history.has(skipped, number)
        offset 0
    ) as duration
    group by project_id, number
"""

_SLOWER = """
    select test_id, project, file, suite, classname, name, variant, runs, mean_seconds, runs_before,
           mean_seconds_before, count(*) over () as slower_tests
    from slower_tests
    where %(project)s::text is null or project = %(project)s
    order by mean_seconds - mean_seconds_before desc, project, test_id
    limit %(limit)s
"""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`list`: the slowest tests, or those that became slower. `sort`: of the slowest, by their mean or their share."""

    project: str | None = None
    list: Literal["slowest", "slower"] = "slowest"
    sort: Literal["mean", "share"] = "mean"


@dataclass(frozen=True, kw_only=True)
class SlowTest(Test):
    """Of the 30 days up to today (UTC). `share`: of the time that all tests of its project took."""

    project: str
    runs: int
    mean_seconds: float
    p95_seconds: float
    share: float | None


@dataclass(frozen=True, kw_only=True)
class SlowerTest(Test):
    """The seven days up to today (UTC), and the 30 days before these."""

    project: str
    runs: int
    mean_seconds: float
    runs_before: int
    mean_seconds_before: float


@dataclass(frozen=True, kw_only=True)
class SlowestPage:
    """One of both lists, the other one is empty.

    `measured_tests` and `measured_seconds`: of how many tests the slowest are, and how long all of these took in
    30 days. `slower_tests`: how many became slower, of which the first are listed.
    """

    project: str | None
    measured_tests: int
    measured_seconds: float
    slowest: list[SlowTest]
    slower_tests: int
    slower: list[SlowerTest]
    known_projects: list[str]


def read(reading: Reading, inputs: Inputs) -> SlowestPage:
    """Raises NotRecorded."""
    project = find_project(reading, inputs.project) if inputs.project else None
    values = {
        "project_id": project.id if project else None,
        "project": project.name if project else None,
        "sort": inputs.sort,
        "limit": LISTED,
    }
    slowest = reading.records(_SLOWEST, values) if inputs.list == "slowest" else []
    slower = reading.records(_SLOWER, values) if inputs.list == "slower" else []
    p95 = _p95(reading, slowest)
    return SlowestPage(
        project=project.name if project else None,
        measured_tests=slowest[0]["measured_tests"] if slowest else 0,
        measured_seconds=slowest[0]["measured_seconds"] if slowest else 0,
        slowest=[SlowTest(**_of(SlowTest, row | {"p95_seconds": p95[_key(row)]})) for row in slowest],
        slower_tests=slower[0]["slower_tests"] if slower else 0,
        slower=[SlowerTest(**_of(SlowerTest, row)) for row in slower],
        known_projects=project_names(reading),
    )


def _p95(reading: Reading, tests: Sequence[dict[str, Any]]) -> dict[tuple[int, int], float]:
    """By project and number."""
    values = {"projects": [test["project_id"] for test in tests], "numbers": [test["number"] for test in tests]}
    return {_key(row): row["seconds"] for row in reading.records(_P95, values)}


def _key(row: dict[str, Any]) -> tuple[int, int]:
    return row["project_id"], row["number"]


def _of(kind: type[Test], row: dict[str, Any]) -> dict[str, Any]:
    return {field.name: row[field.name] for field in fields(kind)}
