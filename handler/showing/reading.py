"""How a page reads what it shows."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString, TypeVar

from psycopg import Connection
from psycopg.rows import class_row, dict_row

T = TypeVar("T")
Values = Sequence[Any] | Mapping[str, Any]


# Seconds until an upload that is under way is recorded, as a rule.
RETRY_AFTER = 5


class NotRecorded(Exception):
    """There is no such run, test or upload, or not yet. The message is one sentence that says so.

    `retry_after`: seconds after which it may be there.
    """

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Reading:
    """One transaction that sees the database as it is at a moment, and changes nothing."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection

    @functools.cached_property
    def now(self) -> datetime:
        """The moment."""
        row = self._connection.execute("select now()").fetchone()
        assert row is not None  # noqa: S101 - a select without a table has a row
        moment: datetime = row[0]
        return moment

    def rows(self, kind: type[T], query: LiteralString, values: Values = ()) -> list[T]:
        """The rows of a query, each as a dataclass of this kind, whose fields are the columns."""
        with self._connection.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(query, values).fetchall()

    def row(self, kind: type[T], query: LiteralString, values: Values = ()) -> T | None:
        """The first row of a query, or None if it has none."""
        with self._connection.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(query, values).fetchone()

    def records(self, query: LiteralString, values: Values = ()) -> list[dict[str, Any]]:
        """The rows of a query whose columns are no page's."""
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()
