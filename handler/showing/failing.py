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

# No branch can have this name: https://git-scm.com/docs/git-check-ref-format
ALL_BRANCHES = "*"

# Tests of a project that are looked at to find equal failures, and of all of them; failures that are shown, and tests of
# each: where all projects are asked for, and where one is.
_LOOKED_AT, _LOOKED_AT_OF_ONE = 500, 2_000
_IN_ALL = 4_000
_SHOWN, _SHOWN_OF_ONE = 10, 100
_TESTS = 50

_BRANCHES: dict[str, LiteralString] = {
    "main": "branch.id in (select history.main_branch(project.id) from history.project)",
    "all": "true",
    "one": "branch.name = %(branch)s",
}

_FAILING: LiteralString = """
    from history.branch
    join history.project on project.id = branch.project_id
    join history.failing on failing.branch_id = branch.id
    where (%(project_id)s::integer is null or branch.project_id = %(project_id)s)
      and last_run >= history.key_of(now() - interval '30 days')
      and """

_TOTALS = "select project.name as project, count(distinct number) as failing_tests"

_TESTS_OF = """
    with failing as materialized (
        select *
        from (
            select project.id as project_id, project.name as project, branch.name as branch, failing.*,
                   row_number() over (partition by project.id order by since_run desc, series_id, number) as nth
            {failing}
        ) as of_project
        where nth <= %(looked_at)s
        order by since_run desc, series_id, number
        limit %(in_all)s
    )
    select failing.project, failing.branch, test.id as test_id, test.file, test.suite, test.classname, test.name,
           test.variant, notable.status::text, texts.type, left(texts.message, 500) as message, failing.runs,
           since.event_id as first_failing_run_id, since.commit as first_failing_commit,
           history.time_of(failing.since_run) as failing_since,
           history.time_of(failing.last_passed_run) as last_passed_at
    from failing
    join history.test on (test.project_id, test.number) = (failing.project_id, failing.number)
    join history.run as since on since.id = failing.since_run
    join history.notable on (notable.run_id, notable.number) = (failing.last_run, failing.number)
    left join history.texts on (texts.run_id, texts.number) = (failing.last_run, failing.number)
    order by failing.since_run desc, failing.series_id, failing.number
"""
