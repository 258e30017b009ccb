"""What surrounds the function in the tests, and how they use it."""

from __future__ import annotations

import functools
import io
import json
import logging
import socketserver
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import quote_plus
from uuid import uuid4

import psycopg
from botocore.exceptions import ClientError

from handler import ingest_function
from handler.announcing import FAILURES_CHANGED, OBJECT_PROCESSED, outbox
from handler.announcing.event import Event, object_processed
from handler.announcing.publisher import EventPublisher
from handler.log import logger
from handler.notifications import Upload, read_message
from handler.origin import Origin
from handler.outcome import Artifact
from handler.processing import Processor
from handler.readable import Readable
from handler.recording import uploads
from handler.recording.uploads import Recorded
from handler.storage import ObjectStorage, StoredObject
from local.emulator import Emulator
from local.postgres import PostgresServer
from tests.handler.helpers.schemas import assert_documented

PASSWORD = "correct horse battery staple"
BUCKET = "uploads"
REPORT = b'<testsuites><testsuite name="cart"><testcase name="adds"/></testsuite></testsuites>'
VARIABLES = {
    "ENVIRONMENT": "test",
    "DB_ENDPOINT_PARAM": "/tap/test/database/endpoint",
    "DB_USERNAME_PARAM": "/tap/test/database/username",
    "DB_PASSWORD_PARAM": "/tap/test/database/password",
    "DB_NAME_PARAM": "/tap/test/database/name",
    "EVENT_BUS_NAME": "tap-application-events-test",
    "EVENT_SOURCE": "tap.application.test",
    "RESULTS_ADDRESS": "https://tap.example.com",
    "OUTCOME_RETENTION": "90",
    "ANNOUNCE_TEST_NAMES": "true",
}


class Postgres:
    """The server, and a look into it past the function."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.password = PASSWORD

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=self.server.hostname,
            port=self.server.port,
            user="tap",
            password=self.password,
            dbname="tap",
            sslmode="verify-full",
            sslrootcert=str(self.server.ca_file),
            application_name="test",
            autocommit=True,
        )

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Executes any statement; the rows if it has some."""
        with self.connect() as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def cut_connections(self) -> None:
        """Ends every session of the function, as a failover does."""
        self.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tap-ingest'")

    def set_password(self, password: str) -> None:
        self.server.set_password(password)
        self.password = password


class Aws:
    """The function's AWS account: its parameters, the upload bucket and the bus with its consumer queue."""

    def __init__(self, emulator: Emulator, postgres: Postgres) -> None:
        urllib.request.urlopen(urllib.request.Request(f"{emulator.url}/moto-api/reset", method="POST")).close()
        self.client = emulator.client
        self._s3, self._ssm, self._events, self._sqs = _clients(emulator)
        self._s3.create_bucket(Bucket=BUCKET)
        self._s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.put_parameter("endpoint", f"{postgres.server.hostname}:{postgres.server.port}")
        self.put_parameter("username", "tap")
        self.put_parameter("password", PASSWORD)
        self.put_parameter("name", "tap")
        self._queue = self._sqs.create_queue(QueueName="consumer")["QueueUrl"]
        self.create_bus()

    def holds(self, record: dict[str, Any]) -> bool:
        """Whether the object that an S3 record announces is still there."""
        upload = upload_of(record)
        try:
            self._s3.head_object(Bucket=upload.bucket, Key=upload.key, VersionId=upload.version_id)
        except ClientError:
            return False
        return True

    def put_parameter(self, name: str, value: str) -> None:
        self._ssm.put_parameter(Name=f"/tap/test/database/{name}", Value=value, Type="SecureString", Overwrite=True)

    def get_parameter(self, name: str) -> str:
        parameter = self._ssm.get_parameter(Name=f"/tap/test/database/{name}", WithDecryption=True)["Parameter"]
        return str(parameter["Value"])

    def delete_parameter(self, name: str) -> None:
        self._ssm.delete_parameter(Name=f"/tap/test/database/{name}")

    def create_bus(self) -> None:
        bus = VARIABLES["EVENT_BUS_NAME"]
        self._events.create_event_bus(Name=bus)
        self._events.put_rule(Name="all", EventBusName=bus, EventPattern='{"source": [{"prefix": ""}]}')
        queue = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        target = {"Id": "consumer", "Arn": queue["Attributes"]["QueueArn"]}
        self._events.put_targets(Rule="all", EventBusName=bus, Targets=[target])

    def delete_bus(self) -> None:
        bus = VARIABLES["EVENT_BUS_NAME"]
        self._events.remove_targets(Rule="all", EventBusName=bus, Ids=["consumer"])
        self._events.delete_rule(Name="all", EventBusName=bus)
        self._events.delete_event_bus(Name=bus)

    def upload(
        self,
        key: str = "shop/report.xml",
        content: bytes = REPORT,
        metadata: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Puts an object into the bucket; the S3 record that announces it."""
        answer = self._s3.put_object(Bucket=BUCKET, Key=key, Body=content, Metadata=metadata or {})
        return {
            "eventSource": "aws:s3",
            "eventTime": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "eventName": "ObjectCreated:Put",
            "s3": {
                "bucket": {"name": BUCKET},
                "object": {
                    "key": quote_plus(key, safe="/"),
                    "size": len(content),
                    "eTag": answer["ETag"].strip('"'),
                    "versionId": answer["VersionId"],
                },
            },
        }

    def events(self) -> list[dict[str, Any]]:
        """The events that arrived in the consumer queue since the last time, each as its schema says."""
        received = []
        while messages := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                event = json.loads(message["Body"])
                if event["detail-type"] in {OBJECT_PROCESSED, FAILURES_CHANGED}:
                    assert_documented(event)
                received.append(event)
        return received


@functools.cache
def _clients(emulator: Emulator) -> tuple[Any, ...]:
    # Made once, since each takes a good part of what a test takes.
    return tuple(map(emulator.client, ("s3", "ssm", "events", "sqs")))


def remaining(seconds: float) -> Iterator[int]:
    """The milliseconds that are left of an invocation of so many seconds, whenever it asks."""
    deadline = time.monotonic() + seconds
    while True:
        yield max(0, int((deadline - time.monotonic()) * 1000))


@dataclass(frozen=True)
class LambdaContext:
    """What Lambda tells about the invocation."""

    function_name: str = "tap-lambda-test"
    memory_limit_in_mb: str = "512"
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:tap-lambda-test"
    aws_request_id: str = "8f5d2a6e-0000-4000-8000-000000000000"
    milliseconds_left: Iterator[int] = field(default_factory=lambda: remaining(seconds=120))

    def get_remaining_time_in_millis(self) -> int:
        return next(self.milliseconds_left)


class Function:
    """The function as Lambda invokes it, in one container."""

    def __init__(self) -> None:
        self._output = io.StringIO()
        handler = logger.registered_handler
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(self._output)

    def answer(self, *messages: dict[str, Any], context: LambdaContext | None = None) -> dict[str, Any]:
        """The function's answer to a batch of messages."""
        return ingest_function.lambda_handler({"Records": list(messages)}, context or LambdaContext())

    def invoke(self, *messages: dict[str, Any], seconds: float = 120) -> list[str]:
        """The ids of the failed messages, in the order of the answer; `seconds` is the function's timeout."""
        answer = self.answer(*messages, context=LambdaContext(milliseconds_left=remaining(seconds)))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def restart(self) -> None:
        """Goes on in a new container, which reads its environment anew."""
        ingest_function._processor().database.close()
        ingest_function._processor.cache_clear()

    @property
    def log(self) -> str:
        return self._output.getvalue()

    @property
    def log_entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.splitlines()]


class InterruptedStorage(ObjectStorage):
    """S3, where `happen` is called in the middle of each object: after its first 64 KiB, or all if it has less."""

    def __init__(self, storage: ObjectStorage, happen: Callable[[], object]) -> None:
        self._storage = storage
        self._happen = happen

    @contextmanager
    def open(self, upload: Upload) -> Iterator[StoredObject]:
        with self._storage.open(upload) as stored:
            yield stored._replace(content=_Interrupted(stored.content, self._happen))


class InterruptedPublisher(EventPublisher):
    """The bus, where `happen` is called once it has the events, and before anybody learns of it."""

    def __init__(self, publisher: EventPublisher, happen: Callable[[], object]) -> None:
        self._publisher = publisher
        self._happen = happen

    def put(self, events: Sequence[Event]) -> list[str | None]:
        errors = self._publisher.put(events)
        self._happen()
        return errors


class _Interrupted:
    def __init__(self, content: Readable, happen: Callable[[], object]) -> None:
        self._content = content
        self._happen = happen
        self._reads = 0

    def read(self, size: int, /) -> bytes:
        self._reads += 1
        if self._reads == 2:
            self._happen()
        return self._content.read(size)


def answering(status: int, body: bytes = b"") -> type[BaseHTTPRequestHandler]:
    """The handler of a server that answers every request alike."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keeps the tests' output clean."""

    return Answering


@contextmanager
def http_server(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on this machine that answers by `handler`; its URL."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def report(cases: int) -> bytes:
    """A JUnit report with so many tests, all passed."""
    testcases = "".join(f'<testcase classname="cart" name="{number}"/>' for number in range(cases))
    return f"<testsuites><testsuite>{testcases}</testsuite></testsuites>".encode()


def message(
    *records: dict[str, Any], body: str | None = None, message_id: str | None = None, receives: int = 1
) -> dict[str, Any]:
    """An SQS message with these S3 records, or with this body, when it is received for the so manieth time."""
    return {
        "messageId": message_id or str(uuid4()),
        "body": json.dumps({"Records": records}) if body is None else body,
        "attributes": {"ApproximateReceiveCount": str(receives)},
    }


def aged(record: dict[str, Any], *, minutes: int) -> dict[str, Any]:
    """The record of an upload that was made so long ago."""
    uploaded_at = datetime.now(UTC) - timedelta(minutes=minutes)
    return {**record, "eventTime": uploaded_at.isoformat(timespec="milliseconds")}


def upload_of(record: dict[str, Any]) -> Upload:
    """The upload that an S3 record announces."""
    [upload] = read_message(json.dumps({"Records": [record]}))
    assert isinstance(upload, Upload)
    return upload


def record_only(processor: Processor, upload: Upload) -> Recorded:
    """Records the upload and leaves its event unsent, as a container does that dies in between."""
    connection = processor.database.connected()
    with connection.transaction():
        recorded = uploads.record(connection, upload, Origin(project="shop"), Artifact())
        outbox.add(connection, upload.event_id, object_processed(recorded, processor.results_address))
    return recorded


def wait_for_a_lock(postgres: Postgres, delivery: Future[Any]) -> None:
    """Until the delivery waits for another that holds a lock, or is done because none does."""
    sessions = "select wait_event_type from pg_stat_activity where application_name = 'tap-ingest'"
    while ("Lock",) not in postgres.query(sessions) and not delivery.done():
        pass
