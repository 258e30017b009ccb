"""The examples of docs/consuming.md, as far as they need no deployed platform."""

from __future__ import annotations

import json
import re
import runpy
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from handler.announcing import outbox
from handler.processing import Processor
from tests.handler.helpers.recorder import case
from tests.handler.helpers.surroundings import VARIABLES, Aws, Postgres, aged, upload_of

DOCS = Path(__file__).parents[3] / "docs"
METADATA = {"tap-project": "shop", "tap-job": "unit", "tap-branch": "main"}


def upload(aws: Aws, processor: Processor, *cases: str, minutes_ago: int, **metadata: str) -> None:
    said = METADATA | {f"tap-{name}": value for name, value in metadata.items()}
    record = aws.upload(content=f"<testsuite>{''.join(cases)}</testsuite>".encode(), metadata=said)
    assert processor.process(upload_of(aged(record, minutes=minutes_ago)))


class TestConsumer:
    """docs/examples/consumer.py"""

    @pytest.fixture
    def consumer(self) -> dict[str, Any]:
        return runpy.run_path(str(DOCS / "examples" / "consumer.py"))

    @pytest.fixture
    def database(self, consumer: dict[str, Any], tmp_path: Path) -> Iterator[sqlite3.Connection]:
        with closing(consumer["open_database"](str(tmp_path / "seen.sqlite"))) as database:
            yield database

    @pytest.fixture
    def queue(self, aws: Aws) -> str:
        return str(aws.client("sqs").get_queue_url(QueueName="consumer")["QueueUrl"])

    def test_keeps_a_list_of_what_is_broken(
        self,
        aws: Aws,
        processor: Processor,
        consumer: dict[str, Any],
        database: sqlite3.Connection,
        queue: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """And says so: the other events of the queue are no news."""
        upload(aws, processor, case("passed"), case("failed", "pays"), minutes_ago=9)
        upload(aws, processor, case("failed"), case("passed", "pays"), minutes_ago=8)
        assert consumer["consume"](aws.client("sqs"), queue, database, consumer["note_failures"], wait=0) == 3
        title, page_url = capsys.readouterr().out.splitlines()
        assert title == "❌ shop: 1 newly failing, 1 fixed · main · unit"
        [(test, page)] = database.execute("select * from broken").fetchall()
        assert page == page_url
        upload(aws, processor, case("passed"), case("passed", "pays"), minutes_ago=7)
        consumer["consume"](aws.client("sqs"), queue, database, consumer["note_failures"], wait=0)
        assert database.execute("select * from broken").fetchall() == []
        assert test

    def test_does_what_comes_twice_once(
        self,
        aws: Aws,
        processor: Processor,
        postgres: Postgres,
        consumer: dict[str, Any],
        database: sqlite3.Connection,
        queue: str,
    ) -> None:
        """Whether the bus got the event twice, or the queue gives the message twice."""
        upload(aws, processor, case("passed"), minutes_ago=9)
        upload(aws, processor, case("failed"), minutes_ago=8)
        for _ in range(2):
            postgres.query("update outbox set sent_at = null")
            for (upload_id,) in postgres.query("select event_id from upload"):
                outbox.send(processor.database.connected(), upload_id, processor.publisher)
        seen: list[str] = []

        def act(_: sqlite3.Connection, event: dict[str, Any]) -> None:
            seen.append(event["detail"]["event_id"])

        assert consumer["consume"](aws.client("sqs"), queue, database, act, wait=0) == 9
        assert len(seen) == len(set(seen)) == 3
        assert consumer["consume"](aws.client("sqs"), queue, database, act, wait=0) == 0

    def test_an_event_during_which_it_dies_comes_again(
        self, aws: Aws, processor: Processor, consumer: dict[str, Any], database: sqlite3.Connection, queue: str
    ) -> None:
        """It counts as done only with all that was to be done."""
        # As if the time were always over for which the queue hides it.
        aws.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "0"})
        upload(aws, processor, case("passed"), minutes_ago=9)

        def die(database: sqlite3.Connection, _: dict[str, Any]) -> None:
            database.execute("insert into broken values ('half done', '')")
            raise ConnectionError

        with pytest.raises(ConnectionError):
            consumer["consume"](aws.client("sqs"), queue, database, die, wait=0)
        left = database.execute("select (select count(*) from done), (select count(*) from broken)").fetchone()
        assert left == (0, 0)
        assert consumer["consume"](aws.client("sqs"), queue, database, consumer["note_failures"], wait=0) == 1


TEXT = (DOCS / "consuming.md").read_text()


def patterns() -> dict[str, dict[str, Any]]:
    """Those of the table, by what they are to hear of."""
    rows = re.findall(r"^\| ([^|]+) \| `([^`]+)` \| `(\{[^`]+\})` \|$", TEXT, re.MULTILINE)
    return {what: {"detail-type": [detail_type], "detail": json.loads(detail)} for what, detail_type, detail in rows}


@pytest.mark.parametrize(
    ("what", "heard"),
    [
        ("tests that a project broke on `main`", ["breaks and fixes"]),
        ("a branch on which nothing fails any more", ["fixes the rest"]),
        ("reports that could not be read", ["no report"]),
        ("runs that are not complete", ["incomplete"]),
    ],
)
def test_a_pattern_matches_what_it_says(
    what: str, heard: list[str], aws: Aws, processor: Processor, postgres: Postgres
) -> None:
    """On the bus, with one upload of each kind."""
    events, sqs, bus = aws.client("events"), aws.client("sqs"), VARIABLES["EVENT_BUS_NAME"]
    queue = sqs.create_queue(QueueName="own")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="own", EventBusName=bus, EventPattern=json.dumps(patterns()[what]))
    events.put_targets(Rule="own", EventBusName=bus, Targets=[{"Id": "own", "Arn": arn}])
    upload(aws, processor, case("passed"), case("failed", "pays"), minutes_ago=9, commit="first")
    upload(aws, processor, case("failed"), case("passed", "pays"), minutes_ago=8, commit="breaks and fixes")
    upload(aws, processor, case("passed"), case("passed", "pays"), minutes_ago=7, commit="fixes the rest")
    upload(aws, processor, "<", minutes_ago=6, commit="no report")
    upload(aws, processor, "<testsuite tests='2'/>", minutes_ago=5, commit="incomplete")
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    assert [json.loads(message["Body"])["detail"]["commit"] for message in messages] == heard


def test_every_pattern_is_tried() -> None:
    """A new one needs a line above."""
    assert len(patterns()) == 4
