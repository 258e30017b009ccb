"""A run: what failed, what of it is new, and all of its tests."""

from __future__ import annotations

from dataclasses import dataclass
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
           (select count(*) from run_summary as other
            where other.project = run_summary.project and other.commit is not distinct from run_summary.commit
              and other.build_url is not distinct from run_summary.build_url) as build_runs
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
    with plane as materialized (
        select good || '' as good, bad || '' as bad, skipped || '' as skipped, flaky, error
        from history.plane
        where run_id = %(key)s
    ), outcome as (
        select number, 'passed' as status from plane cross join lateral history.numbers(good) as number
        where not exists (select from unnest(flaky) as other where other = number)
        union all
        select unnest(flaky), 'flaky' from plane
        union all
        select number, 'failed' from plane cross join lateral history.numbers(bad) as number
        where not exists (select from unnest(error) as other where other = number)
        union all
        select unnest(error), 'error' from plane
        union all
        select history.numbers(skipped), 'skipped' from plane
    ), duration as (
        select tile * 256 + nth - 1 as number, value as seconds
        from history.durations
        cross join lateral unnest(seconds) with ordinality as slot (value, nth)
        where run_id = %(key)s
    ), listed as (
        select test.*, status, seconds, count(*) over () as matching
        from outcome
        join history.test on (project_id, test.number) = (%(project_id)s, outcome.number)
        left join duration on duration.number = outcome.number
        where (%(status)s::text is null or status = %(status)s)
          and (%(q)s::text is null
               or position(lower(%(q)s collate pg_c_utf8)
                           in history.search_text(file, suite, classname, name, variant)) > 0)
        order by case when %(sort)s = 'duration' then seconds end desc nulls last,
                 case when %(sort)s = 'name' then name end, test.number
        limit %(limit)s offset %(skip)s
    )
    select id as test_id, file, suite, classname, name, variant, status, seconds as duration_seconds,
           history.mean_seconds(project_id, number, current_date - 29, current_date) as mean_seconds, matching
    from listed
    order by case when %(sort)s = 'duration' then seconds end desc nulls last,
             case when %(sort)s = 'name' then name end, number
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
    """The run itself. `build_runs`: how many runs its build has, this one included; `size` in bytes."""

    key: str
    size: int
    started_at: datetime | None
    incomplete_suites: int
    hostnames: list[str]
    properties: dict[str, str]
    build_runs: int


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
    rows = reading.records(
        _TESTS,
        {
            "key": run.key,
            "project_id": run.project_id,
            "status": inputs.status,
            "q": inputs.q,
            "sort": inputs.sort,
            "skip": inputs.skip,
            "limit": LISTED,
        },
    )
    matching = rows[0]["matching"] if rows else 0
    return [ListedTest(**{name: row[name] for name in row if name != "matching"}) for row in rows], matching
