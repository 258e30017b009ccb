"""Puts events on the event bus."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from handler.announcing.event import Event

# That PutEvents takes at once: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html.
_MOST_ENTRIES = 10


class EventPublisher:
    """Puts events on the bus `name` as `source`. `client` is botocore's for EventBridge."""

    def __init__(self, client: Any, *, name: str, source: str) -> None:
        self._client = client
        self._name = name
        self._source = source

    def put(self, events: Sequence[Event]) -> list[str | None]:
        """Returns, for each of the events, the error for which the bus refused it, or None if it accepted it.

        PutEvents answers 200 in either case.
        """
        answers: list[dict[str, str]] = []
        for first in range(0, len(events), _MOST_ENTRIES):
            entries = [self._entry(event) for event in events[first : first + _MOST_ENTRIES]]
            answers += self._client.put_events(Entries=entries)["Entries"]
        return [answer.get("ErrorCode") for answer in answers]

    def _entry(self, event: Event) -> dict[str, str]:
        return {
            "EventBusName": self._name,
            "Source": self._source,
            "DetailType": event.detail_type,
            "Detail": json.dumps(event.detail),
        }
