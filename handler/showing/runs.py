"""The runs of a project, or of all: the latest first, a page after the other by key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from uuid import UUID

from handler.showing.branches import RUNS, branches_in_use, find_project
from handler.showing.keys import find_run
from handler.showing.models import RunSummary
from handler.showing.reading import Reading

# Runs of a page.
LISTED = 50

_LIST = f"""
    {RUNS}
    where (%(project)s::integer is null or run.project_id = %(project)s)
      and (%(branch)s::text is null or upload.branch = %(branch)s)
      and (%(commit)s::text is null or starts_with(upload.commit, %(commit)s))
      and (%(series)s::text is null or series.name = %(series)s)
      and (%(outcome)s::text is null or (failed + error > 0) = (%(outcome)s = 'failed'))
      and (%(since)s::timestamptz is null or run.id >= history.key_of(%(since)s))
      and (%(until)s::timestamptz is null or run.id < history.key_of(%(until)s))
      and (%(before)s::bigint is null or run.id < %(before)s)
    order by run.id desc
    limit {LISTED + 1}
"""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`commit`: its beginning is enough. `since` and `until`: days (UTC), both included.

    `outcome`: whether a test failed. `before`: the run with which the page before this one ended.
    """

    project: str | None = None
    branch: str | None = None
    commit: str | None = None
    series: str | None = None
    outcome: Literal["passed", "failed"] | None = None
    since: date | None = None
    until: date | None = None
    before: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class RunsPage:
    """A page of runs. `branches`: those of the project's latest runs; `has_more`: whether there is a page after it."""

    project: str | None
    branches: list[str]
    runs: list[RunSummary]
    has_more: bool


def read(reading: Reading, inputs: Inputs) -> RunsPage:
    """Raises NotRecorded."""
    project = find_project(reading, inputs.project) if inputs.project else None
    runs = reading.rows(
        RunSummary,
        _LIST,
        {
            "project": project.id if project else None,
            "branch": inputs.branch,
            "commit": inputs.commit,
            "series": inputs.series,
            "outcome": inputs.outcome,
            "since": _midnight(inputs.since),
            "until": _midnight(inputs.until, days=1),
            "before": find_run(reading, inputs.before).key if inputs.before else None,
        },
    )
    return RunsPage(
        project=project.name if project else None,
        branches=branches_in_use(reading, project) if project else [],
        runs=runs[:LISTED],
        has_more=len(runs) > LISTED,
    )


def _midnight(day: date | None, *, days: int = 0) -> datetime | None:
    """The beginning of the day that is so many days later."""
    return datetime.combine(day + timedelta(days=days), time.min, UTC) if day else None
