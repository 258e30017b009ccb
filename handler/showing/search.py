"""Tests by words of their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from handler.showing.branches import find_project, project_names
from handler.showing.models import Status, Test
from handler.showing.names import MATCHES, patterns
from handler.showing.outcomes import latest_outcomes
from handler.showing.reading import Reading

# Tests that are shown: of each project where all are asked for, and in all; runs of a sparkline.
_OF_EACH, _IN_ALL, _HISTORY = 20, 100, 30

# Of each project the first, and no more are looked for: nearly all may match.
_FOUND = f"""
    with asked as materialized (
        select id, name, history.main_branch(id) as main_branch_id
        from history.project
        where %(project_id)s::integer is null or id = %(project_id)s
        order by name
    )
    select asked.name as project, main_branch_id, found.*
    from asked
    cross join lateral (
        select number, test.id as test_id, file, suite, classname, test.name, variant
        from history.test
        where project_id = asked.id and {MATCHES}
        order by number
        limit %(of_each)s
    ) as found
    limit %(in_all)s
"""  # noqa: S608 - of constants


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`q`: words, which all must stand in the names of a test, in whatever order."""

    q: str | None = None
    project: str | None = None


@dataclass(frozen=True, kw_only=True)
class FoundTest(Test):
    """`status`: the last of `statuses`, which it had in the last runs of the main branch; None if it was in none."""

    status: Status | None
    statuses: list[Status]


@dataclass(frozen=True, kw_only=True)
class FoundIn:
    """The tests of a project that match. `has_more`: more than these do."""

    project: str
    tests: list[FoundTest]
    has_more: bool


@dataclass(frozen=True, kw_only=True)
class SearchPage:
    """`has_more`: there may be more projects in which a test matches."""

    project: str | None
    found: list[FoundIn]
    has_more: bool
    known_projects: list[str]


def read(reading: Reading, inputs: Inputs) -> SearchPage:
    """Raises NotRecorded and BadInput."""
    project = find_project(reading, inputs.project) if inputs.project else None
    most = _IN_ALL if project else _OF_EACH
    rows = []
    if inputs.q and inputs.q.strip():
        values = {
            "patterns": patterns(inputs.q),
            "project_id": project.id if project else None,
            # One more than is shown, to see that there are more.
            "of_each": most + 1,
            "in_all": _IN_ALL + 1,
        }
        rows = reading.records(_FOUND, values)
    shown = _with_outcomes(reading, rows[:_IN_ALL])
    return SearchPage(
        project=project.name if project else None,
        found=[FoundIn(project=name, tests=tests[:most], has_more=len(tests) > most) for name, tests in shown.items()],
        has_more=len(rows) > _IN_ALL,
        known_projects=project_names(reading),
    )


def _with_outcomes(reading: Reading, rows: Sequence[dict[str, Any]]) -> dict[str, list[FoundTest]]:
    """The tests by project."""
    on_main = [row for row in rows if row["main_branch_id"] is not None]
    latest = latest_outcomes(reading, [(row["main_branch_id"], None, row["number"]) for row in on_main], _HISTORY)
    known = {row["test_id"]: statuses for row, statuses in zip(on_main, latest, strict=True)}
    found: defaultdict[str, list[FoundTest]] = defaultdict(list)
    for row in rows:
        # Of several jobs, each run has the tests of its own.
        statuses = [status for status in known.get(row["test_id"], []) if status]
        names = {field.name: row[field.name] for field in fields(Test)}
        found[row["project"]].append(FoundTest(**names, status=statuses[-1] if statuses else None, statuses=statuses))
    return found
