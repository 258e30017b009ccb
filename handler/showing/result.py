"""One test in one run: all that the report says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from handler.showing.branches import RUNS
from handler.showing.keys import find_run, latest_runs
from handler.showing.models import RunReference, RunSummary, Status, Test
from handler.showing.outcomes import failing_since, outcomes
from handler.showing.reading import NotRecorded, Reading

# Runs whose outcomes are shown.
_HISTORY = 30

_RESULT = """
    select test_id, file, test.suite, classname, name, variant, status::text, attempts, duration_seconds, line, type,
           message, details, result.system_out, result.system_err,
           coalesce(outcomes, '[]') as outcomes, coalesce(properties, '{}') as properties,
           coalesce(attachments, '{}') as attachments,
           suite_output.system_out as suite_system_out, suite_output.system_err as suite_system_err
    from result
    join test on test.id = test_id
    left join suite_output on (suite_output.run_id, suite_output.suite_number) = (result.run_id, result.suite_number)
    where result.run_id = %s and test_id = %s
"""
_NUMBER = "select number from history.test where id = %s"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The run and the test."""

    run_id: UUID
    test_id: UUID


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Why an attempt did not pass."""

    status: Status
    type: str | None = None
    message: str | None = None
    details: str | None = None
    system_out: str | None = None
    system_err: str | None = None


@dataclass(frozen=True, kw_only=True)
class Result(Test):
    """As the view `result` has it, with what its suite wrote outside its tests."""

    status: Status
    attempts: int
    duration_seconds: float | None
    line: int | None
    type: str | None
    message: str | None
    details: str | None
    system_out: str | None
    system_err: str | None
    outcomes: list[Outcome]
    properties: dict[str, str]
    attachments: list[str]
    suite_system_out: str | None
    suite_system_err: str | None


@dataclass(frozen=True, kw_only=True)
class ResultPage:
    """A result. `statuses`: in the runs of the branch up to this one.

    `since`: the run in which it began to fail; None if it did not, or if that is longer ago than the statuses reach.
    """

    run: RunSummary
    result: Result
    statuses: list[Status | None]
    since: RunReference | None


def read(reading: Reading, inputs: Inputs) -> ResultPage:
    """Raises NotRecorded."""
    known = find_run(reading, inputs.run_id)
    run = reading.row(RunSummary, f"{RUNS} where run.event_id = %s", [inputs.run_id])
    results = reading.records(_RESULT, [inputs.run_id, inputs.test_id])
    if run is None or not results:
        raise NotRecorded(f"The run {inputs.run_id} has no test {inputs.test_id}.")
    runs = latest_runs(reading, known, _HISTORY)
    [number] = reading.records(_NUMBER, [inputs.test_id])
    statuses = outcomes(reading, runs, [number["number"]])[number["number"]]
    since = failing_since(statuses, most=_HISTORY)
    return ResultPage(
        run=run,
        result=_result(results[0]),
        statuses=statuses,
        since=runs[since].reference if since is not None else None,
    )


def _result(row: dict[str, Any]) -> Result:
    return Result(**{**row, "outcomes": [Outcome(**outcome) for outcome in row["outcomes"]]})
