"""Takes uploads out of the database again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection

from handler.recording.projects import take_turn

_HOLD = "select event_id from upload where event_id = any(%s) order by event_id for no key update"
_RUNS = "select id, project_id, branch_id, series_id from history.run where event_id = any(%s) order by id"
_TAKE_FROM_TOTALS = "select history.take_from_totals(%s)"
_DELETE_UPLOADS = "delete from upload where event_id = any(%s)"
_EXPIRE_FAILING = "select history.expire_failing(%s)"
_RENEW_FAILING = "select history.renew_failing(%s, %s)"

# Branches and series of which an older run than one of these is left.
_INTERRUPTED = """
select distinct removed.branch_id, removed.series_id
from history.run as removed
join history.run as older on (older.branch_id, older.series_id) = (removed.branch_id, removed.series_id)
where removed.id = any(%(runs)s) and older.id < removed.id and older.id <> all(%(runs)s)
"""


def remove(connection: Connection[Any], event_ids: Sequence[UUID]) -> int:
    """Removes these uploads with their runs, results, texts and events, within the transaction that is open.

    The answers are then those of a history without them. Returns how many uploads there were.
    """
    held = _hold(connection, event_ids)
    runs = _take_turns(connection, held)
    connection.execute(_TAKE_FROM_TOTALS, [[run_id for run_id, *_ in runs]])
    removed = connection.execute(_DELETE_UPLOADS, [held]).rowcount
    for branch_id, series_id in {(branch_id, series_id) for _, _, branch_id, series_id in runs}:
        connection.execute(_RENEW_FAILING, [branch_id, series_id])
    return removed


def expire(connection: Connection[Any], event_ids: Sequence[UUID]) -> int:
    """The same for the oldest uploads, which is less work.

    What tests took then stays in the running totals: nobody asks for days that are so long ago, and later ones are held
    against them.
    """
    held = _hold(connection, event_ids)
    runs = _take_turns(connection, held)
    run_ids = [run_id for run_id, *_ in runs]
    interrupted = connection.execute(_INTERRUPTED, {"runs": run_ids}).fetchall()
    oldest = [run_id for run_id, _, branch_id, series_id in runs if (branch_id, series_id) not in interrupted]
    connection.execute(_EXPIRE_FAILING, [oldest])
    removed = connection.execute(_DELETE_UPLOADS, [held]).rowcount
    for branch_id, series_id in interrupted:
        connection.execute(_RENEW_FAILING, [branch_id, series_id])
    return removed


def _hold(connection: Connection[Any], event_ids: Sequence[UUID]) -> list[UUID]:
    """Those of the uploads that are there, which nobody else removes or records anew from here on.

    Whoever reads one of them again is waited for; not in a turn, or all others would wait as well.
    """
    return [event_id for (event_id,) in connection.execute(_HOLD, [list(event_ids)])]


def _take_turns(connection: Connection[Any], held: list[UUID]) -> list[tuple[int, int, int, int]]:
    """The keys of their runs, each with its project, branch and series, which nobody else changes from here on."""
    runs = connection.execute(_RUNS, [held]).fetchall()
    # In one order, or two that remove something would wait for each other.
    for project_id in sorted({project_id for _, project_id, _, _ in runs}):
        take_turn(connection, project_id)
    return runs
