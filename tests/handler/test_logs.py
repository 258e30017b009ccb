"""The function's log: what can be found in it, and what never."""

import logging
from typing import Any

import pytest

from tests.handler.helpers.surroundings import PASSWORD, Aws, Function, Postgres, message, upload_of

# In every place where a report has text.
SECRETIVE = b"""
<testsuites name="hunter2">
  <testsuite name="hunter2" file="hunter2" hostname="hunter2">
    <properties><property name="hunter2" value="hunter2"/></properties>
    <testcase classname="hunter2" name="hunter2" file="hunter2">
      <failure type="hunter2" message="hunter2">hunter2</failure>
      <system-out>hunter2</system-out>
      <system-err>hunter2</system-err>
    </testcase>
    <system-out>hunter2</system-out>
  </testsuite>
</testsuites>
"""


def test_a_processed_upload_is_logged_with_its_identity(aws: Aws, function: Function) -> None:
    """One can find the upload by its key, and the invocation by its request id."""
    record = aws.upload()
    delivery = message(record)
    function.invoke(delivery)
    [entry] = function.log_entries
    expected: dict[str, Any] = {
        "level": "INFO",
        "message": "Upload processed",
        "service": "tap",
        "function_request_id": "8f5d2a6e-0000-4000-8000-000000000000",
        "message_id": delivery["messageId"],
        "correlation_id": str(upload_of(record).event_id),
        "bucket": "uploads",
        "key": "shop/report.xml",
        "version_id": upload_of(record).version_id,
        "status": "success",
        "totals": {"tests": 1, "passed": 1, "failed": 0, "error": 0, "skipped": 0, "flaky": 0},
    }
    assert expected.items() <= entry.items()
    assert "error" not in entry


def test_a_fault_is_logged_with_its_code(aws: Aws, function: Function) -> None:
    """It is the uploader's, so no alarm of ours."""
    function.invoke(message(aws.upload(content=b"plain text")))
    [entry] = function.log_entries
    assert (entry["level"], entry["message"], entry["status"]) == ("INFO", "Upload processed", "error")
    assert entry["error"] == {
        "code": "not_xml",
        "message": "The report is not well-formed XML: syntax error: line 1, column 0.",
    }
    assert "totals" not in entry


def test_the_correlation_id_leads_to_the_row_and_to_the_event(aws: Aws, postgres: Postgres, function: Function) -> None:
    """From an entry of the log to what was done, and back."""
    function.invoke(message(aws.upload()))
    [entry] = function.log_entries
    [event] = aws.events()
    [(event_id,)] = postgres.query("select event_id from upload")
    assert entry["correlation_id"] == event["detail"]["event_id"] == str(event_id)


def test_a_repeated_upload_is_logged_as_such(aws: Aws, function: Function) -> None:
    """With the same correlation id."""
    record = aws.upload()
    function.invoke(message(record), message(record))
    first, second = function.log_entries
    assert (first["message"], second["message"]) == ("Upload processed", "Upload was processed before")
    assert first["correlation_id"] == second["correlation_id"]


def test_a_failed_upload_is_logged_with_identity_and_reason(aws: Aws, postgres: Postgres, function: Function) -> None:
    """And with the place in the code; the reason is an SQLSTATE, since PostgreSQL quotes in its messages."""
    function.invoke(message(aws.upload()))
    postgres.query("alter table history.plane rename to elsewhere")
    record = aws.upload()
    function.invoke(message(record))
    entry = function.log_entries[-1]
    expected = {
        "level": "ERROR",
        "message": "Upload failed, to be retried",
        "correlation_id": str(upload_of(record).event_id),
        "bucket": "uploads",
        "key": "shop/report.xml",
        "version_id": upload_of(record).version_id,
        "error": "UndefinedTable",
        "reason": "42P01",
    }
    assert expected.items() <= entry.items()
    assert "record_run" in "".join(entry["stack"])


def test_an_error_that_might_quote_the_upload_is_logged_by_its_name_alone(aws: Aws, function: Function) -> None:
    """Here an ETag with NUL, which S3 never sends and PostgreSQL cannot store."""
    record = aws.upload()
    record["s3"]["object"]["eTag"] = "a\0b"
    failing = message(record)
    assert function.invoke(failing) == [failing["messageId"]]
    [entry] = function.log_entries
    assert entry["error"] == "DataError"
    assert "reason" not in entry


def test_a_message_that_is_no_notification_is_logged_without_being_quoted(aws: Aws, function: Function) -> None:
    """Somebody has to look at it in the database, and finds it by its id."""
    strange = message(body='{"hello": "hunter2"}')
    assert function.invoke(strange) == []
    [entry] = function.log_entries
    assert entry["level"] == "ERROR"
    assert entry["message"] == "The message is not a notification of objects created in a versioned bucket."
    assert entry["message_id"] == strange["messageId"]
    assert "hunter2" not in function.log


def test_the_identity_of_one_upload_does_not_leak_into_the_log_of_the_next_message(
    aws: Aws, function: Function
) -> None:
    """Or a fault would be sought in the wrong place."""
    function.invoke(message(aws.upload()), message(body="?"))
    identity = {"correlation_id", "bucket", "key", "version_id"}
    processed, invalid = function.log_entries
    assert identity <= processed.keys()
    assert not identity & invalid.keys()


@pytest.mark.parametrize("key", ["shop/a\0b.xml", "shop/a\ud800b.xml"])
def test_an_entry_about_a_strange_key_can_be_written(key: str, aws: Aws, function: Function) -> None:
    """Else it would be lost, since a log is UTF-8."""
    record = aws.upload()
    record["s3"]["object"]["key"] = key
    function.invoke(message(record))
    assert function.log.encode()
    assert [entry["key"] for entry in function.log_entries] == ["shop/a\N{REPLACEMENT CHARACTER}b.xml"]


@pytest.mark.parametrize("character", ["\n", "\r", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u202e"])
def test_an_entry_stays_one_line_that_a_terminal_can_show(character: str, aws: Aws, function: Function) -> None:
    """Whatever the key holds: no entry can be forged, and none hidden."""
    record = aws.upload()
    record["s3"]["object"]["key"] = f"shop/a{character}b.xml"
    function.invoke(message(record))
    [line, rest] = function.log.split("\n")
    assert line.isascii()
    assert line.isprintable()
    assert rest == ""
    assert [entry["key"] for entry in function.log_entries] == [f"shop/a{character}b.xml"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (SECRETIVE, "success"),
        (SECRETIVE + b"<hunter2>", "error"),
        (SECRETIVE[:-20], "error"),
        (SECRETIVE.replace(b"testsuites", b"hunter2"), "error"),
        (b'<?xml version="1.0" encoding="hunter2"?>' + SECRETIVE.strip(), "error"),
        (b"<!DOCTYPE hunter2>" + SECRETIVE.strip(), "success"),
        (b"<!DOCTYPE hunter2 []>" + SECRETIVE.strip(), "error"),
        (SECRETIVE.strip().replace(b"type=", b"type=hunter2"), "error"),
        (SECRETIVE.replace(b"</failure>", b"&hunter2;</failure>"), "error"),
        (b"hunter2", "error"),
    ],
)
def test_no_content_of_a_report_is_logged_or_announced(
    content: bytes,
    status: str,
    aws: Aws,
    function: Function,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither of a good one nor of one that is at fault; nor does a library let it out."""
    function.invoke(message(aws.upload(content=content)))
    assert [entry["status"] for entry in function.log_entries] == [status]
    [event] = aws.events()
    written = [function.log, *capfd.readouterr(), caplog.text, str(event)]
    assert [text for text in written if "hunter2" in text] == []


@pytest.mark.parametrize(
    "change",
    [
        "alter table upload add check (project = '')",
        "alter table history.texts add check (message = '')",
        "alter table history.test add check (name = '')",
        "alter table history.texts add check (message::integer > 0)",
    ],
)
def test_no_content_of_a_report_is_logged_when_the_database_refuses_it(
    change: str,
    aws: Aws,
    postgres: Postgres,
    function: Function,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """PostgreSQL's own message would quote the row."""
    function.invoke(message(aws.upload("first.png")))
    postgres.query(f"truncate upload cascade; {change}")
    caplog.set_level(logging.INFO)
    metadata = {"tap-project": "hunter2", "tap-branch": "hunter2"}
    function.invoke(message(aws.upload(content=SECRETIVE, metadata=metadata)))
    assert function.log_entries[-1]["level"] == "ERROR"
    written = [function.log, *capfd.readouterr(), caplog.text]
    assert [text for text in written if "hunter2" in text] == []


def test_no_password_is_logged(
    aws: Aws,
    postgres: Postgres,
    function: Function,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither when it is right nor when it is wrong."""
    caplog.set_level(logging.INFO)
    function.invoke(message(aws.upload()))
    aws.put_parameter("password", "wrong " + PASSWORD)
    function.restart()
    function.invoke(message(aws.upload()), seconds=0.5)
    assert {entry["level"] for entry in function.log_entries} == {"INFO", "WARNING"}
    written = [function.log, *capfd.readouterr(), caplog.text]
    assert [text for text in written if PASSWORD in text] == []
