"""What is otherwise in a run than in another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from handler.showing.keys import KnownRun, run_before, run_on_main_before
from handler.showing.models import RunReference, Status, Test
from handler.showing.reading import Reading

# Tests of one kind that are named.
NAMED = 8

Base = Literal["previous", "main"]
Change = Literal["newly failing", "still failing", "fixed", "new", "vanished"]
_CHANGES: tuple[Change, ...] = ("newly failing", "still failing", "fixed", "new", "vanished")

_CHANGED = """
    select change::text, count, test.*, status::text, base_status::text
    from history.first_changes(%(key)s, %(base)s, %(named)s) as changes
    -- By its key for each, and not all tests of the project: how few there are PostgreSQL cannot know.
    cross join lateral (
        select id as test_id, file, suite, classname, name, variant
        from history.test
        where (project_id, number) = (%(project_id)s, changes.number)
        offset 0
    ) as test
    order by changes.change, changes.number
"""


@dataclass(frozen=True, kw_only=True)
class ChangedTest(Test):
    """A test that came out otherwise, with its status in both runs; None where it did not take part."""

    change: Change
    status: Status | None
    base_status: Status | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A run against `base`: how many tests are otherwise, and of each kind the first."""

    against: Base
    base: RunReference
    counts: dict[Change, int]
    tests: list[ChangedTest]

    def of(self, change: Change) -> list[ChangedTest]:
        """The tests of a kind."""
        return [test for test in self.tests if test.change == change]


def comparisons(reading: Reading, run: KnownRun) -> list[Comparison]:
    """Against the run before on the branch, and against the main branch; as far as there are such runs."""
    bases: list[tuple[Base, KnownRun | None]] = [
        ("previous", run_before(reading, run)),
        ("main", run_on_main_before(reading, run)),
    ]
    return [comparison(reading, run, base, against) for against, base in bases if base]


def comparison(reading: Reading, run: KnownRun, base: KnownRun, against: Base) -> Comparison:
    """Of two runs of a project."""
    values = {"key": run.key, "base": base.key, "project_id": run.project_id, "named": NAMED}
    rows = reading.records(_CHANGED, values)
    counts = {row["change"]: row.pop("count") for row in rows}
    return Comparison(
        against=against,
        base=base.reference,
        counts={change: counts.get(change, 0) for change in _CHANGES},
        tests=[ChangedTest(**row) for row in rows],
    )
