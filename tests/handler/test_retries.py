"""Transient faults: nothing is lost, nothing is done by halves, and the message comes again."""

import dataclasses
import gzip
import http.client
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

import pytest

from handler import ingest_function
from handler.recording.database import Database, DatabaseUnavailable
from local.emulator import Emulator
from tests.handler.helpers.surroundings import (
    Aws,
    Function,
    InterruptedStorage,
    LambdaContext,
    Postgres,
    answering,
    http_server,
    message,
    report,
)

STATES = """
    select key, status, error_code, sent_at is not null from upload join outbox using (event_id) order by key
"""
PROCESSED = [("shop/report.xml", "success", None, True)]


@pytest.fixture
def overloaded_s3() -> Iterator[str]:
    """The URL of an S3 that answers every request with 503."""
    with http_server(answering(503)) as url:
        yield url


@pytest.fixture
def interrupted_s3(emulator: Emulator) -> Iterator[str]:
    """The URL of an S3 that closes the connection after half of an object."""

    class Interrupted(BaseHTTPRequestHandler):
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

        def log_message(self, *_: object) -> None:
            """Keeps the tests' output clean."""

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


def test_a_failover_costs_not_even_a_retry(aws: Aws, postgres: Postgres, function: Function) -> None:
    """The invocation sits it out, and then does the whole of its batch."""
    batch = [message(aws.upload(key)) for key in ("a.xml", "b.xml")]
    postgres.server.stop()
    with ThreadPoolExecutor() as containers:
        invocation = containers.submit(function.invoke, *batch)
        try:
            while "Database unavailable, waiting" not in function.log:
                time.sleep(0.01)
        finally:
            postgres.server.start()
        assert invocation.result() == []
    assert postgres.query(STATES) == [(key, "success", None, True) for key in ("a.xml", "b.xml")]


def test_a_database_that_stays_down_costs_nothing_but_a_retry(aws: Aws, postgres: Postgres, function: Function) -> None:
    """The invocation waits while its time lasts; the same container goes on as soon as the database is back."""
    batch = [message(aws.upload(key)) for key in ("a.xml", "b.xml")]
    postgres.server.stop()
    try:
        assert function.invoke(*batch, seconds=4) == [delivery["messageId"] for delivery in batch]
    finally:
        postgres.server.start()
    counts = Counter(entry["message"] for entry in function.log_entries)
    assert counts["Database unavailable, waiting"] >= 2
    assert counts["Upload given back, to be retried: too little time left"] == 2
    assert function.invoke(*batch) == []
    assert postgres.query(STATES) == [(key, "success", None, True) for key in ("a.xml", "b.xml")]


def test_no_pause_is_longer_than_the_time_that_is_left(aws: Aws, postgres: Postgres, function: Function) -> None:
    """It would end in the function's timeout, and the whole batch with it."""
    delivery = message(aws.upload())
    postgres.server.stop()
    try:
        assert function.invoke(delivery, seconds=0.5) == [delivery["messageId"]]
    finally:
        postgres.server.start()
    waits = [entry for entry in function.log_entries if entry["message"] == "Database unavailable, waiting"]
    assert waits[0]["seconds"] < 0.5


def test_a_full_disk_costs_nothing_but_a_retry(aws: Aws, postgres: Postgres, function: Function) -> None:
    """PostgreSQL takes no row, and says why; the queue keeps the upload until there is room again."""
    postgres.query("""
        create function be_full() returns trigger language plpgsql as $$
            begin raise 'could not extend file: No space left on device' using errcode = 'disk_full'; end
        $$;
        create trigger full_disk before insert on upload execute function be_full()
    """)
    delivery = message(aws.upload())
    assert function.invoke(delivery) == [delivery["messageId"]]
    assert function.log_entries[-1]["error"] == "DiskFull"
    assert postgres.query(STATES) == []
    postgres.query("drop trigger full_disk on upload")
    assert function.invoke(delivery) == []
    assert postgres.query(STATES) == PROCESSED


@contextmanager
def happening_within_reports(happen: Callable[[], object]) -> Iterator[None]:
    """Lets something happen in the middle of each report that the function's container reads."""
    processor = ingest_function._processor()
    storage = InterruptedStorage(processor.storage, happen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest_function, "_processor", lambda: dataclasses.replace(processor, storage=storage))
        yield


def test_a_connection_that_is_cut_within_a_report_costs_not_even_a_retry(
    aws: Aws, postgres: Postgres, function: Function
) -> None:
    """The report is read again from its beginning."""
    function.invoke(message(aws.upload("a.xml")))
    failovers = [postgres.cut_connections]

    def fail_over_once() -> None:
        if failovers:
            failovers.pop()()

    with happening_within_reports(fail_over_once):
        assert function.invoke(message(aws.upload("b.xml"))) == []
    assert "Database unavailable, waiting" in function.log
    assert postgres.query(STATES) == [(key, "success", None, True) for key in ("a.xml", "b.xml")]


def test_a_report_that_ends_its_connection_each_time_is_given_back(
    aws: Aws, postgres: Postgres, function: Function
) -> None:
    """After two attempts: the server may be the worse for each of them."""
    function.invoke(message(aws.upload("a.xml")))
    attempts: list[None] = []

    def cut_again() -> None:
        attempts.append(None)
        postgres.cut_connections()

    with happening_within_reports(cut_again):
        assert function.invoke(message(aws.upload("b.xml"), message_id="m1")) == ["m1"]
    assert len(attempts) == 2
    assert function.log_entries[-1]["message"] == "Upload failed, to be retried"


def test_no_attempt_is_begun_that_would_not_end_in_time(
    aws: Aws, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes at least as long as the one before, and a timeout would fail the whole batch."""
    # Asked before and after the attempt, and before the next: it took 50 seconds, and 45 are left besides the reserve.
    milliseconds_left = iter([120_000, 125_000, 75_000, 75_000])
    monkeypatch.setattr(Database, "connected", lambda *_: (_ for _ in ()).throw(DatabaseUnavailable("down")))
    delivery = message(aws.upload())
    answer = function.answer(delivery, context=LambdaContext(milliseconds_left=milliseconds_left))
    assert answer == {"batchItemFailures": [{"itemIdentifier": delivery["messageId"]}]}
    assert [entry["message"] for entry in function.log_entries] == [
        "Database unavailable, waiting",
        "Upload given back, to be retried: too little time left",
    ]


def test_a_fault_that_is_not_the_databases_holds_nobody_up(aws: Aws, function: Function) -> None:
    """Waiting would not help, and costs the rest of the batch its time."""
    lost = aws.upload("a.xml")
    lost["s3"]["bucket"]["name"] = "no-such-bucket"
    delivery = message(lost)
    assert function.invoke(delivery, message(aws.upload("b.xml"))) == [delivery["messageId"]]
    assert [entry["message"] for entry in function.log_entries] == ["Upload failed, to be retried", "Upload processed"]


def test_containers_do_not_wait_in_step() -> None:
    """A database that comes back is not met by all of them at once, and is found soon."""
    one, other = (list(itertools.islice(ingest_function._pauses(), 20)) for _ in range(2))
    assert one != other
    assert 0.5 <= one[0] <= 1
    assert all(4 <= pause <= 8 for pause in one[3:])


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
    assert function.invoke(delivery, seconds=0.5) == [delivery["messageId"]]
    aws.put_parameter("password", "rotated")
    assert function.invoke(delivery) == []
    assert postgres.query("select key from upload order by key") == [("first.xml",), ("second.xml",)]


def test_a_container_does_not_keep_a_connection_that_may_only_read(
    aws: Aws, postgres: Postgres, function: Function
) -> None:
    """What a database becomes read-only by, a maintenance or a failover, ends; the session would stay as it began."""
    delivery = message(aws.upload())
    postgres.query("alter role tap set default_transaction_read_only = on")
    try:
        assert function.invoke(delivery, seconds=0.5) == [delivery["messageId"]]
    finally:
        postgres.query("begin; set transaction read write; alter role tap reset default_transaction_read_only; commit")
    assert function.invoke(delivery) == []
    assert postgres.query(STATES) == PROCESSED


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
