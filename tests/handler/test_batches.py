"""Batches of messages: which of them come again."""

import pytest

from handler import ingest_function
from handler.recording import invalid_messages
from tests.handler.helpers.surroundings import Aws, Function, LambdaContext, Postgres, message, report, upload_of

STATES = """
    select key, status, error_code, sent_at is not null from upload join outbox using (event_id) order by key
"""


def test_a_message_with_several_records_is_processed_as_a_whole(
    aws: Aws, postgres: Postgres, function: Function
) -> None:
    """S3 may put several into one."""
    assert function.invoke(message(aws.upload("a.xml"), aws.upload("b.txt"))) == []
    assert postgres.query(STATES) == [("a.xml", "success", None, True), ("b.txt", "success", None, True)]


def test_reports_that_one_container_reads_do_not_mix(aws: Aws, postgres: Postgres, function: Function) -> None:
    """Each run has the results of its own report."""
    function.invoke(message(aws.upload("a.xml", report(cases=3)), aws.upload("b.xml", report(cases=2))))
    function.invoke(message(aws.upload("c.xml", report(cases=1))))
    results = "select key, count(*) from upload join result on run_id = event_id group by key order by key"
    assert postgres.query(results) == [("a.xml", 3), ("b.xml", 2), ("c.xml", 1)]


def test_the_test_event_is_acknowledged(aws: Aws, function: Function) -> None:
    """Or every new notification would leave a message in the dead-letter queue."""
    assert function.invoke(message(body='{"Event": "s3:TestEvent", "Bucket": "uploads"}')) == []
    assert aws.events() == []


def test_only_the_failed_messages_of_a_batch_are_retried(aws: Aws, postgres: Postgres, function: Function) -> None:
    """They are named in the order of the batch, and the others are processed."""
    lost, gone = aws.upload("lost.xml"), aws.upload("gone.xml")
    lost["s3"]["bucket"]["name"] = gone["s3"]["bucket"]["name"] = "no-such-bucket"
    bad, worse = message(lost), message(gone)
    batch = [
        message(aws.upload("a.xml")),
        bad,
        message(aws.upload("b.xml", b"")),
        worse,
        message(aws.upload("c")),
    ]
    assert function.invoke(*batch) == [bad["messageId"], worse["messageId"]]
    assert postgres.query(STATES) == [
        ("a.xml", "success", None, True),
        ("b.xml", "error", "not_xml", True),
        ("c", "success", None, True),
    ]


def test_a_failed_record_does_not_hold_up_the_rest_of_its_message(
    aws: Aws, postgres: Postgres, function: Function
) -> None:
    """The message comes again for the failed one alone."""
    lost = aws.upload("a.xml")
    lost["s3"]["bucket"]["name"] = "no-such-bucket"
    several = message(lost, aws.upload("b.xml"))
    assert function.invoke(several) == [several["messageId"]]
    assert postgres.query(STATES) == [("b.xml", "success", None, True)]


def test_the_entry_point_answers_as_lambda_expects(aws: Aws, function: Function) -> None:
    """An answer of another shape would fail the whole batch."""
    lost = aws.upload("a.xml")
    lost["s3"]["bucket"]["name"] = "no-such-bucket"
    assert function.answer(message(lost, message_id="m1"), message(aws.upload())) == {
        "batchItemFailures": [{"itemIdentifier": "m1"}]
    }


@pytest.mark.parametrize(
    ("left", "begun"),
    [
        ([60_000, 30_000], ["a.xml", "b.xml"]),
        ([60_000, 15_000], ["a.xml", "b.xml"]),
        ([60_000, 14_999], ["a.xml"]),
        ([14_999, 14_998], []),
    ],
)
def test_in_the_last_quarter_of_its_time_the_function_begins_no_upload(
    left: list[int], begun: list[str], aws: Aws, postgres: Postgres, function: Function
) -> None:
    """What is not begun is a failure, and nothing of it is touched; what is begun is finished."""
    batch = [message(aws.upload(key), message_id=key) for key in ("a.xml", "b.xml")]
    answer = function.answer(*batch, context=LambdaContext(milliseconds_left=iter([60_000, *left])))
    failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
    assert failed == [key for key in ("a.xml", "b.xml") if key not in begun]
    assert [event["detail"]["key"] for event in aws.events()] == begun
    if begun:
        assert postgres.query(STATES) == [(key, "success", None, True) for key in begun]


def test_a_message_of_which_one_record_was_not_begun_comes_again(
    aws: Aws, postgres: Postgres, function: Function
) -> None:
    """And then only the rest of it is left to do."""
    several = message(aws.upload("a.xml"), aws.upload("b.xml"))
    function.answer(several, context=LambdaContext(milliseconds_left=iter([60_000, 60_000, 0])))
    assert function.invoke(several) == []
    assert postgres.query(STATES) == [("a.xml", "success", None, True), ("b.xml", "success", None, True)]
    assert len(aws.events()) == 2


def test_an_upload_that_was_not_begun_is_logged_with_its_identity(aws: Aws, function: Function) -> None:
    """One can tell that it has not failed."""
    record = aws.upload()
    function.answer(message(record), context=LambdaContext(milliseconds_left=iter([60_000, 0])))
    [entry] = function.log_entries
    expected = {
        "level": "WARNING",
        "message": "Upload given back, to be retried: too little time left",
        "correlation_id": str(upload_of(record).event_id),
        "bucket": "uploads",
        "key": "shop/report.xml",
        "version_id": upload_of(record).version_id,
    }
    assert expected.items() <= entry.items()


def test_what_failed_again_and_again_goes_last(aws: Aws, function: Function) -> None:
    """A message that ends its container finds its neighbours done by then."""
    receives = {"a.xml": 4, "b.xml": 1, "c.xml": 3, "d.xml": 125, "e.xml": 2}
    function.invoke(*(message(aws.upload(key), receives=receives[key]) for key in receives))
    order = [event["detail"]["key"] for event in aws.events()]
    assert order[:3] == ["b.xml", "c.xml", "e.xml"]
    assert set(order[3:]) == {"a.xml", "d.xml"}


def test_a_message_that_ends_its_container_does_not_take_the_same_ones_along(aws: Aws, function: Function) -> None:
    """Each of those that failed with it comes before it soon, in one delivery or another."""
    suspects = [message(message_id=name, receives=4) for name in ("deadly", "a", "b")]
    before: set[str] = set()
    for _ in range(50):
        order = [it["messageId"] for it in ingest_function._in_turn(suspects)]
        before |= set(order[: order.index("deadly")])
    assert before == {"a", "b"}


def test_a_message_that_is_no_notification_is_set_aside(aws: Aws, postgres: Postgres, function: Function) -> None:
    """Where an operator finds it, at once and once; it does not come again, and its neighbours are processed."""
    strange = message(body='{"hello": "w\\u0000rld\\ud800"}')
    assert function.invoke(strange, message(aws.upload())) == []
    assert function.invoke(strange) == []
    assert postgres.query("select message_id, body from invalid_message") == [(strange["messageId"], strange["body"])]
    assert postgres.query(STATES) == [("shop/report.xml", "success", None, True)]


@pytest.mark.parametrize(
    ("character", "kept"), [("\0", "\N{REPLACEMENT CHARACTER}"), ("\ud800", "\N{REPLACEMENT CHARACTER}"), ("ü", "ü")]
)
def test_a_message_of_strange_characters_is_set_aside(
    character: str, kept: str, aws: Aws, postgres: Postgres, function: Function
) -> None:
    """PostgreSQL stores neither NUL nor lone surrogates."""
    assert function.invoke(message(body=f"a{character}b")) == []
    assert postgres.query("select body from invalid_message") == [(f"a{kept}b",)]


def test_what_is_kept_of_invalid_messages_is_bounded(
    aws: Aws, postgres: Postgres, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The latest of them, and of a long one its beginning and its end."""
    monkeypatch.setattr(invalid_messages, "MAX_MESSAGES", 2)
    monkeypatch.setattr(invalid_messages, "MAX_BODY", 10)
    for body in ("first", "second", "0123456789abcdef"):
        function.invoke(message(body=body))
    bodies = [body for (body,) in postgres.query("select body from invalid_message order by set_aside_at")]
    assert bodies == ["second", "01234\n[... 6 characters cut ...]\nbcdef"]


def test_an_invalid_message_waits_for_the_database(aws: Aws, postgres: Postgres, function: Function) -> None:
    """It is not lost by an outage either."""
    strange = message(body="?")
    postgres.server.stop()
    try:
        assert function.invoke(strange, seconds=0.5) == [strange["messageId"]]
    finally:
        postgres.server.start()
    assert function.invoke(strange) == []
    assert postgres.query("select body from invalid_message") == [("?",)]
