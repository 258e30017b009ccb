"""Forgets uploads for good, whenever somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection

from handler.recording.removal import remove
from handler.recording.upkeep import remove_unused

# In one transaction.
_BATCH = 100

_PROJECTS = "select distinct project_id from history.run where event_id = any(%s)"


def forget(connection: Connection[Any], event_ids: Sequence[UUID], seconds_left: Callable[[], float]) -> dict[str, Any]:
    """Removes these uploads, and tests and projects that have no run any more.

    Returns how many uploads there were, and whether what nothing uses any more is gone as well: else the daily upkeep
    removes it.
    """
    ids = list(event_ids)
    projects = [project_id for (project_id,) in connection.execute(_PROJECTS, [ids])]
    removed = 0
    for first in range(0, len(ids), _BATCH):
        if seconds_left() <= 0:
            break
        with connection.transaction():
            # It has to change what all later days came to.
            connection.execute("set local statement_timeout = '5min'")
            removed += remove(connection, ids[first : first + _BATCH])
    return {"uploads": removed, "is_complete": remove_unused(connection, projects, seconds_left).is_complete}
