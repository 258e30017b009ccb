"""Whose folders of the upload bucket belong to whom: the roles of CI jobs, each with its projects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection


def replace(connection: Connection[Any], projects: Mapping[str, Sequence[str]]) -> None:
    """Sets all of them: the projects of each role, by its name."""
    rows = [(role, project) for role, of_role in projects.items() for project in of_role]
    with connection.transaction(), connection.cursor() as cursor:
        # Whoever records an upload at this moment sees all of the old ones, or all of the new ones.
        cursor.execute("delete from uploader")
        cursor.executemany("insert into uploader (role, project) values (%s, %s)", rows)


def own(connection: Connection[Any], project: str) -> bool:
    """Whether the folder of this project belongs to a role."""
    return connection.execute("select from uploader where project = %s limit 1", [project]).rowcount > 0
