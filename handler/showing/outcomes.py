"""How tests came out in the runs up to a moment: what a sparkline shows."""

from __future__ import annotations

from collections.abc import Sequence

from handler.showing.keys import KnownRun
from handler.showing.models import Status
from handler.showing.reading import Reading

# The bits of a run are unpacked once for all tests that are looked for.
_OUTCOMES = """
    with latest as materialized (
        select plane.run_id, good || '' as good, bad || '' as bad, skipped || '' as skipped, flaky, error
        from history.plane
        where run_id = any(%(runs)s)
    )
    select number, array_agg(
        case when history.has(good, number) then case when number = any(flaky) then 'flaky' else 'passed' end
             when history.has(bad, number) then case when number = any(error) then 'error' else 'failed' end
             when history.has(skipped, number) then 'skipped' end
        order by run_id
    ) as statuses
    from unnest(%(numbers)s::integer[]) as number
    cross join latest
    group by number
"""

BAD = ("failed", "error")


def outcomes(reading: Reading, runs: Sequence[KnownRun], numbers: Sequence[int]) -> dict[int, list[Status | None]]:
    """Of each test, by its number, its outcomes in these runs of its project; None where it did not take part.

    `runs`: the oldest first.
    """
    rows = reading.records(_OUTCOMES, {"runs": [run.key for run in runs], "numbers": list(numbers)})
    return {row["number"]: row["statuses"] for row in rows}


def failing_since(statuses: Sequence[Status | None]) -> int | None:
    """The index of the outcome with which the failures at the end began; None if the last one was none.

    Being skipped, or not there, is no outcome.
    """
    first = None
    for index in reversed(range(len(statuses))):
        if statuses[index] in BAD:
            first = index
        elif statuses[index] in ("passed", "flaky"):
            break
    return first


def pass_rate(statuses: Sequence[Status | None]) -> float | None:
    """Passed and flaky of the runs in which it ran; None if it ran in none."""
    ran = [status for status in statuses if status not in (None, "skipped")]
    return sum(status not in BAD for status in ran) / len(ran) if ran else None


def flips(statuses: Sequence[Status | None]) -> int:
    """In how many runs it came out otherwise than the time before, or otherwise with a rerun."""
    ran = [status for status in statuses if status not in (None, "skipped")]
    before = [ran[0] in BAD, *(status in BAD for status in ran[:-1])] if ran else []
    return sum(status == "flaky" or (status in BAD) != bad for status, bad in zip(ran, before, strict=True))
