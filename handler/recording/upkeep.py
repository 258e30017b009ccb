"""Daily upkeep: takes out of the database what is past its retention, and what nothing uses any more.

It works in short transactions, so that nobody waits for long, and may end after any of them: the next one goes on where
it stopped. What fails is logged, and keeps nothing else from being done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection

from handler.log import logger
from handler.recording.removal import expire

# Days after which no message of an upload comes again: SQS keeps one for 14 days at most, and a dead letter as long
# again.
REDELIVERY = 30

# Runs and uploads in one transaction.
_RUNS = 100
_UPLOADS = 20

# Seconds between two attempts to find a project without a report on its way, and how often that is tried.
_PAUSE = 1
_ATTEMPTS = 30

_OLD_TEXTS = """
select distinct run_id from history.texts
where run_id < history.key_of(now() - make_interval(days => %s)) order by run_id limit %s
"""
# Whoever reads one of them again takes all of it away, in another order: it is waited for, or waits.
_KEEP_RUNS = "select from history.run where id = any(%s) order by id for key share"
_DELETE_TEXTS = "delete from history.texts where run_id = any(%s)"
# What passed at once and said nothing else than its texts is as good as any other pass.
_DELETE_PASSES = "delete from history.notable where run_id = any(%s) and status = 'passed' and attempts = 1"

_OLD_SUITE_OUTPUTS = """
select distinct run.id, event_id from suite_output
join history.run on event_id = suite_output.run_id
where run.id < history.key_of(now() - make_interval(days => %s)) limit %s
"""
_DELETE_SUITE_OUTPUTS = "delete from suite_output where run_id = any(%s)"

_OLD_UPLOADS = """
select event_id from upload
where uploaded_at < now() - make_interval(days => %s) and processed_at < now() - make_interval(days => %s)
  and not exists (select from outbox where upload_id = upload.event_id and sent_at is null)
order by uploaded_at limit %s
"""

# The last of the old ones is what later ones are held against.
_DELETE_OLD_TOTALS = """
delete from history.running_total as total
where day < current_date - %(days)s
  and exists (
    select from history.running_total as later
    where (later.project_id, later.tile) = (total.project_id, total.tile)
      and later.day > total.day and later.day < current_date - %(days)s
  )
"""

_PROJECTS = "select id from history.project order by id"
# Every report on its way holds a key share of its project, from before it looks for the numbers of its tests.
_LOCK_PROJECT = "select tests from history.project where id = %(id)s for update skip locked"
_DELETE_UNUSED_TESTS = """
with used as (
    select coalesce(bit_or(history.padded(plane.good | plane.bad | plane.skipped, project.tests)), '') as bits
    from history.project
    left join history.run on run.project_id = project.id
    left join history.plane on run_id = run.id
    where project.id = %(id)s
), unused as (
    delete from history.test using used where project_id = %(id)s and not history.has(bits, number)
    returning number
)
insert into history.free_number (project_id, number) select %(id)s, number from unused
"""
_DELETE_UNUSED = (
    """
    delete from history.branch
    where project_id = %(id)s and not exists (select from history.run where branch_id = branch.id)
    """,
    """
    delete from history.series
    where project_id = %(id)s and not exists (select from history.run where series_id = series.id)
    """,
    """
    delete from history.project
    where id = %(id)s and not exists (select from history.run where project_id = project.id)
    """,
)


@dataclass(frozen=True, kw_only=True)
class Removed:
    """How many runs lost their texts, how many uploads are gone with all that was known of them, and how many tests.

    `is_complete`: whether all was done that was due.
    """

    texts: int
    uploads: int
    tests: int
    is_complete: bool


def keep_up(
    connection: Connection[Any], *, text_retention: int, outcome_retention: int, seconds_left: Callable[[], float]
) -> Removed:
    """Removes what is older than the retentions, in days, until it is done or no time is left."""
    failed = []

    def repeat(remove: Callable[[], int]) -> int:
        """What all batches come to."""
        total = 0
        try:
            while seconds_left() > 0 and (count := remove()):
                total += count
        except psycopg.Error as error:
            failed.append(error)
            logger.error("Upkeep cannot do a part of it", error=type(error).__name__, reason=error.sqlstate)
        return total

    texts = repeat(lambda: _remove_texts(connection, text_retention))
    repeat(lambda: _remove_suite_outputs(connection, text_retention))
    uploads = repeat(lambda: _remove_uploads(connection, outcome_retention))
    repeat(lambda: connection.execute(_DELETE_OLD_TOTALS, {"days": outcome_retention}).rowcount)
    projects = [project_id for (project_id,) in connection.execute(_PROJECTS)]
    unused = remove_unused(connection, projects, seconds_left)
    return Removed(
        texts=texts,
        uploads=uploads,
        tests=unused.tests,
        is_complete=not failed and unused.is_complete and seconds_left() > 0,
    )


class Unused(NamedTuple):
    """How many tests were removed, and whether no project is left in which there may be more."""

    tests: int
    is_complete: bool


def remove_unused(connection: Connection[Any], projects: Sequence[int], seconds_left: Callable[[], float]) -> Unused:
    """Removes tests, branches and series that no run of these projects has, and projects that have no run.

    A project that has reports on their way all the time is left for the next time.
    """
    waiting = list(projects)
    removed = 0
    for _ in range(_ATTEMPTS):
        busy = []
        for project_id in waiting:
            count = _remove_unused_of(connection, project_id) if seconds_left() > 0 else None
            if count is None:
                busy.append(project_id)
            else:
                removed += count
        waiting = busy
        if not waiting or seconds_left() <= 0:
            break
        time.sleep(_PAUSE)
    return Unused(removed, is_complete=not waiting)


def _remove_texts(connection: Connection[Any], days: int) -> int:
    with connection.transaction():
        runs = [run_id for (run_id,) in connection.execute(_OLD_TEXTS, [days, _RUNS])]
        connection.execute(_KEEP_RUNS, [runs])
        connection.execute(_DELETE_TEXTS, [runs])
        connection.execute(_DELETE_PASSES, [runs])
    return len(runs)


def _remove_suite_outputs(connection: Connection[Any], days: int) -> int:
    with connection.transaction():
        runs = connection.execute(_OLD_SUITE_OUTPUTS, [days, _RUNS]).fetchall()
        connection.execute(_KEEP_RUNS, [[run_id for run_id, _ in runs]])
        connection.execute(_DELETE_SUITE_OUTPUTS, [[event_id for _, event_id in runs]])
    return len(runs)


def _remove_uploads(connection: Connection[Any], days: int) -> int:
    with connection.transaction():
        event_ids = [event_id for (event_id,) in connection.execute(_OLD_UPLOADS, [days, REDELIVERY, _UPLOADS])]
        return expire(connection, event_ids)


def _remove_unused_of(connection: Connection[Any], project_id: int) -> int | None:
    """How many tests, or None while a report of the project is on its way, or if it cannot be done."""
    parameters = {"id": project_id}
    try:
        with connection.transaction():
            if not connection.execute(_LOCK_PROJECT, parameters).fetchone():
                return None
            removed = connection.execute(_DELETE_UNUSED_TESTS, parameters).rowcount
            for statement in _DELETE_UNUSED:
                connection.execute(statement, parameters)
    except psycopg.Error as error:
        logger.error("Upkeep cannot look for unused tests", error=type(error).__name__, reason=error.sqlstate)
        return None
    return removed
