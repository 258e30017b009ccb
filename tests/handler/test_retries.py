"""Transient faults: nothing is lost, nothing is done by halves, and the message comes again."""

import gzip
import http.client
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.emulator import Emulator
from tests.handler.surroundings import Aws, Function, Postgres, http_server, message, report

STATES = """
    select key, status, error_code, sent_at is not null from upload join outbox using (event_id) order by key
"""
PROCESSED = [("shop/report.xml", "success", None, True)]


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
    with http_server(_Overloaded) as url:
        yield url


@pytest.fixture
def interrupted_s3(emulator: Emulator) -> Iterator[str]:
    """The URL of an S3 that closes the connection after half of an object."""

    class Interrupted(_Overloaded):
        def do_GET(self) -> None:
            s3 = http.client.HTTPConnection(urlsplit(emulator.url).netloc)
            s3.request("GET", self.path, headers=dict(self.headers.items()))
            answer = s3.getresponse()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            self.end_headers()
            content = answer.read()
            self.wfile.write(content[: len(content) // 2])
            s3.close()

    with http_server(Interrupted) as url:
        yield url


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
    assert postgres.query(STATES) == PROCESSED


@pytest.mark.parametrize("cases", [2, 5_000])
@pytest.mark.parametrize("key", ["shop/report.xml", "shop/report.xml.gz"])
def test_an_object_that_breaks_off_on_its_way_is_no_fault_of_the_report(
    key: str,
    cases: int,
    aws: Aws,
    postgres: Postgres,
    function: Function,
    interrupted_s3: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would be reported as damaged for ever; instead it is read again."""
    content = report(cases)
    delivery = message(aws.upload(key, gzip.compress(content) if key.endswith(".gz") else content))
    with monkeypatch.context() as interruption:
        interruption.setenv("AWS_ENDPOINT_URL_S3", interrupted_s3)
        assert function.invoke(delivery) == [delivery["messageId"]]
    assert postgres.query("select event_id from upload union all select id from run") == []
    function.restart()
    assert function.invoke(delivery) == []
    assert postgres.query("select status, tests from upload join run on id = event_id") == [("success", cases)]


def test_a_database_that_is_down_costs_nothing_but_a_retry(aws: Aws, postgres: Postgres, function: Function) -> None:
    """The same container goes on as soon as the database is back."""
    delivery = message(aws.upload())
    postgres.server.stop()
    try:
        assert function.invoke(delivery) == [delivery["messageId"]]
    finally:
        postgres.server.start()
    assert function.invoke(delivery) == []
    assert postgres.query(STATES) == PROCESSED


def test_a_dropped_connection_costs_not_even_a_retry(aws: Aws, postgres: Postgres, function: Function) -> None:
    """If it was dropped between two invocations."""
    function.invoke(message(aws.upload("first.xml")))
    postgres.cut_connections()
    assert function.invoke(message(aws.upload("second.xml"))) == []
    assert postgres.query("select key, tests from upload join run on id = event_id order by key") == [
        ("first.xml", 1),
        ("second.xml", 1),
    ]


@pytest.mark.parametrize("dropped", [False, True], ids=["open connection", "dropped connection"])
def test_a_rotated_password_costs_not_even_a_retry(
    dropped: bool, aws: Aws, postgres: Postgres, function: Function
) -> None:
    """Neither while the old connection holds nor when a new one is due."""
    function.invoke(message(aws.upload("first.xml")))
    postgres.set_password("rotated")
    aws.put_parameter("password", "rotated")
    if dropped:
        postgres.cut_connections()
    assert function.invoke(message(aws.upload("second.xml"))) == []
    assert postgres.query("select key from upload order by key") == [("first.xml",), ("second.xml",)]


def test_a_half_rotated_password_costs_nothing_but_a_retry(aws: Aws, postgres: Postgres, function: Function) -> None:
    """The database has the new one already, and Parameter Store follows."""
    function.invoke(message(aws.upload("first.xml")))
    postgres.set_password("rotated")
    postgres.cut_connections()
    delivery = message(aws.upload("second.xml"))
    assert function.invoke(delivery) == [delivery["messageId"]]
    aws.put_parameter("password", "rotated")
    assert function.invoke(delivery) == []
    assert postgres.query("select key from upload order by key") == [("first.xml",), ("second.xml",)]


def test_a_missing_bus_costs_nothing_but_a_retry(aws: Aws, postgres: Postgres, function: Function) -> None:
    """The upload is recorded once, and its event sent as soon as there is a bus."""
    delivery = message(aws.upload())
    aws.delete_bus()
    assert function.invoke(delivery) == [delivery["messageId"]]
    assert postgres.query(STATES) == [("shop/report.xml", "success", None, False)]
    aws.create_bus()
    assert function.invoke(delivery) == []
    assert postgres.query(STATES) == PROCESSED
    assert [event["detail"]["key"] for event in aws.events()] == ["shop/report.xml"]


def test_a_missing_parameter_is_named_in_the_log(aws: Aws, function: Function) -> None:
    """Whoever deploys sees what is missing; the message comes again."""
    aws.delete_parameter("name")
    entry = failure(function, message(aws.upload()))
    assert entry["error"] == "MissingParameter"
    assert entry["reason"] == "Parameter Store does not hold /tap/test/database/name."


def failure(function: Function, delivery: dict[str, Any]) -> dict[str, Any]:
    """The log entry of a delivery that has to be retried."""
    assert function.invoke(delivery) == [delivery["messageId"]]
    [entry] = function.log_entries
    return entry
