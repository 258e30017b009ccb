"""A project with its branches, and the builds of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from handler.showing.models import RunSummary, Totals
from handler.showing.reading import NotRecorded, Reading

# Runs that are looked at for the branches that are in use, and for the builds of a trend.
_LOOKED_AT = 400

_PROJECT = """
    select project.id, project.name, branch.id as main_branch_id, branch.name as main_branch
    from history.project
    left join history.branch on branch.id = history.main_branch(project.id)
    where project.name = %s
"""
_BRANCH = "select id from history.branch where project_id = %s and name = %s"
_BRANCHES = """
    select branch.name
    from (select branch_id, max(id) as latest
          from (select branch_id, id from history.run where project_id = %s order by id desc limit %s) as run
          group by branch_id) as used
    join history.branch on branch.id = branch_id
    where branch.name is not null
    order by latest desc
"""
# Not of the view run_summary, which knows no keys.
RUNS = """
    select run.event_id as id, upload.project, series.name as series, upload.branch, upload.commit, upload.build_url,
           upload.uploaded_at, duration_seconds, tests, passed, failed, error, skipped, flaky
    from history.run
    join upload on upload.event_id = run.event_id
    join history.series on series.id = series_id
"""


@dataclass(frozen=True, kw_only=True)
class KnownProject:
    """A project with the keys of the history. `main_branch` is None as long as nothing ran there."""

    id: int
    name: str
    main_branch_id: int | None
    main_branch: str | None


@dataclass(frozen=True, kw_only=True)
class Build(Totals):
    """A build on a branch: the sum of its runs, of each series the latest. `id` is that of its last run."""

    id: UUID
    commit: str | None
    build_url: str | None
    uploaded_at: datetime
    duration_seconds: float
    runs: int


def find_project(reading: Reading, name: str) -> KnownProject:
    """Raises NotRecorded."""
    project = reading.row(KnownProject, _PROJECT, [name])
    if project is None:
        raise NotRecorded(
            f"There is no project {name[:100]!r}: nothing was uploaded for it yet, or no report was read."
        )
    return project


def find_branch(reading: Reading, project: KnownProject, name: str | None) -> tuple[str | None, int | None]:
    """The name and the key of this branch, or of the main branch for None; the key is None if nothing ran there."""
    if name is None or name == project.main_branch:
        return project.main_branch, project.main_branch_id
    row = reading.records(_BRANCH, [project.id, name])
    return name, row[0]["id"] if row else None


def project_names(reading: Reading) -> list[str]:
    """Of the first projects by name, as many as a person would choose from."""
    return [row["name"] for row in reading.records("select name from history.project order by name limit 500")]


def builds(reading: Reading, branch_id: int, limit: int) -> list[Build]:
    """The last builds on a branch, the oldest first."""
    runs = reading.rows(
        RunSummary, f"{RUNS} where branch_id = %s order by run.id desc limit %s", [branch_id, _LOOKED_AT]
    )
    return builds_of(runs, limit)


def builds_of(runs: Sequence[RunSummary], limit: int) -> list[Build]:
    """The last builds that these runs of a branch make, the oldest first; the latest run comes first.

    A run that names neither commit nor build is one by itself.
    """
    found: dict[object, dict[str, RunSummary]] = {}
    for run in runs:
        key = (run.commit, run.build_url) if run.commit or run.build_url else run.id
        if key not in found and len(found) == limit:
            break
        found.setdefault(key, {}).setdefault(run.series, run)
    return [_build(list(of_series.values())) for of_series in reversed(found.values())]


def _build(runs: list[RunSummary]) -> Build:
    """`runs`: the latest first."""
    return Build(
        id=runs[0].id,
        commit=runs[0].commit,
        build_url=runs[0].build_url,
        uploaded_at=runs[0].uploaded_at,
        duration_seconds=sum(run.duration_seconds or 0 for run in runs),
        runs=len(runs),
        **{field.name: sum(getattr(run, field.name) for run in runs) for field in fields(Totals)},
    )


def branches_in_use(reading: Reading, project: KnownProject) -> list[str]:
    """Branches of the project's latest runs, the one that ran last first."""
    return [row["name"] for row in reading.records(_BRANCHES, [project.id, _LOOKED_AT])]
