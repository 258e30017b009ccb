"""The function as Lambda invokes it: batches, faults, logs."""

import re
import socketserver
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.handler.surroundings import PASSWORD, REPORT, Aws, Function, Postgres, message, upload_of

STATES = """
    select key, status, error_code, sent_at is not null from upload join outbox using (event_id) order by key
"""


class _Overloaded(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keeps the tests' output clean."""


@pytest.fixture
def overloaded_s3() -> Iterator[str]:
    """The URL of an S3 that answers every request with 503."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Overloaded) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_report_is_recorded(aws: Aws, postgres: Postgres, function: Function) -> None:
    """With everything that the notification says about it."""
    record = aws.upload()
    assert function.invoke(message(record)) == []
    [row] = postgres.query(
        "select event_id, bucket, key, version_id, etag, size, kind, status, error_code, error_message from upload"
    )
    upload = upload_of(record)
    assert row == (
        upload.event_id,
        "uploads",
        "shop/report.xml",
        upload.version_id,
        upload.etag,
        len(REPORT),
        "junit",
        "success",
        None,
        None,
    )


def test_a_report_is_announced(aws: Aws, postgres: Postgres, function: Function) -> None:
    """With the detail that consumers rely on, and nothing else."""
    record = aws.upload()
    function.invoke(message(record))
    [event] = aws.events()
    [(processed_at,)] = postgres.query("select processed_at from upload")
    upload = upload_of(record)
    assert event["source"] == "tap.application.test"
    assert event["detail-type"] == "S3 Object Processed"
    assert event["detail"] == {
        "event_id": str(upload.event_id),
        "status": "success",
        "bucket": "uploads",
        "key": "shop/report.xml",
        "version_id": upload.version_id,
        "etag": upload.etag,
        "size": len(REPORT),
        "kind": "junit",
        "processed_at": processed_at.isoformat(timespec="milliseconds"),
        "run": {
            "id": str(upload.event_id),
            "project": "shop",
            "branch": None,
            "commit": None,
            "build_url": None,
            "totals": {"tests": 1, "passed": 1, "failed": 0, "error": 0, "skipped": 0, "flaky": 0},
            "duration": None,
        },
    }


def test_the_event_time_has_an_offset(aws: Aws, function: Function) -> None:
    """Whoever consumes the event need not guess the time zone."""
    function.invoke(message(aws.upload()))
    [event] = aws.events()
    offset = datetime.fromisoformat(event["detail"]["processed_at"]).utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 0


def test_an_artifact_is_announced_whatever_it_holds(aws: Aws, function: Function) -> None:
    """Only reports are parsed."""
    function.invoke(message(aws.upload("shop/screenshot.png", b"\x89PNG")))
    [event] = aws.events()
    assert (event["detail"]["kind"], event["detail"]["status"]) == ("artifact", "success")


def test_a_key_with_blanks_plus_and_umlauts_is_processed(aws: Aws, postgres: Postgres, function: Function) -> None:
    """It arrives as it was uploaded, in the row and in the event."""
    key = "mein shop/100% a+b/Prüfung ✓.xml"
    assert function.invoke(message(aws.upload(key))) == []
    assert postgres.query("select key, status from upload") == [(key, "success")]
    assert [event["detail"]["key"] for event in aws.events()] == [key]


@pytest.mark.parametrize(
    ("key", "content", "code", "text"),
    [
        (
            "a.xml",
            b"plain text",
            "not_xml",
            "The report is not well-formed XML: syntax error: line 1, column 0.",
        ),
        (
            "a.xml",
            b"<html/>",
            "not_junit",
            "The root element of the report is neither testsuites nor testsuite.",
        ),
        (
            "a.xml",
            b'<?xml version="1.0" encoding="klingon"?><testsuite/>',
            "bad_encoding",
            "The report declares a character encoding that cannot be read.",
        ),
        (
            "a.xml",
            b"<!DOCTYPE testsuite><testsuite/>",
            "forbidden_dtd",
            "The report has a document type declaration.",
        ),
        (
            "a.xml",
            b"<testsuite>" * 101,
            "too_deep",
            "The report nests its elements more than 100 levels deep.",
        ),
        (
            "a.xml",
            b"<testsuite><!--" + b"x" * 5_000_000,
            "too_large",
            "A tag or comment of the report has more than 4194304 bytes.",
        ),
        ("a.xml.gz", REPORT, "bad_gzip", "The report is not a complete gzip file."),
    ],
)
def test_a_permanent_fault_is_recorded_and_announced_and_not_retried(
    key: str, content: bytes, code: str, text: str, aws: Aws, postgres: Postgres, function: Function
) -> None:
    """Each has its stable code, and the object stays where it is."""
    record = aws.upload(key, content)
    assert function.invoke(message(record)) == []
    assert postgres.query("select status, error_code, error_message from upload") == [("error", code, text)]
    [event] = aws.events()
    assert event["detail"]["status"] == "error"
    assert event["detail"]["error"] == {"code": code, "message": text}
    aws.client("s3").head_object(Bucket="uploads", Key=key)


@pytest.mark.parametrize("kept", [True, False])
def test_an_object_that_is_gone_is_a_permanent_fault(
    kept: bool, aws: Aws, postgres: Postgres, function: Function
) -> None:
    """Whether another version of it is kept or none."""
    record = aws.upload()
    if kept:
        aws.upload()
    aws.client("s3").delete_object(Bucket="uploads", Key="shop/report.xml", VersionId=upload_of(record).version_id)
    assert function.invoke(message(record)) == []
    assert postgres.query("select status, error_code, error_message from upload") == [
        ("error", "not_found", "The bucket does not hold this version of the object.")
    ]
    assert [event["detail"]["error"]["code"] for event in aws.events()] == ["not_found"]


def test_two_versions_of_a_key_are_two_uploads(aws: Aws, postgres: Postgres, function: Function) -> None:
    """Each is judged by its own content, in whatever order they are delivered."""
    old, new = aws.upload(content=b"not XML"), aws.upload()
    assert function.invoke(message(new), message(old)) == []
    rows = postgres.query("select version_id, status from upload order by processed_at")
    assert rows == [(upload_of(new).version_id, "success"), (upload_of(old).version_id, "error")]


def test_a_message_with_several_records_is_processed_as_a_whole(
    aws: Aws, postgres: Postgres, function: Function
) -> None:
    """S3 may put several into one."""
    assert function.invoke(message(aws.upload("a.xml"), aws.upload("b.txt"))) == []
    assert postgres.query(STATES) == [("a.xml", "success", None, True), ("b.txt", "success", None, True)]


def test_the_test_event_is_acknowledged(aws: Aws, function: Function) -> None:
    """Or every new notification would leave a message in the dead-letter queue."""
    assert function.invoke(message(body='{"Event": "s3:TestEvent", "Bucket": "uploads"}')) == []
    assert aws.events() == []


def test_a_message_that_is_no_notification_goes_to_the_dead_letter_queue(aws: Aws, function: Function) -> None:
    """Somebody has to look at it; the log names it and does not quote it."""
    strange = message(body='{"hello": "hunter2"}')
    assert function.invoke(strange) == [strange["messageId"]]
    [entry] = function.log_entries
    assert entry["level"] == "ERROR"
    assert entry["message"] == "The message is not a notification of objects created in a versioned bucket."
    assert entry["message_id"] == strange["messageId"]
    assert "hunter2" not in function.log


def test_only_the_failed_messages_of_a_batch_are_retried(aws: Aws, postgres: Postgres, function: Function) -> None:
    """They are named in the order of the batch, and the others are processed."""
    bad, worse = message(body="?"), message(body="!")
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


def test_an_error_that_might_quote_the_upload_is_logged_by_its_name_alone(aws: Aws, function: Function) -> None:
    """Here an ETag with NUL, which S3 never sends and PostgreSQL cannot store."""
    record = aws.upload()
    record["s3"]["object"]["eTag"] = "a\0b"
    failing = message(record)
    assert function.invoke(failing) == [failing["messageId"]]
    [entry] = function.log_entries
    assert entry["error"] == "DataError"
    assert "reason" not in entry


def test_an_overloaded_s3_costs_nothing_but_a_retry(
    aws: Aws, postgres: Postgres, function: Function, overloaded_s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is recorded until S3 answers."""
    delivery = message(aws.upload())
    with monkeypatch.context() as overload:
        overload.setenv("AWS_ENDPOINT_URL_S3", overloaded_s3)
        assert function.invoke(delivery) == [delivery["messageId"]]
    assert postgres.query(STATES) == []
    function.restart()
    assert function.invoke(delivery) == []
    assert postgres.query(STATES) == [("shop/report.xml", "success", None, True)]


def test_a_database_that_is_down_costs_nothing_but_a_retry(aws: Aws, postgres: Postgres, function: Function) -> None:
    """The same container goes on as soon as the database is back."""
    delivery = message(aws.upload())
    postgres.server.stop()
    try:
        assert function.invoke(delivery) == [delivery["messageId"]]
    finally:
        postgres.server.start()
    assert function.invoke(delivery) == []
    assert postgres.query(STATES) == [("shop/report.xml", "success", None, True)]


def test_a_missing_bus_costs_nothing_but_a_retry(aws: Aws, postgres: Postgres, function: Function) -> None:
    """The upload is recorded once, and its event sent as soon as there is a bus."""
    delivery = message(aws.upload())
    aws.delete_bus()
    assert function.invoke(delivery) == [delivery["messageId"]]
    assert postgres.query(STATES) == [("shop/report.xml", "success", None, False)]
    aws.create_bus()
    assert function.invoke(delivery) == []
    assert postgres.query(STATES) == [("shop/report.xml", "success", None, True)]
    assert [event["detail"]["key"] for event in aws.events()] == ["shop/report.xml"]


def test_a_missing_parameter_is_named_in_the_log(aws: Aws, function: Function) -> None:
    """Whoever deploys sees what is missing; the message comes again."""
    aws.delete_parameter("name")
    delivery = message(aws.upload())
    assert function.invoke(delivery) == [delivery["messageId"]]
    [entry] = function.log_entries
    assert entry["error"] == "MissingParameter"
    assert entry["reason"] == "Parameter Store does not hold /tap/test/database/name."


def test_a_database_without_trusted_certificate_is_refused(
    aws: Aws, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless told otherwise, the function trusts the authorities of RDS alone."""
    monkeypatch.delenv("PGSSLROOTCERT")
    delivery = message(aws.upload())
    assert function.invoke(delivery) == [delivery["messageId"]]
    [entry] = function.log_entries
    assert entry["error"] == "OperationalError"
    assert "certificate verify failed" in entry["reason"]


def test_a_database_under_another_name_is_refused(aws: Aws, postgres: Postgres, function: Function) -> None:
    """A trusted authority is not enough: the certificate must be for the endpoint."""
    aws.put_parameter("endpoint", f"other.example:{postgres.server.port}")
    delivery = message(aws.upload())
    assert function.invoke(delivery) == [delivery["messageId"]]
    [entry] = function.log_entries
    assert 'does not match host name "other.example"' in entry["reason"]


def test_a_failed_statement_is_logged_by_its_sqlstate(aws: Aws, postgres: Postgres, function: Function) -> None:
    """Its message might quote what was uploaded."""
    function.invoke(message(aws.upload()))
    postgres.query("alter table upload rename to elsewhere")
    function.invoke(message(aws.upload()))
    entry = function.log_entries[-1]
    assert (entry["error"], entry["reason"]) == ("UndefinedTable", "42P01")


def test_a_missing_variable_fails_the_whole_batch(
    aws: Aws, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No message can be processed, so all are retried; the error names the variable."""
    with monkeypatch.context() as deployment:
        deployment.delenv("EVENT_SOURCE")
        with pytest.raises(KeyError, match=re.escape("Set EVENT_SOURCE in the function's environment.")):
            function.invoke(message(aws.upload()))
    assert function.invoke(message(aws.upload())) == []


def test_a_processed_upload_is_logged_with_its_identity(aws: Aws, function: Function) -> None:
    """One can find the upload by its key, and the invocation by its request id."""
    record = aws.upload(content=b"hunter2")
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
        "status": "error",
        "error": {
            "code": "not_xml",
            "message": "The report is not well-formed XML: syntax error: line 1, column 0.",
        },
    }
    assert expected.items() <= entry.items()


def test_the_identity_of_one_upload_does_not_leak_into_the_log_of_the_next_message(
    aws: Aws, function: Function
) -> None:
    """Or a fault would be sought in the wrong place."""
    function.invoke(message(aws.upload()), message(body="?"))
    assert "key" not in function.log_entries[1]


def test_no_secret_and_no_content_is_logged(aws: Aws, postgres: Postgres, function: Function) -> None:
    """Neither when all goes well nor when something fails."""
    function.invoke(message(aws.upload()), message(aws.upload(content=b"<testsuites>hunter2")))
    aws.put_parameter("password", "wrong " + PASSWORD)
    postgres.cut_connections()
    function.restart()
    function.invoke(message(aws.upload()))
    assert [entry["level"] for entry in function.log_entries] == ["INFO", "INFO", "ERROR"]
    assert PASSWORD not in function.log
    assert "hunter2" not in function.log
    assert "testcase" not in function.log


def test_clients_and_connection_are_kept_between_invocations(aws: Aws, postgres: Postgres, function: Function) -> None:
    """A warm container opens nothing anew."""
    sessions = "select pid from pg_stat_activity where application_name = 'tap-handler'"
    function.invoke(message(aws.upload()))
    first = postgres.query(sessions)
    function.invoke(message(aws.upload()))
    assert len(first) == 1
    assert postgres.query(sessions) == first


def test_the_entry_point_answers_as_lambda_expects(aws: Aws, function: Function) -> None:
    """An answer of another shape would fail the whole batch."""
    assert function.answer(message(body="?", message_id="m1"), message(aws.upload())) == {
        "batchItemFailures": [{"itemIdentifier": "m1"}]
    }
