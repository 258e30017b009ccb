"""The series of a project: a report is held against the reports of its own series."""

from __future__ import annotations

from typing import Any, NamedTuple

from psycopg import Connection

# So many a project may have. Names that a build makes up for itself would never bring two reports into one series.
MAX_SERIES = 1_000
# The one that all further reports go on.
ALL_OTHERS = "*"

_FIND = "select id, name from series where (project, name) = (%s, %s)"


class Series(NamedTuple):
    """`name`: the one that was asked for, or `ALL_OTHERS` if the project has too many."""

    id: int
    name: str


def series_of(connection: Connection[Any], project: str, name: str) -> Series:
    """The series of this name, made if it is new. Another report that makes it at this moment is waited for."""
    for known in connection.execute(_FIND, [project, name]):
        return Series(*known)
    [(count,)] = connection.execute("select count(*) from series where project = %s", [project])
    name = name if count < MAX_SERIES else ALL_OTHERS
    connection.execute("insert into series (project, name) values (%s, %s) on conflict do nothing", [project, name])
    [found] = connection.execute(_FIND, [project, name])
    return Series(*found)
