"""Flaky tests: how much they cost, and which cost most. Of all projects, or of one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from handler.showing.branches import find_project, project_names
from handler.showing.models import Status, Test
from handler.showing.outcomes import flips, latest_outcomes
from handler.showing.reading import Reading

# Days that are looked at, up to now; those within which a test is new here.
DAYS, _NEW_DAYS = 30, 7
# Tests of a page; runs of a sparkline.
LISTED, _HISTORY = 50, 30

# A rerun takes about as long as the test did before it.
_FLAKY = """
    with since as materialized (
        select history.key_of(now() - %(days)s * interval '1 day') as run,
               history.key_of(now() - %(new_days)s * interval '1 day') as new_run
    ), asked as materialized (
        select id, name, history.main_branch(id) as main_branch_id
        from history.project
        where %(project_id)s::integer is null or id = %(project_id)s
    ), lost as materialized (
        -- Run by run: how few there are of all that are kept PostgreSQL cannot know.
        select run.project_id, rerun.number, sum(seconds::double precision * (attempts - 1) / attempts) as lost_seconds
        from asked
        join history.run on run.project_id = asked.id
        cross join lateral (
            select number, attempts from history.notable where run_id = run.id and status = 'flaky' offset 0
        ) as rerun
        left join lateral (
            select seconds[rerun.number %% 256 + 1] as seconds
            from history.durations
            where (run_id, tile) = (run.id, rerun.number / 256)
            offset 0
        ) as measured on true
        where run.id >= (select run from since)
        group by run.project_id, rerun.number
    ), flaky as materialized (
        select asked.id as project_id, flaky.*, lost_seconds
        from asked
        cross join lateral history.flaky(asked.id, (select run from since)) as flaky
        left join lost on (lost.project_id, lost.number) = (asked.id, flaky.number)
    ), listed as materialized (
        select *
        from flaky
        order by case %(sort)s when 'lost' then lost_seconds when 'reruns' then reruns when 'commits' then commits
                               when 'last' then last_run end desc nulls last,
                 reruns desc, commits desc, last_run desc, project_id, number
        limit %(limit)s offset %(skip)s
    )
    select asked.name as project, test.id as test_id, test.file, test.suite, test.classname, test.name, test.variant,
           listed.number, commits, reruns, failures, lost_seconds, message, history.time_of(first_run) as first_seen_at,
           history.time_of(last_run) as last_seen_at, coalesce(main_branch_id, last.branch_id) as branch_id,
           last.series_id, total.*
    from listed
    join asked on asked.id = listed.project_id
    join history.test on (test.project_id, test.number) = (listed.project_id, listed.number)
    join history.run as last on last.id = last_run
    cross join lateral (
        select count(*) filter (where status > 'flaky') as failures,
               mode() within group (order by left(coalesce(message, type), 300)) as message
        from history.run
        join history.notable on (run_id, notable.number) = (run.id, listed.number)
        left join history.texts on (texts.run_id, texts.number) = (run.id, listed.number)
        where run.project_id = listed.project_id and run.id >= (select run from since)
    ) as seen
    cross join (
        select count(*) as all_tests, count(distinct project_id) as all_projects,
               count(*) filter (where first_run >= (select new_run from since)) as all_new,
               sum(lost_seconds) as all_lost, max(lost_seconds) as most_lost
        from flaky
    ) as total
    order by case %(sort)s when 'lost' then lost_seconds when 'reruns' then reruns when 'commits' then commits
                           when 'last' then last_run end desc nulls last,
             reruns desc, commits desc, last_run desc, listed.project_id, listed.number
"""

_RUNS_OF_DAYS = """
    select (history.time_of(id) at time zone 'UTC')::date as day, count(*) as runs,
           count(*) filter (where flaky > 0) as runs_touched, sum(flaky) as reruns
    from history.run
    where id >= history.key_of(now() - %(days)s * interval '1 day')
      and (%(project_id)s::integer is null or project_id = %(project_id)s)
    group by day
"""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`sort`: by the time lost, by the number of reruns or of commits, or by when it was seen last."""

    project: str | None = None
    sort: Literal["lost", "reruns", "commits", "last"] = "lost"
    skip: int = 0


@dataclass(frozen=True, kw_only=True)
class FlakyTest(Test):
    """A test that passed and failed on one commit, or passed only after a rerun.

    `commits`: on how many its outcome changed; `reruns`: in how many runs it passed only after a rerun; `failures`: in
    how many it failed; `lost_seconds`: how long it took to rerun it; None if nothing was measured. `message`: the most
    frequent one. `statuses`: in the last runs of the main branch, with the share of them that came out otherwise than
    the run before, or otherwise with a rerun.
    """

    project: str
    commits: int
    reruns: int
    failures: int
    lost_seconds: float | None
    message: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    statuses: list[Status | None]
    flip_rate: float | None


@dataclass(frozen=True, kw_only=True)
class FlakyDay:
    """The runs of a day (UTC): how many had a test that passed only after a rerun, and how many such there were."""

    day: date
    runs: int
    runs_touched: int
    reruns: int


@dataclass(frozen=True, kw_only=True)
class FlakyPage:
    """The flaky tests of the last 30 days; `flaky_tests`: how many there are, of which a part is listed.

    `new_tests`: those that were first seen within a week; `most_lost_seconds`: by one test. `days`: each of the 30
    and today.
    """

    project: str | None
    flaky_tests: int
    flaky_projects: int
    new_tests: int
    lost_seconds: float | None
    most_lost_seconds: float | None
    days: list[FlakyDay]
    tests: list[FlakyTest]
    known_projects: list[str]


def read(reading: Reading, inputs: Inputs) -> FlakyPage:
    """Raises NotRecorded."""
    project = find_project(reading, inputs.project) if inputs.project else None
    values = {
        "project_id": project.id if project else None,
        "days": DAYS,
        "new_days": _NEW_DAYS,
        "sort": inputs.sort,
        "limit": LISTED,
        "skip": inputs.skip,
    }
    rows = reading.records(_FLAKY, values)
    statuses = latest_outcomes(reading, [(row["branch_id"], row["series_id"], row["number"]) for row in rows], _HISTORY)
    total: dict[str, Any] = (
        rows[0] if rows else {"all_tests": 0, "all_projects": 0, "all_new": 0, "all_lost": None, "most_lost": None}
    )
    return FlakyPage(
        project=project.name if project else None,
        flaky_tests=total["all_tests"],
        flaky_projects=total["all_projects"],
        new_tests=total["all_new"],
        lost_seconds=total["all_lost"],
        most_lost_seconds=total["most_lost"],
        days=_days(reading, values),
        tests=[_test(row, last) for row, last in zip(rows, statuses, strict=True)],
        known_projects=project_names(reading),
    )


def _days(reading: Reading, values: dict[str, Any]) -> list[FlakyDay]:
    known = {day.day: day for day in reading.rows(FlakyDay, _RUNS_OF_DAYS, values)}
    every = (reading.now.astimezone(UTC).date() - timedelta(days=ago) for ago in reversed(range(DAYS + 1)))
    return [known.get(day) or FlakyDay(day=day, runs=0, runs_touched=0, reruns=0) for day in every]


def _test(row: dict[str, Any], statuses: list[Status | None]) -> FlakyTest:
    told = {field.name: row[field.name] for field in fields(FlakyTest) if field.name in row}
    ran = sum(status not in (None, "skipped") for status in statuses)
    return FlakyTest(**told, statuses=statuses, flip_rate=flips(statuses) / ran if ran else None)
