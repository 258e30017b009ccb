"""The tests of a project that cannot be relied on, as a list that a runner can go by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from handler.showing.branches import find_branch, find_project
from handler.showing.models import Test
from handler.showing.reading import Reading

# Tests of a list, and characters of their names: in JSON these are less than Lambda takes.
_TESTS, _NAMES = 2_000, 1_500_000

_TROUBLED = """
    with failing as (
        select number, min(since_run) as since_run
        from history.failing
        where branch_id = %(branch)s and last_run >= (select history.key_of(now() - interval '30 days'))
        group by number
    ), troubled as (
        select number, since_run, commits, reruns, last_run
        from failing
        full join history.flaky(%(project)s, history.key_of(now() - interval '30 days')) as flaky using (number)
    ), named as (
        select test.number, test.id as test_id, file, suite, classname, name, variant,
               array_remove(array[case when since_run is not null then 'failing' end,
                                  case when last_run is not null then 'flaky' end], null) as reasons,
               since_run, coalesce(commits, 0) as flaky_commits, coalesce(reruns, 0) as flaky_reruns,
               history.time_of(last_run) as last_flaky_at, count(*) over () as count,
               sum(length(concat(file, suite, classname, name, variant))) over (order by test.number) as characters
        from troubled
        join history.test on (project_id, test.number) = (%(project)s, troubled.number)
    )
    select test_id, file, suite, classname, name, variant, reasons, history.time_of(since_run) as failing_since,
           run.commit as first_failing_commit, flaky_commits, flaky_reruns, last_flaky_at, count
    from named
    left join history.run on run.id = since_run
    where characters <= %(names)s
    order by number
    limit %(tests)s
"""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`branch`: on which tests fail, if it is another one than the main branch. They are flaky on any."""

    project: str
    branch: str | None = None


@dataclass(frozen=True, kw_only=True)
class QuarantinedTest(Test):
    """A test that fails on the branch, is flaky, or both: as the views failing_tests and flaky_tests have it.

    `flaky_commits`: on how many its outcome changed in the last 30 days; `flaky_reruns`: in how many runs it passed
    only after a rerun.
    """

    reasons: list[Literal["failing", "flaky"]]
    failing_since: datetime | None
    first_failing_commit: str | None
    flaky_commits: int
    flaky_reruns: int
    last_flaky_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Quarantine:
    """`count`: how many tests there are; with very many of them, not all are in the list."""

    project: str
    branch: str | None
    count: int
    tests: list[QuarantinedTest]


def read(reading: Reading, inputs: Inputs) -> Quarantine:
    """Raises NotRecorded."""
    project = find_project(reading, inputs.project)
    branch, branch_id = find_branch(reading, project, inputs.branch)
    values = {"project": project.id, "branch": branch_id, "tests": _TESTS, "names": _NAMES}
    rows = reading.records(_TROUBLED, values)
    counts = [row.pop("count") for row in rows]
    return Quarantine(
        project=project.name,
        branch=branch,
        count=max(counts, default=0),
        tests=[QuarantinedTest(**row) for row in rows],
    )
