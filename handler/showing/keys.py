"""How the history names what a URL names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from handler.showing.models import RunReference
from handler.showing.reading import RETRY_AFTER, NotRecorded, Reading

_COLUMNS = """
    select run.id as key, run.project_id, branch_id, series_id, event_id as id, branch.name as branch, run.commit,
           history.time_of(run.id) as uploaded_at
    from history.run
    join history.branch on branch.id = branch_id
"""


@dataclass(frozen=True, kw_only=True)
class KnownRun:
    """A run with the keys of the history."""

    key: int
    project_id: int
    branch_id: int
    series_id: int
    id: UUID
    branch: str | None
    commit: str | None
    uploaded_at: Any

    @property
    def reference(self) -> RunReference:
        """As people know it."""
        return RunReference(id=self.id, branch=self.branch, commit=self.commit, uploaded_at=self.uploaded_at)


def find_run(reading: Reading, run_id: UUID) -> KnownRun:
    """Raises NotRecorded."""
    run = reading.row(KnownRun, f"{_COLUMNS} where event_id = %s", [run_id])
    if run is None:
        raise NotRecorded(f"There is no run {run_id}: it is not recorded yet, or no more.", retry_after=RETRY_AFTER)
    return run


def run_before(reading: Reading, run: KnownRun) -> KnownRun | None:
    """The run before on the branch, of the same series."""
    return reading.row(
        KnownRun,
        f"{_COLUMNS} where (branch_id, series_id) = (%s, %s) and run.id < %s order by run.id desc limit 1",
        [run.branch_id, run.series_id, run.key],
    )


def run_of_build_before(reading: Reading, run: KnownRun, build_url: str | None) -> KnownRun | None:
    """The run before on the branch, of the same series, that belongs to another build: commit and build URL."""
    return reading.row(
        KnownRun,
        f"""{_COLUMNS} join upload using (event_id)
            where (branch_id, series_id) = (%s, %s) and run.id < %s
              and (upload.commit is distinct from %s or build_url is distinct from %s)
            order by run.id desc limit 1""",
        [run.branch_id, run.series_id, run.key, run.commit, build_url],
    )


def run_after(reading: Reading, run: KnownRun) -> KnownRun | None:
    """The run after it on the branch, of the same series."""
    return reading.row(
        KnownRun,
        f"{_COLUMNS} where (branch_id, series_id) = (%s, %s) and run.id > %s order by run.id limit 1",
        [run.branch_id, run.series_id, run.key],
    )


def run_on_main_before(reading: Reading, run: KnownRun) -> KnownRun | None:
    """The latest run of the same series on the main branch until then; None for a run of that branch itself."""
    return reading.row(
        KnownRun,
        f"""{_COLUMNS} where branch_id = history.main_branch(%(project_id)s) and branch_id <> %(branch_id)s
            and series_id = %(series_id)s and run.id < %(key)s order by run.id desc limit 1""",
        {"project_id": run.project_id, "branch_id": run.branch_id, "series_id": run.series_id, "key": run.key},
    )


def latest_runs(reading: Reading, run: KnownRun, limit: int) -> list[KnownRun]:
    """This run and those before it on the branch, of the same series: the oldest first."""
    runs = reading.rows(
        KnownRun,
        f"{_COLUMNS} where (branch_id, series_id) = (%s, %s) and run.id <= %s order by run.id desc limit %s",
        [run.branch_id, run.series_id, run.key, limit],
    )
    return runs[::-1]


def runs_on_branch(reading: Reading, branch_id: int, limit: int) -> list[KnownRun]:
    """The last runs on a branch, of all series: the oldest first."""
    runs = reading.rows(KnownRun, f"{_COLUMNS} where branch_id = %s order by run.id desc limit %s", [branch_id, limit])
    return runs[::-1]
