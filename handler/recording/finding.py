"""Finds the uploads of which somebody wants something: that they are gone, or read again."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

# In one answer of the function, far below the 6 MB that Lambda lets it have: a key has 1,024 bytes at most.
_PAGE = 1000

# With how many there are, at each of them.
_UPLOADS = """
select event_id::text, bucket, key, version_id, count(*) over () as count from upload
where project = %(project)s or event_id = %(event_id)s
order by uploaded_at
limit %(page)s
"""
_REPORTS = """
select event_id::text, bucket, key, version_id, count(*) over () as count from upload
where (project = %(project)s or event_id = %(event_id)s) and kind = 'junit'
  and event_id > %(after)s
order by event_id
limit %(page)s
"""


def find(connection: Connection[Any], *, project: str | None, event_id: UUID | None) -> dict[str, Any]:
    """The oldest uploads of the project, or the one with this id; and how many there are."""
    return _page(connection, _UPLOADS, {"project": project, "event_id": event_id})


def find_reports(
    connection: Connection[Any], *, project: str | None, event_id: UUID | None, after: UUID
) -> dict[str, Any]:
    """Those of the uploads that are reports, in the order of their ids, from behind `after`; and how many these are.

    Whoever goes on behind the last one comes to all of them, whatever is added or removed meanwhile.
    """
    return _page(connection, _REPORTS, {"project": project, "event_id": event_id, "after": after})


def _page(connection: Connection[Any], query: LiteralString, parameters: dict[str, Any]) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        uploads = cursor.execute(query, {**parameters, "page": _PAGE}).fetchall()
    counts = [upload.pop("count") for upload in uploads]
    return {"uploads": uploads, "count": counts[0] if counts else 0}
