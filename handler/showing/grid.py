"""The grid of a branch: how each test came out in its last runs, side by side."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from handler.showing.branches import KnownProject, branches_in_use, find_project
from handler.showing.models import Status, Test, Totals
from handler.showing.names import MATCHES, patterns
from handler.showing.outcomes import flips, pass_rate
from handler.showing.reading import NotRecorded, Reading

# Columns and rows at most.
RUNS, ROWS = 30, 200

Group = Literal["failing", "unsteady", "skipped", "passed"]
GROUPS: tuple[Group, ...] = ("failing", "unsteady", "skipped", "passed")

_BRANCH = """
    select branch.id, branch.name
    from history.branch
    where project_id = %(project_id)s and branch.name = %(branch)s
      and exists (select from history.run where branch_id = branch.id)
"""
_LATEST_BRANCH = """
    select branch.id, branch.name
    from history.run
    join history.branch on branch.id = branch_id
    where run.project_id = %(project_id)s
    order by run.id desc
    limit 1
"""
# Those first in which there is something to look for, and then those with most tests.
_SERIES = """
    select series.id, series.name
    from (select series_id, sum(failed + error + flaky) as trouble, max(tests) as tests
          from (select *, row_number() over (partition by series_id order by id desc) as nth
                from history.run
                where branch_id = %s) as run
          where nth <= %s
          group by series_id) as used
    join history.series on series.id = series_id
    order by trouble desc, tests desc, series.name
"""
_RUNS = """
    select event_id as id, commit, history.time_of(run.id) as uploaded_at, tests, passed, failed, run.error,
           run.skipped, run.flaky, plane.good::text as good_bits, plane.bad::text as bad_bits,
           plane.skipped::text as skipped_bits, plane.flaky as flaky_numbers, plane.error as error_numbers
    from history.run
    join history.plane on run_id = run.id
    where (branch_id, series_id) = (%s, %s)
    order by run.id desc
    limit %s
"""
_MATCHING = f"select number from history.test where project_id = %(project_id)s and {MATCHES}"  # noqa: S608 - constants
_TESTS = """
    select number, id as test_id, file, suite, classname, name, variant
    from history.test
    where project_id = %s and number = any(%s)
"""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Without `branch`, the main branch; without `series`, the one with most failures. `q`: words of the names.

    `show`: `all` has the tests as well that passed in all of the runs.
    """

    project: str
    branch: str | None = None
    series: str | None = None
    q: str | None = None
    show: Literal["troubled", "all"] = "troubled"


@dataclass(frozen=True, kw_only=True)
class GridRun(Totals):
    """A column. `began_to_fail`: how many of the tests that fail now did so first in this run."""

    id: UUID
    commit: str | None
    uploaded_at: datetime
    began_to_fail: int


@dataclass(frozen=True, kw_only=True)
class GridTest(Test):
    """A row. `statuses`: one for each run, None where it did not take part.

    `group`: it fails now; or it failed or was flaky in one of the runs; or it was skipped in one; or it always passed.
    """

    group: Group
    statuses: list[Status | None]
    pass_rate: float | None
    flips: int


@dataclass(frozen=True, kw_only=True)
class GridPage:
    """The last runs of a branch and series, the oldest first. `counts`: how many tests that match are in each group."""

    project: str
    branch: str | None
    series: str | None
    branches: list[str]
    all_series: list[str]
    runs: list[GridRun]
    counts: dict[Group, int]
    tests: list[GridTest]

    @property
    def troubled_cells(self) -> int:
        """How many outcomes there are that a person may want to look into."""
        return sum(status in ("failed", "error", "flaky") for test in self.tests for status in test.statuses)


@dataclass(frozen=True, kw_only=True)
class _Plane:
    """The outcomes of a run, each a set of tests: the bit with the value 2 to the n is the test with the number n."""

    good: int
    bad: int
    skipped: int
    flaky: int
    error: int

    @classmethod
    def of(cls, run: dict[str, Any], among: int) -> _Plane:
        """Of a row of the query, which it takes out of it."""
        return cls(
            good=_set_of_bits(run.pop("good_bits")) & among,
            bad=_set_of_bits(run.pop("bad_bits")) & among,
            skipped=_set_of_bits(run.pop("skipped_bits")) & among,
            flaky=_set_of(run.pop("flaky_numbers")) & among,
            error=_set_of(run.pop("error_numbers")) & among,
        )

    def status(self, number: int) -> Status | None:
        if self.good >> number & 1:
            return "flaky" if self.flaky >> number & 1 else "passed"
        if self.bad >> number & 1:
            return "error" if self.error >> number & 1 else "failed"
        return "skipped" if self.skipped >> number & 1 else None


@dataclass(frozen=True, kw_only=True)
class _Sorted:
    """All tests by their groups; in each, sets of tests in the order in which they are shown."""

    began_to_fail: list[int]
    groups: dict[Group, list[int]]

    @classmethod
    def of(cls, planes: Sequence[_Plane]) -> _Sorted:
        """`planes`: the oldest first."""
        passed_later, began_to_fail = 0, []
        for plane in reversed(planes):
            began_to_fail.append(plane.bad & ~passed_later)
            passed_later |= plane.good
        began_to_fail.reverse()
        groups: dict[Group, list[int]] = {}
        began_to_fail = list(_new(began_to_fail, seen=0))
        groups["failing"] = began_to_fail[::-1]
        seen = _union(began_to_fail)
        groups["unsteady"] = list(_new((plane.bad | plane.flaky for plane in reversed(planes)), seen=seen))
        seen |= _union(groups["unsteady"])
        groups["skipped"] = [_union(plane.skipped for plane in planes) & ~seen]
        seen |= _union(groups["skipped"])
        groups["passed"] = [_union(plane.good for plane in planes) & ~seen]
        return cls(began_to_fail=began_to_fail, groups=groups)


def read(reading: Reading, inputs: Inputs) -> GridPage:
    """Raises NotRecorded and BadInput."""
    project = find_project(reading, inputs.project)
    branch_id, branch = _branch(reading, project, inputs.branch)
    all_series = {row["name"]: row["id"] for row in reading.records(_SERIES, [branch_id, RUNS])}
    series = inputs.series or next(iter(all_series))
    if series not in all_series:
        raise NotRecorded(f"There is no run of {series[:100]!r} on this branch, or no more.")
    runs = reading.records(_RUNS, [branch_id, all_series[series], RUNS])[::-1]
    among = _matching(reading, project, inputs.q)
    planes = [_Plane.of(run, among) for run in runs]
    ordered = _Sorted.of(planes)
    return GridPage(
        project=project.name,
        branch=branch,
        series=series,
        branches=branches_in_use(reading, project),
        all_series=list(all_series),
        runs=[
            GridRun(**run, began_to_fail=began.bit_count())
            for run, began in zip(runs, ordered.began_to_fail, strict=True)
        ],
        counts={group: _union(ordered.groups[group]).bit_count() for group in GROUPS},
        tests=_tests(reading, project, planes, list(_chosen(ordered, inputs.show))),
    )


def _branch(reading: Reading, project: KnownProject, name: str | None) -> tuple[int, str | None]:
    if name is None and project.main_branch_id is not None:
        return project.main_branch_id, project.main_branch
    query = _LATEST_BRANCH if name is None else _BRANCH
    rows = reading.records(query, {"project_id": project.id, "branch": name})
    if not rows:
        what = f"branch {name[:100]!r}" if name else "run"
        raise NotRecorded(f"There is no {what} of the project {project.name[:100]!r}, or no more.")
    return rows[0]["id"], rows[0]["name"]


def _matching(reading: Reading, project: KnownProject, q: str | None) -> int:
    """The set of tests that are looked for."""
    if q is None:
        return -1
    rows = reading.records(_MATCHING, {"project_id": project.id, "patterns": patterns(q)})
    return _set_of([row["number"] for row in rows])


def _chosen(ordered: _Sorted, show: Literal["troubled", "all"]) -> Iterator[tuple[Group, int]]:
    """The rows: group and number."""
    shown = GROUPS if show == "all" else GROUPS[:-1]
    every = ((group, number) for group in shown for each in ordered.groups[group] for number in _numbers(each))
    return itertools.islice(every, ROWS)


def _tests(
    reading: Reading, project: KnownProject, planes: Sequence[_Plane], chosen: Sequence[tuple[Group, int]]
) -> list[GridTest]:
    rows = reading.records(_TESTS, [project.id, [number for _, number in chosen]])
    named = {row.pop("number"): row for row in rows}
    tests = []
    for group, number in chosen:
        statuses = [plane.status(number) for plane in planes]
        tests.append(
            GridTest(
                **named[number],
                group=group,
                statuses=statuses,
                pass_rate=pass_rate(statuses),
                flips=flips(statuses),
            )
        )
    return tests


def _set_of_bits(bits: str) -> int:
    return int(bits[::-1] or "0", 2)


def _set_of(numbers: Sequence[int]) -> int:
    bits = bytearray(b"0") * (max(numbers, default=0) + 1)
    for number in numbers:
        bits[number] = ord("1")
    return _set_of_bits(bits.decode())


def _numbers(tests: int) -> Iterator[int]:
    """Those in a set, in ascending order."""
    bits = bin(tests)[:1:-1]
    number = bits.find("1")
    while number >= 0:
        yield number
        number = bits.find("1", number + 1)


def _union(sets: Iterable[int]) -> int:
    return functools.reduce(operator.or_, sets, 0)


def _new(sets: Iterable[int], *, seen: int) -> Iterator[int]:
    """What each set has that no set before it had."""
    for each in sets:
        yield each & ~seen
        seen |= each
