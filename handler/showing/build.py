"""A build: its reports, the sum of them, and what is new in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from handler.showing.branches import RUNS
from handler.showing.comparison import Comparison, comparison
from handler.showing.inputs import BadInput
from handler.showing.keys import find_run, run_of_build_before
from handler.showing.models import RunSummary, Totals
from handler.showing.reading import RETRY_AFTER, NotRecorded, Reading

# Reports of a build that are shown, those first that failed; a matrix has some dozens. And how many of them are held
# against the build before.
_REPORTS, _COMPARED = 200, 30

_BUILD = f"""
    select *
    from (
        select distinct on (series) *
        from ({RUNS}
              where upload.project = %(project)s and upload.commit is not distinct from %(commit)s
                and upload.build_url is not distinct from %(build_url)s) as run
        order by series, uploaded_at desc, id
    ) as latest
    order by failed + error desc, series
    limit {_REPORTS}
"""  # noqa: S608 - of constants alone


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """A build is a project's commit and build URL, as far as both are known."""

    project: str
    commit: str | None = None
    build_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """A run of the build, the latest of its series; and against the last one of that series in another build."""

    run: RunSummary
    comparison: Comparison | None


@dataclass(frozen=True, kw_only=True)
class BuildPage:
    """The build, with the sum of its reports. `duration_seconds`: of all together, however they ran."""

    project: str
    branch: str | None
    commit: str | None
    build_url: str | None
    first_uploaded_at: datetime
    last_uploaded_at: datetime
    duration_seconds: float
    totals: Totals
    reports: list[Report]


def read(reading: Reading, inputs: Inputs) -> BuildPage:
    """Raises BadInput and NotRecorded."""
    if not (inputs.commit or inputs.build_url):
        raise BadInput("commit and build_url are missing: a build is known by one of them, or both.")
    values = {"project": inputs.project, "commit": inputs.commit, "build_url": inputs.build_url}
    runs = reading.rows(RunSummary, _BUILD, values)
    if not runs:
        raise NotRecorded(
            "There is no such build: none of its reports is recorded yet, or none any more.", retry_after=RETRY_AFTER
        )
    return BuildPage(
        project=runs[0].project,
        branch=runs[0].branch,
        commit=inputs.commit,
        build_url=inputs.build_url,
        first_uploaded_at=min(run.uploaded_at for run in runs),
        last_uploaded_at=max(run.uploaded_at for run in runs),
        duration_seconds=sum(run.duration_seconds or 0 for run in runs),
        totals=_sum(runs),
        reports=[
            Report(run=run, comparison=_comparison(reading, run) if index < _COMPARED else None)
            for index, run in enumerate(runs)
        ],
    )


def _comparison(reading: Reading, run: RunSummary) -> Comparison | None:
    known = find_run(reading, run.id)
    base = run_of_build_before(reading, known, run.build_url)
    return comparison(reading, known, base, "previous") if base else None


def _sum(runs: Sequence[RunSummary]) -> Totals:
    return Totals(**{field.name: sum(getattr(run, field.name) for run in runs) for field in fields(Totals)})
