"""The event bus."""

from uuid import uuid4

from handler.announcing.event import Event
from handler.announcing.publisher import EventPublisher
from tests.handler.helpers.surroundings import VARIABLES, Aws

SOURCE = "tap.application.test"


def publisher(aws: Aws, source: str = SOURCE) -> EventPublisher:
    return EventPublisher(aws.client("events"), name=VARIABLES["EVENT_BUS_NAME"], source=source)


def test_an_event_arrives_as_it_was_put(aws: Aws) -> None:
    """Under its source and its detail type."""
    assert publisher(aws).put([Event(uuid4(), "Greeting", {"key": "Prüfung"})]) == [None]
    [event] = aws.events()
    assert (event["source"], event["detail-type"], event["detail"]) == (SOURCE, "Greeting", {"key": "Prüfung"})


def test_no_events_are_no_call(aws: Aws) -> None:
    """PutEvents refuses one without entries."""
    assert publisher(aws).put([]) == []


def test_an_entry_that_is_refused_within_a_successful_answer_is_an_error(aws: Aws) -> None:
    """PutEvents answers 200 all the same, and the others of the call arrive."""
    events = [Event(uuid4(), detail_type, {"type": detail_type}) for detail_type in ("First", "", "Third")]
    assert publisher(aws).put(events) == [None, "InvalidArgument", None]
    assert [event["detail-type"] for event in aws.events()] == ["First", "Third"]
    assert publisher(aws, source="").put(events[:1]) == ["InvalidArgument"]


def test_more_than_a_call_takes_go_in_several(aws: Aws) -> None:
    """Ten at most: PutEvents refuses a call with more."""
    events = [Event(uuid4(), "Numbered", {"number": number}) for number in range(21)]
    assert publisher(aws).put(events) == [None] * 21
    assert sorted(event["detail"]["number"] for event in aws.events()) == list(range(21))
