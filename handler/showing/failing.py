"""What fails now, and since when: of all projects, or of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from handler.showing.branches import KnownProject, branches_in_use, find_project, project_names
from handler.showing.failures import same
from handler.showing.models import Status, Test
from handler.showing.reading import Reading

# Tests that are looked at to find equal failures: of each project where all are asked for, and in all of them; of one;
# and for the page of a project, which has more to tell.
_OF_EACH, _IN_ALL, _OF_ONE, _OF_A_PAGE = 100, 1_000, 2_000, 500
# Failures that are shown, and tests of each: where all projects are asked for, or more of one, and where one is.
_SHOWN, _SHOWN_OF_ONE = (8, 10), (100, 25)

# Of one project or of all. No branch can be called `*`: https://git-scm.com/docs/git-check-ref-format
_FAILING: LiteralString = """
    from history.branch
    join history.project on project.id = branch.project_id
    cross join lateral (
        select *
        from history.failing
        where branch_id = branch.id and last_run >= (select history.key_of(now() - interval '30 days'))
        {first}
    ) as failing
    where (%(project_id)s::integer is null or branch.project_id = %(project_id)s)
      and case when %(branch)s::text is null
               then branch.id in (select history.main_branch(project.id) from history.project)
               else %(branch)s = '*' or branch.name = %(branch)s end
"""

_TOTALS = f"""
    select project.name as project, count(distinct number) as failing_tests, count(*) as failures
    {_FAILING.format(first="")}
    group by project.id
    order by max(since_run) desc, project.name
"""

# Of twenty thousand failures on a branch the latest are found without bringing all into their order.
_LATEST = "order by since_run desc, series_id, number limit %(looked_at)s"
_TESTS = f"""
    with latest as materialized (
        select *
        from (
            select project.id as project_id, project.name as project, branch.name as branch, failing.*,
                   row_number() over (partition by project.id order by since_run desc, series_id, number) as nth
            {_FAILING.format(first=_LATEST)}
        ) as of_project
        where nth <= %(looked_at)s
        order by since_run desc, series_id, number
        limit %(in_all)s
    )
    select latest.project, latest.branch, test.id as test_id, test.file, test.suite, test.classname, test.name,
           test.variant, notable.status::text, texts.type, left(texts.message, 500) as message, latest.runs,
           since.event_id as first_failing_run_id, since.commit as first_failing_commit,
           history.time_of(since_run) as failing_since, history.time_of(last_passed_run) as last_passed_at
    from latest
    join history.test on (test.project_id, test.number) = (latest.project_id, latest.number)
    -- By its key for each, and not all runs for each: how few rows there are PostgreSQL cannot know.
    cross join lateral (select event_id, commit from history.run where id = since_run offset 0) as since
    join history.notable on (notable.run_id, notable.number) = (last_run, latest.number)
    left join history.texts on (texts.run_id, texts.number) = (last_run, latest.number)
    order by since_run desc, latest.series_id, latest.number
"""  # noqa: S608 - of constants


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Without `branch`, the main branch of each project; `*` is all branches."""

    project: str | None = None
    branch: str | None = None


@dataclass(frozen=True, kw_only=True)
class FailingTest(Test):
    """A test that fails now. `runs`: in how many it failed since."""

    status: Status
    runs: int
    last_passed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Breakage:
    """All tests that began to fail with one run, and fail with one message now. `tests`: the first of them.

    `runs`: in how many runs they failed since, at most; `last_passed_at`: when the last of them passed before.
    """

    branch: str | None
    type: str | None
    message: str | None
    status: Status
    count: int
    runs: int
    first_failing_run_id: UUID
    first_failing_commit: str | None
    failing_since: datetime
    last_passed_at: datetime | None
    tests: list[FailingTest]


@dataclass(frozen=True, kw_only=True)
class FailingProject:
    """What fails in a project, the latest breakage first.

    `failing_tests`: how many tests fail at all; `failures`: one for each branch and job in which one does.
    """

    project: str
    failing_tests: int
    failures: int
    breakages: list[Breakage]

    @property
    def more(self) -> int:
        """How many failures are in none of the breakages."""
        return self.failures - sum(breakage.count for breakage in self.breakages)


@dataclass(frozen=True, kw_only=True)
class FailingPage:
    """`projects`: those in which something fails. `known_projects` and `branches`: what can be asked for."""

    project: str | None
    failing_tests: int
    projects: list[FailingProject]
    main_branch: str | None
    branches: list[str]
    known_projects: list[str]

    @property
    def largest(self) -> tuple[str, Breakage]:
        """The project and the breakage with the most tests, and of these the latest."""
        found = ((each.project, breakage) for each in self.projects for breakage in each.breakages)
        return max(found, key=lambda pair: pair[1].count)


def read(reading: Reading, inputs: Inputs) -> FailingPage:
    """Raises NotRecorded."""
    project = find_project(reading, inputs.project) if inputs.project else None
    values = {
        "project_id": project and project.id,
        "branch": inputs.branch,
        "looked_at": _OF_ONE if project else _OF_EACH,
        "in_all": _OF_ONE if project else _IN_ALL,
    }
    totals = reading.records(_TOTALS, values)
    tests: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in reading.records(_TESTS, values) if totals else ():
        tests[row.pop("project")].append(row)
    most, most_tests = _SHOWN_OF_ONE if project else _SHOWN
    return FailingPage(
        project=project.name if project else None,
        failing_tests=sum(total["failing_tests"] for total in totals),
        projects=[
            FailingProject(**total, breakages=_breakages(tests[total["project"]], most_tests)[:most])
            for total in totals
        ],
        main_branch=project.main_branch if project else None,
        branches=branches_in_use(reading, project) if project else [],
        known_projects=project_names(reading),
    )


def failing_on(reading: Reading, project: KnownProject, branch: str | None) -> FailingProject | None:
    """What fails on a branch of a project, for None its main branch; None if nothing does."""
    values = {"project_id": project.id, "branch": branch, "looked_at": _OF_A_PAGE, "in_all": _OF_A_PAGE}
    totals = reading.records(_TOTALS, values)
    if not totals:
        return None
    return FailingProject(**totals[0], breakages=_breakages(reading.records(_TESTS, values), _SHOWN[1]))


def _breakages(tests: Sequence[dict[str, Any]], most_tests: int) -> list[Breakage]:
    """`tests`: those that began to fail last first; `most_tests`: how many of a breakage are named."""
    groups: defaultdict[object, list[dict[str, Any]]] = defaultdict(list)
    for test in tests:
        groups[test["first_failing_run_id"], test["status"], same(test["type"], test["message"])].append(test)
    of_all = ("branch", "type", "message", "status", "first_failing_run_id", "first_failing_commit", "failing_since")
    of_each = ("test_id", "file", "suite", "classname", "name", "variant", "status", "runs", "last_passed_at")
    return [
        Breakage(
            **{name: group[0][name] for name in of_all},
            count=len(group),
            runs=max(test["runs"] for test in group),
            last_passed_at=max((test["last_passed_at"] for test in group if test["last_passed_at"]), default=None),
            tests=[FailingTest(**{name: test[name] for name in of_each}) for test in group[:most_tests]],
        )
        for group in groups.values()
    ]
