"""Forgets uploads for good, whenever somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from handler.recording.removal import remove
from handler.recording.upkeep import remove_unused

# In one answer of the function, far below the 6 MB that Lambda lets it have: a key has 1,024 bytes at most.
_PAGE = 1000
# In one transaction.
_BATCH = 100

# With how many there are, at each of them.
_FIND = """
select event_id::text, bucket, key, version_id, count(*) over () as count from upload
where project = %(project)s or event_id = %(event_id)s
order by uploaded_at
limit %(page)s
"""
_PROJECTS = "select distinct project_id from history.run where event_id = any(%s)"


def find(connection: Connection[Any], *, project: str | None, event_id: UUID | None) -> dict[str, Any]:
    """The oldest uploads of the project, or the one with this id; and how many there are."""
    parameters = {"project": project, "event_id": event_id, "page": _PAGE}
    with connection.cursor(row_factory=dict_row) as cursor:
        uploads = cursor.execute(_FIND, parameters).fetchall()
    counts = [upload.pop("count") for upload in uploads]
    return {"uploads": uploads, "count": counts[0] if counts else 0}


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
