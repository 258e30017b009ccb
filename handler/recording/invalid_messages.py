"""Messages of the ingest queue that are no notifications: kept for an operator."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from handler.texts import cut, storable

# So many of them are kept, the latest, and of each so many characters, its beginning and its end.
MAX_MESSAGES = 1_000
MAX_BODY = 65_536


def set_aside(connection: Connection[Any], message_id: str, body: str) -> None:
    """Keeps the message, once however often it is delivered."""
    with connection.transaction():
        connection.execute(
            "insert into invalid_message (message_id, body) values (%s, %s) on conflict do nothing",
            [message_id, cut(storable(body), MAX_BODY)],
        )
        connection.execute(
            "delete from invalid_message where message_id in"
            " (select message_id from invalid_message order by set_aside_at desc offset %s)",
            [MAX_MESSAGES],
        )
