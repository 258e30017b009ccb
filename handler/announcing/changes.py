"""Which tests a run broke and which it fixed, against the run before it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from handler.recording.projects import ALL_OTHERS
from handler.recording.results import Run
from handler.showing.models import Test

# Tests of a kind that are named.
NAMED = 10

Change = Literal["newly failing", "fixed", "still failing"]
CHANGES: tuple[Change, ...] = ("newly failing", "fixed", "still failing")

# As the pages say it. It takes time for these changes alone: the planner leaves out what is of other kinds, and the
# statuses. Where nothing failed, nothing is looked at, and tests are looked up one by one.
_CHANGES = """
with latest as (
    select id, event_id, project_id, commit, failed + error as bad
    from history.run
    where (branch_id, series_id) = (select branch_id, series_id from history.run where event_id = %(run_id)s)
    order by id desc
    limit 2
), compared as materialized (
    select run.id, run.project_id, base.id as base_key, base.event_id as base_id, base.commit as base_commit
    from latest as run
    join latest as base on base.id < run.id
    where run.event_id = %(run_id)s and run.bad + base.bad > 0
)
select base_id, base_commit, change::text, count, test.id as test_id, file, suite, classname, name, variant
from compared
cross join lateral history.first_changes(compared.id, base_key, %(named)s) as changes
cross join lateral (
    select * from history.test where (project_id, number) = (compared.project_id, changes.number) offset 0
) as test
where change in ('newly failing', 'fixed', 'still failing')
order by change, changes.number
"""


@dataclass(frozen=True, kw_only=True)
class FailureChanges:
    """What is otherwise since the run `base_id`: how many tests of each kind there are, and the first of them."""

    base_id: UUID
    base_commit: str | None
    counts: dict[Change, int]
    tests: dict[Change, list[Test]]


def failure_changes(connection: Connection[Any], run: Run) -> FailureChanges | None:
    """What the run broke and fixed; None if nothing, or if the run is not the latest of its branch and series.

    To be asked within the transaction that records the run: until it ends, no other run of the project is recorded.
    Reports of the series that takes what is beyond a project's limit are not of one job: none is held against another.
    """
    if run.series == ALL_OTHERS:
        return None
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_CHANGES, {"run_id": run.id, "named": NAMED}).fetchall()
    if not any(row["change"] in {"newly failing", "fixed"} for row in rows):
        return None
    counts = dict.fromkeys(CHANGES, 0)
    tests: dict[Change, list[Test]] = {change: [] for change in CHANGES}
    for row in rows:
        counts[row["change"]] = row["count"]
        tests[row["change"]].append(Test(**{field.name: row[field.name] for field in fields(Test)}))
    return FailureChanges(base_id=rows[0]["base_id"], base_commit=rows[0]["base_commit"], counts=counts, tests=tests)
