"""The events of uploads, from the transaction that records an upload until they are sent."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from handler.announcing.event import Event
from handler.announcing.publisher import EventPublisher
from handler.errors import EventNotAccepted

_ADD = """
insert into outbox (event_id, upload_id, detail_type, detail) values (%s, %s, %s, %s) on conflict do nothing
"""

# The rows stay locked while they are sent, and a second delivery waits for them. Skipping locked rows could lose an
# event: the second delivery would delete the message, and the first may still fail.
_UNSENT = """
select event_id, detail_type, detail from outbox where upload_id = %s and sent_at is null order by position for update
"""
_HOLDS = "select exists (select from outbox where event_id = %s)"
_LATEST = """
select event_id, detail_type, detail from outbox
where (upload_id, detail_type) = (%s, %s)
order by position desc
limit 1
"""
_MARK_SENT = "update outbox set sent_at = clock_timestamp() where event_id = any(%s)"


def add(connection: Connection[Any], upload_id: UUID, event: Event) -> bool:
    """Leaves an event of the upload to be sent, within the transaction that is open.

    Returns False if it was left before, sent or not: that one stands.
    """
    values = [event.id, upload_id, event.detail_type, Jsonb(event.detail)]
    return connection.execute(_ADD, values).rowcount == 1


def holds(connection: Connection[Any], event_id: UUID) -> bool:
    """Whether the event was left before, sent or not."""
    [(is_there,)] = connection.execute(_HOLDS, [event_id])
    return bool(is_there)


def latest(connection: Connection[Any], upload_id: UUID, detail_type: str) -> Event | None:
    """The last event of this type that was left of the upload."""
    row = connection.execute(_LATEST, [upload_id, detail_type]).fetchone()
    return Event(*row) if row else None


def send(connection: Connection[Any], upload_id: UUID, publisher: EventPublisher) -> bool:
    """Puts the events of the upload on the bus that were not sent before. Returns whether there were any.

    Raises EventNotAccepted if the bus refused some of them: those stay unsent, the others do not.
    """
    with connection.transaction():
        events = [Event(*row) for row in connection.execute(_UNSENT, [upload_id])]
        errors = publisher.put(events)
        if accepted := [event.id for event, error in zip(events, errors, strict=True) if error is None]:
            connection.execute(_MARK_SENT, [accepted])
    if refused := [error for error in errors if error]:
        raise EventNotAccepted(
            f"The event bus refused {len(refused)} of {len(events)} events: {', '.join(sorted(set(refused)))}."
        )
    return bool(events)
