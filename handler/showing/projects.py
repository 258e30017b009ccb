"""All projects: which of them fail on their main branch, and since when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from handler.showing.branches import RUNS, Build, builds_of
from handler.showing.models import RunSummary
from handler.showing.reading import Reading
from handler.showing.uploads import Upload, select_uploads

# Projects of a page; builds of a trend, and runs that are looked at for it; uploads.
LISTED, _TREND, _LOOKED_AT, _UPLOADS = 100, 30, 60, 12

# As the view project_summary has them, but that a test which fails in several series is one.
_PROJECTS = f"""
    select project.name as project, branch.name as main_branch,
           (select count(distinct number) from history.failing
            where branch_id = branch.id and last_run >= (select history.key_of(now() - interval '30 days'))
           ) as failing_tests,
           (select count(*) from history.flaky(project.id, history.key_of(now() - interval '30 days'))) as flaky_tests
    from history.project
    left join history.branch on branch.id = history.main_branch(project.id)
    where %(after)s::text is null or project.name > %(after)s
    order by project.name
    limit {LISTED + 1}
"""  # noqa: S608 - of constants alone

# Of each branch, the run with which most recently a test began to fail.
_BROKEN = """
    select project.name as project, count(*) as tests, run.event_id as run_id, run.commit,
           history.time_of(run.id) as since
    from (
        select branch_id, since_run, max(since_run) over (partition by branch_id) as latest
        from history.failing
        where last_run >= (select history.key_of(now() - interval '30 days'))
    ) as failing
    join history.run on run.id = latest
    join history.project on project.id = run.project_id
    where since_run = latest and project.name = any(%s) and failing.branch_id = history.main_branch(project.id)
    group by project.name, run.id
"""

_RUNS_OF_MAIN = f"""
    select latest.*
    from history.project
    cross join lateral (
        {RUNS}
        where branch_id = history.main_branch(project.id)
        order by run.id desc
        limit {_LOOKED_AT}
    ) as latest
    where project.name = any(%s)
"""  # noqa: S608 - of constants alone


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`after`: the project with which the page before this one ended."""

    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class Broken:
    """The run with which most recently tests of the main branch began to fail, and how many of those."""

    tests: int
    run_id: UUID
    commit: str | None
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Project:
    """How a project does on its main branch; `flaky_tests` are those of all branches.

    `trend`: its last builds there, the oldest first.
    """

    project: str
    main_branch: str | None
    failing_tests: int
    flaky_tests: int
    broken: Broken | None
    trend: list[Build]

    @property
    def fails(self) -> bool:
        """Whether tests fail now, or did in the latest build, which may be too long ago to count as now."""
        return self.failing_tests > 0 or (bool(self.trend) and self.trend[-1].bad > 0)


@dataclass(frozen=True, kw_only=True)
class ProjectsPage:
    """A page of projects by name, and the latest uploads of all. `has_more`: whether there is a page after it."""

    projects: list[Project]
    has_more: bool
    uploads: list[Upload]


@dataclass(frozen=True, kw_only=True)
class _Counts:
    project: str
    main_branch: str | None
    failing_tests: int
    flaky_tests: int


def read(reading: Reading, inputs: Inputs) -> ProjectsPage:
    found = reading.rows(_Counts, _PROJECTS, {"after": inputs.after})
    shown = found[:LISTED]
    names = [counts.project for counts in shown]
    broken = {row.pop("project"): Broken(**row) for row in reading.records(_BROKEN, [names])}
    trends = _trends(reading.rows(RunSummary, _RUNS_OF_MAIN, [names]))
    return ProjectsPage(
        projects=[
            Project(
                project=counts.project,
                main_branch=counts.main_branch,
                failing_tests=counts.failing_tests,
                flaky_tests=counts.flaky_tests,
                broken=broken.get(counts.project),
                trend=trends[counts.project],
            )
            for counts in shown
        ],
        has_more=len(found) > LISTED,
        uploads=select_uploads(reading, "order by uploaded_at desc, upload.event_id desc", {"limit": _UPLOADS}),
    )


def _trends(runs: Sequence[RunSummary]) -> defaultdict[str, list[Build]]:
    of_projects: defaultdict[str, list[RunSummary]] = defaultdict(list)
    for run in runs:
        of_projects[run.project].append(run)
    trends: defaultdict[str, list[Build]] = defaultdict(list)
    trends |= {
        project: builds_of(sorted(of_project, key=lambda run: run.uploaded_at, reverse=True), _TREND)
        for project, of_project in of_projects.items()
    }
    return trends
