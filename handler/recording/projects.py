"""Projects, with their branches and series: known by numbers within the database."""

from __future__ import annotations

from typing import Any, NamedTuple

from psycopg import Connection

# Series that a project may have. Names that a build makes up for itself would never bring two reports into one series.
MAX_SERIES = 1_000
# The one that all further reports go on.
ALL_OTHERS = "*"

_FIND_SERIES = "select id, name from history.series where (project_id, name) = (%s, %s)"


class Series(NamedTuple):
    """`name`: the one that was asked for, or `ALL_OTHERS` if the project has too many."""

    id: int
    name: str


# Whoever makes one of these waits for another report that makes the same at this moment, and finds it then.


def project_of(connection: Connection[Any], name: str) -> int:
    """The project of this name, made if it is new. Until the transaction ends, no number of its tests is taken back."""
    find = "select id from history.project where name = %s for key share"
    for (known,) in connection.execute(find, [name]):
        return int(known)
    connection.execute("insert into history.project (name) values (%s) on conflict do nothing", [name])
    [(made,)] = connection.execute(find, [name])
    connection.execute("insert into history.turn (project_id) values (%s) on conflict do nothing", [made])
    return int(made)


def take_turn(connection: Connection[Any], project_id: int) -> None:
    """Waits until no other transaction changes what the project's runs come to; others wait until this one ends."""
    connection.execute("select from history.turn where project_id = %s for update", [project_id])


def branch_of(connection: Connection[Any], project_id: int, name: str | None) -> int:
    """The branch of this name, made if it is new; None is that of the reports which name none."""
    # Not `is not distinct from`, which no index serves.
    find = "select id from history.branch where project_id = %s and (name = %s or %s::text is null and name is null)"
    for (known,) in connection.execute(find, [project_id, name, name]):
        return int(known)
    connection.execute(
        "insert into history.branch (project_id, name) values (%s, %s) on conflict do nothing", [project_id, name]
    )
    [(made,)] = connection.execute(find, [project_id, name, name])
    return int(made)


def series_of(connection: Connection[Any], project_id: int, name: str) -> Series:
    """The series of this name, made if it is new and the project may have one more."""
    for known in connection.execute(_FIND_SERIES, [project_id, name]):
        return Series(*known)
    [(count,)] = connection.execute("select count(*) from history.series where project_id = %s", [project_id])
    name = name if count < MAX_SERIES else ALL_OTHERS
    connection.execute(
        "insert into history.series (project_id, name) values (%s, %s) on conflict do nothing", [project_id, name]
    )
    [found] = connection.execute(_FIND_SERIES, [project_id, name])
    return Series(*found)
