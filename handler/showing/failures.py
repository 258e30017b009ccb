"""What failed in a run: tests that failed with one message are one failure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handler.showing.keys import KnownRun, latest_runs
from handler.showing.models import RunReference, Status, Test
from handler.showing.outcomes import failing_since, outcomes
from handler.showing.reading import Reading

# Tests that are looked at to find equal failures; failures, and tests of each, that are shown; runs of their history.
_LOOKED_AT, _FAILURES, _TESTS, RUNS = 1_000, 20, 10, 30
# Characters of a stack trace on the page of a run, and of all of them; the page of the result has the whole.
_TRACE, _TRACES = 6_000, 120_000

# What varies from run to run in the same message: identifiers, addresses, numbers.
_VARYING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|0x[0-9a-f]+|\b[0-9a-f]{12,}\b|\d+", re.IGNORECASE
)
# Characters of a message that tell it from others.
_TELLING = 500

_FAILED = """
    -- First by themselves: what the planner does not know of a new run cannot make it read all texts for each test.
    with failed as materialized (
        select run_id, number, status, attempts
        from history.notable
        where run_id = %(key)s and status >= 'failed'
        order by number
        limit %(limit)s
    ), base as materialized (
        -- Its bits are unpacked once, and not for each test.
        select bad || '' as bad from history.plane where run_id = %(base)s
    )
    select failed.number, test.id as test_id, test.file, test.suite, test.classname, test.name, test.variant,
           failed.status::text, failed.attempts, seconds[failed.number %% 256 + 1] as duration_seconds,
           type, left(message, 1000) as message, not history.has(base.bad, failed.number) as is_new
    from failed
    join history.test on (test.project_id, test.number) = (%(project_id)s, failed.number)
    left join history.texts on (texts.run_id, texts.number) = (failed.run_id, failed.number)
    left join history.durations on (durations.run_id, tile) = (failed.run_id, failed.number / 256)
    left join base on true
    order by failed.number
"""

_TRACE_OF = """
    select number, case when length(details) <= %(limit)s then details
                        else left(details, %(half)s) || E'\n[…]\n' || right(details, %(half)s) end as details
    from history.texts
    where run_id = %(key)s and number = any(%(numbers)s) and details is not null
"""


@dataclass(frozen=True, kw_only=True)
class FailedTest(Test):
    """A test that did not pass. `details`: of a long one the beginning and the end; None if there is no room.

    `is_new`: it did not fail in the run before; None if there is none. `statuses`: in the runs up to this one.
    """

    status: Status
    duration_seconds: float | None
    attempts: int
    type: str | None
    message: str | None
    details: str | None
    is_new: bool | None
    statuses: list[Status | None]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """All tests of a run that failed with one message. `new`: how many of them did not fail in the run before.

    `since`: the run in which the first of them began to fail; None if that is longer ago than the statuses reach.
    """

    type: str | None
    message: str | None
    status: Status
    count: int
    new: int
    since: RunReference | None
    tests: list[FailedTest]


def same(kind: str | None, message: str | None) -> str:
    """The type and message of a failure without what varies: equal for those that are one failure."""
    return _VARYING.sub("#", f"{kind or ''}\n{(message or '')[:_TELLING]}")


def failures(reading: Reading, run: KnownRun, base: KnownRun | None) -> list[Failure]:
    """The failures of a run, those first that are new and that have most tests. `base`: the run before."""
    values = {"key": run.key, "project_id": run.project_id, "base": base and base.key, "limit": _LOOKED_AT}
    groups: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in reading.records(_FAILED, values):
        groups[row["status"], same(row["type"], row["message"])].append(row)
    ordered = sorted(groups.values(), key=lambda tests: (-_new(tests), -len(tests)))[:_FAILURES]
    numbers = [test["number"] for tests in ordered for test in tests[:_TESTS]]
    runs = latest_runs(reading, run, RUNS)
    statuses = outcomes(reading, runs, numbers)
    details = _details(reading, run, numbers)
    return [
        Failure(
            type=tests[0]["type"],
            message=tests[0]["message"],
            status=tests[0]["status"],
            count=len(tests),
            new=_new(tests),
            since=_since(runs, [statuses[test["number"]] for test in tests[:_TESTS]]),
            tests=[_failed_test(test, statuses, details) for test in tests[:_TESTS]],
        )
        for tests in ordered
    ]


def _new(tests: Sequence[dict[str, Any]]) -> int:
    return sum(test["is_new"] is True for test in tests)


def _since(runs: Sequence[KnownRun], statuses: Sequence[Sequence[Status | None]]) -> RunReference | None:
    known = [index for each in statuses if (index := failing_since(each, most=RUNS)) is not None]
    return runs[min(known)].reference if len(known) == len(statuses) else None


def _details(reading: Reading, run: KnownRun, numbers: Sequence[int]) -> dict[int, str]:
    """The stack traces of the first of these tests, as many as there is room for."""
    room = _TRACES // _TRACE
    values = {"key": run.key, "numbers": list(numbers[:room]), "limit": _TRACE, "half": _TRACE // 2}
    return {row["number"]: row["details"] for row in reading.records(_TRACE_OF, values)}


def _failed_test(test: dict[str, Any], statuses: dict[int, list[Status | None]], details: dict[int, str]) -> FailedTest:
    number = test["number"]
    fields = {name: value for name, value in test.items() if name != "number"}
    return FailedTest(**fields, statuses=statuses[number], details=details.get(number))
