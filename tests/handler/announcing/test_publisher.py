"""The event bus."""

import pytest

from handler.announcing.publisher import EventPublisher
from handler.errors import EventNotAccepted
from tests.handler.helpers.surroundings import VARIABLES, Aws


def test_an_event_arrives_as_it_was_put(aws: Aws) -> None:
    """Under its source and the detail type of all uploads."""
    bus = EventPublisher(aws.client("events"), name=VARIABLES["EVENT_BUS_NAME"], source="tap.application.test")
    bus.put({"key": "Prüfung"})
    [event] = aws.events()
    assert (event["source"], event["detail-type"], event["detail"]) == (
        "tap.application.test",
        "S3 Object Processed",
        {"key": "Prüfung"},
    )


def test_an_entry_that_is_refused_within_a_successful_answer_is_an_error(aws: Aws) -> None:
    """PutEvents answers 200 all the same."""
    bus = EventPublisher(aws.client("events"), name=VARIABLES["EVENT_BUS_NAME"], source="")
    with pytest.raises(EventNotAccepted) as error:
        bus.put({})
    assert str(error.value) == "The event bus refused the event: InvalidArgument."
    assert aws.events() == []
