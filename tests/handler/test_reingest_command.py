"""`make reingest`, from the question to what is recorded then: its functions are called as Lambda would call them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from handler import schema_function
from handler.errors import NotXml
from handler.origin import Origin
from handler.outcome import Faulty
from handler.processing import Processor
from handler.recording import finding, uploads
from local.operating import NotDoneError
from local.reingest import run_reingest
from tests.handler.helpers.surroundings import (
    Aws,
    Function,
    LambdaContext,
    Postgres,
    http_server,
    message,
    remaining,
    report,
    upload_of,
)

STATUSES = "select key, status from upload order by key"


class SchemaFunction(BaseHTTPRequestHandler):
    """Lambda's API, with this one function."""

    def do_POST(self) -> None:
        assert self.path == "/2015-03-31/functions/tap-schema-test/invocations"
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {}
        try:
            answer = schema_function.lambda_handler(event, LambdaContext(milliseconds_left=remaining(900)))
        except ValueError as error:
            headers, answer = {"X-Amz-Function-Error": "Unhandled"}, {"errorMessage": str(error)}
        body = json.dumps(answer).encode()
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keeps the tests' output clean."""


class Environment:
    """One in AWS, as its operator sees it."""

    def __init__(self, aws: Aws) -> None:
        self._sqs = aws.client("sqs")
        self._queue = self._sqs.create_queue(QueueName="tap-ingest-test")["QueueUrl"]

    def reingest(self, *, says: str | None = None, **wanted: str) -> list[str]:
        """What the command says; `says`: what its operator writes, or None if they are not asked."""
        output = io.StringIO()
        console = Console(file=output, width=200)
        if says is not None:
            console.input = lambda prompt: output.write(f"{prompt}\n") and says  # type: ignore[method-assign,assignment,misc]
        run_reingest(console, environment="test", platform=Path(), wanted=wanted, is_confirmed=says is None)
        return output.getvalue().splitlines()

    def messages(self) -> list[dict[str, Any]]:
        """What came into the ingest queue, as the function gets it."""
        received = []
        while answer := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            received += [message(body=each["Body"]) for each in answer]
        return received


@pytest.fixture
def one_session() -> None:
    """None for all, in this module: boto3 adds to what it makes clients of."""


@pytest.fixture
def environment_in_aws(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    monkeypatch.setenv("DB_READER_PASSWORD_PARAM", "/tap/test/database/reader-password")
    monkeypatch.setenv("TEXT_RETENTION", "30")
    with http_server(SchemaFunction) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        yield Environment(aws)


def refuse(processor: Processor, record: dict[str, Any]) -> str:
    """Records the report as one that an older reader did not understand; its id."""
    upload = upload_of(record)
    connection = processor.database.connected()
    with connection.transaction():
        outcome = Faulty(NotXml("The reader was at fault."))
        recorded = uploads.record(connection, upload, Origin.of(upload.readable_key, {}), outcome)
        processor._leave_events(connection, recorded)
    return str(upload.event_id)


def test_all_reports_of_a_project_are_read_again(
    environment_in_aws: Environment,
    aws: Aws,
    postgres: Postgres,
    processor: Processor,
    function: Function,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Page by page, and in batches; no artifact is, and no other project."""
    monkeypatch.setattr(finding, "_PAGE", 12)
    for number in range(25):
        refuse(processor, aws.upload(f"shop/{number:02} ü+/report.xml", report(cases=1)))
    refuse(processor, aws.upload("bank/report.xml", report(cases=1)))
    processor.process(upload_of(aws.upload("shop/log.txt", b"x")))
    said = environment_in_aws.reingest(project="shop", says="test/shop")
    assert said == [
        "tap-lambda-test will read 25 reports of the project shop again, and announce what comes of it.",
        "Write test/shop to go on: ",
        "13 left",
        "1 left",
        "0 left",
        "Asked for: 25 reports of the project shop. tap-lambda-test reads them in the order of its queue.",
    ]
    messages = environment_in_aws.messages()
    assert len(messages) == 25
    assert function.invoke(*messages) == []
    rows = dict(postgres.query(STATUSES))
    assert rows.pop("bank/report.xml") == "error"
    assert (len(rows), set(rows.values())) == (26, {"success"})


def test_one_is_read_again(
    environment_in_aws: Environment, aws: Aws, postgres: Postgres, processor: Processor, function: Function
) -> None:
    """Each time that it is asked for."""
    first, second = (refuse(processor, aws.upload(f"shop/{name}.xml")) for name in "ab")
    function_says = "tap-lambda-test reads them in the order of its queue."
    assert environment_in_aws.reingest(upload=first) == ["0 left", f"Asked for: {first}. {function_says}"]
    environment_in_aws.reingest(upload=first)
    assert function.invoke(*environment_in_aws.messages()) == []
    assert postgres.query(STATUSES) == [("shop/a.xml", "success"), ("shop/b.xml", "error")]
    query = "select count(*) from outbox where upload_id = "
    assert postgres.query(f"{query} '{first}'") == [(3,)]
    assert postgres.query(f"{query} '{second}'") == [(1,)]


@pytest.mark.parametrize("says", ["", "shop", "test/bank"])
def test_nothing_is_asked_for_by_mistake(
    says: str, environment_in_aws: Environment, aws: Aws, processor: Processor
) -> None:
    """Who has an environment in their shell and means this machine does not write its name."""
    refuse(processor, aws.upload())
    assert environment_in_aws.reingest(project="shop", says=says)[-1] == "Nothing was asked for."
    assert environment_in_aws.messages() == []


def test_a_project_without_reports_has_none(environment_in_aws: Environment) -> None:
    """In one sentence, as what the function refuses."""
    assert environment_in_aws.reingest(project="shop") == ["No report is recorded of the project shop."]
    with pytest.raises(NotDoneError, match=r"^tap-schema-test fails: badly formed hexadecimal UUID string$"):
        environment_in_aws.reingest(upload="shop")
