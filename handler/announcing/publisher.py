"""Puts events on the event bus."""

from __future__ import annotations

import json
from typing import Any

from handler.announcing import DETAIL_TYPE
from handler.announcing.event import EventDetail
from handler.errors import EventNotAccepted


class EventPublisher:
    """Puts events on the bus `name` as `source`. `client` is botocore's for EventBridge."""

    def __init__(self, client: Any, *, name: str, source: str) -> None:
        self._client = client
        self._name = name
        self._source = source

    def put(self, detail: EventDetail) -> None:
        """Raises EventNotAccepted, since PutEvents answers 200 for an entry that it refused."""
        entry = {
            "EventBusName": self._name,
            "Source": self._source,
            "DetailType": DETAIL_TYPE,
            "Detail": json.dumps(detail),
        }
        answer = self._client.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            refused = answer["Entries"][0]
            raise EventNotAccepted(f"The event bus refused the event: {refused['ErrorCode']}.")
