"""A run: what failed, what of it is new, and all of its tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from handler.showing.comparison import Comparison, comparisons
from handler.showing.failures import Failure, failures
from handler.showing.keys import KnownRun, find_run, run_after, run_before
from handler.showing.models import RunReference, RunSummary, Status, Test
from handler.showing.reading import Reading

# Tests on a page of the list.
LISTED = 100
# Suites whose output is shown, and characters of it, from its end.
_OUTPUTS, _OUTPUT = 5, 2_000

_RUN = """
    select run_summary.*, upload.size, hostnames, properties,
           (select count(distinct other.series) from run_summary as other
            where other.project = run_summary.project and other.commit is not distinct from run_summary.commit
              and other.build_url is not distinct from run_summary.build_url
              and coalesce(other.commit, other.build_url) is not null) as build_reports
    from run_summary
    join run using (id)
    join upload on event_id = id
    where run_summary.id = %s
"""

_FLAKY = """
    select test.id as test_id, file, suite, classname, name, variant
    from history.notable
    join history.test on (project_id, test.number) = (%s, notable.number)
    where run_id = %s and status = 'flaky'
    order by test.number
    limit %s
"""

_TESTS = """
    with passed as materialized (
        -- Its bits are unpacked by themselves, or each row would carry all of them.
        select number
        from (select good || '' as good from history.plane where run_id = %(key)s offset 0) as plane
        cross join lateral generate_series(0, length(good) - 1) as number
        where get_bit(good, number) = 1
    ), duration as (
        select (tile * 256 + nth - 1)::integer as number, value as seconds
        from history.durations
        cross join lateral unnest(seconds) with ordinality as slot (value, nth)
        where run_id = %(key)s
    ), outcome as (
        select number, status
        from history.notable
        where run_id = %(key)s
        union all
        select number, 'passed'
        from passed
        where not exists (select from history.notable where run_id = %(key)s and notable.number = passed.number)
    ), listed as (
        select number, status, seconds, count(*) over () as matching
        from outcome
        left join duration using (number)
        {names}
        where (%(status)s::test_status is null or status = %(status)s) {which}
        order by {order}, number
        limit %(limit)s offset %(skip)s
    )
    select id as test_id, file, suite, classname, name, variant, status::text, seconds as duration_seconds,
           history.mean_seconds(project_id, number, today - 29, today) as mean_seconds, matching
    from listed
    join history.test using (number)
    cross join (select (now() at time zone 'UTC')::date as today) as day
    where project_id = %(project_id)s
    order by {order}, number
"""
# The names of twenty thousand tests are looked up only for an answer that they change.
_NAMES = "join (select * from history.test where project_id = %(project_id)s) as test using (number)"
_NAMED = """
    and position(lower(%(q)s collate pg_c_utf8) in search_text) > 0
"""

_SUITE_OUTPUTS = """
    select suite, right(system_out, %(limit)s) as system_out, right(system_err, %(limit)s) as system_err
    from suite_output
    where run_id = %(id)s
    order by suite_number
    limit %(outputs)s
"""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`status`, `q` (a part of the name), `sort` and `skip` are those of the list of tests."""

    run_id: UUID
    status: Status | None = None
    q: str | None = None
    sort: Literal["duration", "name"] = "duration"
    skip: int = 0


@dataclass(frozen=True, kw_only=True)
class Run(RunSummary):
    """The run itself. `size` in bytes.

    `build_reports`: of how many series its build has a report, this one included; 0 if the run names no build.
    """

    key: str
    size: int
    started_at: datetime | None
    incomplete_suites: int
    hostnames: list[str]
    properties: dict[str, str]
    build_reports: int


@dataclass(frozen=True, kw_only=True)
class ListedTest(Test):
    """A test of the list. `mean_seconds`: over today and the 29 days before (UTC)."""

    status: Status
    duration_seconds: float | None
    mean_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class SuiteOutput:
    """What a suite wrote outside its tests; of a long one the end."""

    suite: str | None
    system_out: str | None
    system_err: str | None


@dataclass(frozen=True, kw_only=True)
class RunPage:
    """A run, with the runs before and after it on its branch."""

    run: Run
    previous: RunReference | None
    next: RunReference | None
    comparisons: list[Comparison]
    flaky_tests: list[Test]
    failures: list[Failure]
    suite_outputs: list[SuiteOutput]
    tests: list[ListedTest]
    matching_tests: int


def read(reading: Reading, inputs: Inputs) -> RunPage:
    """Raises NotRecorded."""
    known = find_run(reading, inputs.run_id)
    run = reading.row(Run, _RUN, [inputs.run_id])
    assert run is not None  # noqa: S101 - it is known
    previous, next_ = run_before(reading, known), run_after(reading, known)
    tests, matching = _tests(reading, known, inputs)
    return RunPage(
        run=run,
        previous=previous.reference if previous else None,
        next=next_.reference if next_ else None,
        comparisons=comparisons(reading, known),
        flaky_tests=reading.rows(Test, _FLAKY, [known.project_id, known.key, LISTED]) if run.flaky else [],
        failures=failures(reading, known, previous) if run.bad else [],
        suite_outputs=reading.rows(SuiteOutput, _SUITE_OUTPUTS, {"id": run.id, "limit": _OUTPUT, "outputs": _OUTPUTS}),
        tests=tests,
        matching_tests=matching,
    )


def _tests(reading: Reading, run: KnownRun, inputs: Inputs) -> tuple[list[ListedTest], int]:
    """A page of the list, and how many tests the list has."""
    by_name = inputs.sort == "name"
    query = _TESTS.format(
        order="name" if by_name else "seconds desc nulls last",
        names=_NAMES if by_name or inputs.q else "",
        which=_NAMED if inputs.q else "",
    )
    rows = reading.records(
        query,
        {
            "key": run.key,
            "project_id": run.project_id,
            "status": inputs.status,
            "q": inputs.q,
            "skip": inputs.skip,
            "limit": LISTED,
        },
    )
    if not rows and inputs.skip:
        # Beyond the end of the list, no row says how long it is.
        return [], _tests(reading, run, replace(inputs, skip=0))[1]
    matching = rows[0]["matching"] if rows else 0
    return [ListedTest(**{name: row[name] for name in row if name != "matching"}) for row in rows], matching
