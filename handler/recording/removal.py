"""Takes uploads out of the database again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection

from handler.recording.projects import take_turn

_RUNS = "select id, project_id, branch_id, series_id from history.run where event_id = any(%s) order by id"
_TAKE_FROM_TOTALS = "select history.add_to_totals(%s, -1)"
_DELETE_UPLOADS = "delete from upload where event_id = any(%s)"
_RENEW_FAILING = "select history.renew_failing(%s, %s)"


def remove(connection: Connection[Any], event_ids: Sequence[UUID], *, keep_totals: bool = False) -> int:
    """Removes these uploads with their runs, results, texts and events, within the transaction that is open.

    The answers are then those of a history without them. `keep_totals`: what their tests took stays in the running
    totals, which is as good where they are older than any day that somebody asks for, and less work. Returns how many
    uploads there were.
    """
    runs = connection.execute(_RUNS, [list(event_ids)]).fetchall()
    # In one order, or two that remove something would wait for each other.
    for project_id in sorted({project_id for _, project_id, _, _ in runs}):
        take_turn(connection, project_id)
    if not keep_totals:
        for run_id, *_ in runs:
            connection.execute(_TAKE_FROM_TOTALS, [run_id])
    removed = connection.execute(_DELETE_UPLOADS, [list(event_ids)]).rowcount
    for branch_id, series_id in {(branch_id, series_id) for _, _, branch_id, series_id in runs}:
        connection.execute(_RENEW_FAILING, [branch_id, series_id])
    return removed
