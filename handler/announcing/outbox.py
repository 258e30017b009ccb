"""The events of uploads, from the transaction that records an upload until its event is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from handler.announcing.event import EventDetail, event_detail
from handler.recording.uploads import Recorded


def add(connection: Connection[Any], recorded: Recorded, results_address: str) -> None:
    """Leaves the event to be sent, within the transaction that records the upload; once, the first time."""
    connection.execute(
        "insert into outbox (event_id, detail) values (%s, %s) on conflict do nothing",
        [recorded.upload.event_id, Jsonb(event_detail(recorded, results_address))],
    )


@contextmanager
def unsent(connection: Connection[Any], recorded: Recorded) -> Iterator[EventDetail | None]:
    """The detail of the upload's event, which is sent within this context, or None if it was sent before.

    The row stays locked meanwhile, and a second delivery waits for it. Skipping a locked row could lose
    the event: the second delivery would delete the message, and the first may still fail.
    """
    event_id = recorded.upload.event_id
    with connection.transaction():
        row = connection.execute(
            "select detail from outbox where event_id = %s and sent_at is null for update", [event_id]
        ).fetchone()
        yield row and row[0]
        if row:
            connection.execute("update outbox set sent_at = clock_timestamp() where event_id = %s", [event_id])
