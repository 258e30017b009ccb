"""How tests came out in the runs up to a moment: what a sparkline shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from handler.showing.keys import KnownRun
from handler.showing.models import Status
from handler.showing.reading import Reading

_STATUS: LiteralString = """
    case when history.has(good, number) then case when number = any(flaky) then 'flaky' else 'passed' end
         when history.has(bad, number) then case when number = any(error) then 'error' else 'failed' end
         when history.has(skipped, number) then 'skipped' end
"""

# The bits of a run are unpacked once for all tests that are looked for.
_OUTCOMES = f"""
    with latest as materialized (
        select plane.run_id, good || '' as good, bad || '' as bad, skipped || '' as skipped, flaky, error
        from history.plane
        where run_id = any(%(runs)s)
    )
    select number, array_agg(status order by run_id) as statuses
    -- A row of its own, or the bit strings would be sorted.
    from (
        select number, run_id, {_STATUS} as status
        from unnest(%(numbers)s::integer[]) as number
        cross join latest
        offset 0
    ) as outcome
    group by number
"""  # noqa: S608 - of constants

_LATEST_OUTCOMES = f"""
    with wanted as (
        select *
        from unnest(%(branches)s::integer[], %(series)s::integer[], %(numbers)s::integer[])
             with ordinality as test (branch_id, series_id, number, nth)
    ), latest as materialized (
        select place.branch_id, place.series_id, run_id, good || '' as good, bad || '' as bad,
               skipped || '' as skipped, flaky, error
        from (select distinct branch_id, series_id from wanted) as place
        cross join lateral (
            (select id
             from history.run
             where (branch_id, series_id) = (place.branch_id, place.series_id)
             order by id desc
             limit %(runs)s)
            union all
            (select id
             from history.run
             where place.series_id is null and branch_id = place.branch_id
             order by id desc
             limit %(runs)s)
        ) as run
        join history.plane on run_id = run.id
    )
    select nth, array_agg(status order by run_id) as statuses
    from (
        select nth, run_id, {_STATUS} as status
        from wanted
        join latest on latest.branch_id = wanted.branch_id and latest.series_id is not distinct from wanted.series_id
        offset 0
    ) as outcome
    group by nth
"""  # noqa: S608 - of constants

BAD = ("failed", "error")
GOOD = ("passed", "flaky")


def outcomes(reading: Reading, runs: Sequence[KnownRun], numbers: Sequence[int]) -> dict[int, list[Status | None]]:
    """Of each test, by its number, its outcomes in these runs of its project; None where it did not take part.

    `runs`: the oldest first.
    """
    rows = reading.records(_OUTCOMES, {"runs": [run.key for run in runs], "numbers": list(numbers)})
    return {row["number"]: row["statuses"] for row in rows}


def latest_outcomes(
    reading: Reading, tests: Sequence[tuple[int, int | None, int]], runs: int
) -> list[list[Status | None]]:
    """Of each test its outcomes in the last runs of a branch and series, the oldest first.

    `tests`: for each, the keys of branch and series, or None for all series, and its number; `runs`: how many at most.
    """
    branches, series, numbers = (list(each) for each in zip(*tests, strict=True)) if tests else ([], [], [])
    values = {"branches": branches, "series": series, "numbers": numbers, "runs": runs}
    rows = {row["nth"]: row["statuses"] for row in reading.records(_LATEST_OUTCOMES, values)}
    return [rows.get(nth, []) for nth in range(1, len(tests) + 1)]


def failing_since(statuses: Sequence[Status | None], *, most: int) -> int | None:
    """The index of the outcome with which the failures at the end began. Being skipped, or not there, is no outcome.

    None if the last one was none, or if that may be longer ago than the `most` runs that are looked at: the test was
    there in the first of them, and passed in none.
    """
    first = None
    for index in reversed(range(len(statuses))):
        if statuses[index] in BAD:
            first = index
        elif statuses[index] in GOOD:
            return first
    return first if len(statuses) < most or statuses[0] is None else None


def pass_rate(statuses: Sequence[Status | None]) -> float | None:
    """Passed and flaky of the runs in which it ran; None if it ran in none."""
    ran = [status for status in statuses if status not in (None, "skipped")]
    return sum(status not in BAD for status in ran) / len(ran) if ran else None


def flips(statuses: Sequence[Status | None]) -> int:
    """In how many runs it came out otherwise than the time before, or otherwise with a rerun."""
    ran = [status for status in statuses if status not in (None, "skipped")]
    before = [ran[0] in BAD, *(status in BAD for status in ran[:-1])] if ran else []
    return sum(status == "flaky" or (status in BAD) != bad for status, bad in zip(ran, before, strict=True))
