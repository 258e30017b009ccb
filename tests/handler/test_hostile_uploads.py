"""The uploader is an untrusted party: whatever is uploaded ends as a recorded fault or as an inert value."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from tests.handler.helpers.container import Container
from tests.handler.helpers.hostile_uploads import HOSTILE, MARK, MIB, Hostile
from tests.handler.helpers.surroundings import VARIABLES, Aws, Postgres, aged, message, report, upload_of

pytestmark = pytest.mark.security

# What the function may ask for, as the smallest memory that it is deployed with; and what it may take of it.
ADDRESS_SPACE = 512 * MIB
PEAK = 256 * MIB

# All that is in the database beside the upload that is tried and the one behind it: tables, users, and what an earlier
# upload of another project left.
_REST = """
    select array(select (table_schema, table_name)::text from information_schema.tables
                 where table_schema not like 'pg_%' order by 1),
           array(select (rolname, rolsuper)::text from pg_roles order by 1),
           array(select to_jsonb(upload) || to_jsonb(outbox) || to_jsonb(run) || to_jsonb(test) || to_jsonb(result)
                 from upload
                 join outbox using (event_id)
                 join run on run.id = event_id
                 join result on run_id = event_id
                 join test on test.id = test_id
                 where key = 'bank/before.xml'
                 order by test.name)
"""
# An upload, and what it left; of several results any.
_RECORDED = """
    select to_jsonb(upload) || coalesce(to_jsonb(run), '{}') || coalesce(to_jsonb(test), '{}')
        || coalesce(to_jsonb(result), '{}')
        || jsonb_build_object('project', upload.project, 'status', upload.status, 'tests', run.tests,
                              'run_seconds', run.duration_seconds, 'test_seconds', result.duration_seconds,
                              'suite_outputs', (
                                  select jsonb_agg(to_jsonb(suite_output) - 'run_id' order by suite_number)
                                  from suite_output where run_id = event_id
                              ))
    from upload
    left join run on run.id = event_id
    left join result on run_id = event_id
    left join test on test.id = test_id
    where event_id = %s
    limit 1
"""


@dataclass
class Tally:
    """How many kinds were tried, and which of them came through."""

    tried: int = 0
    contained: int = 0


@pytest.fixture(scope="module")
def tally(summary: list[str]) -> Iterator[Tally]:
    tally = Tally()
    yield tally
    escaped = tally.tried - tally.contained
    summary.append(f"hostile uploads: {tally.tried} kinds tried, {escaped} escaped")


@dataclass
class Containers:
    """One container for all uploads, as they would share one; another only after it died."""

    log: Path
    running: list[Container] = field(default_factory=list)

    def container(self, environment: dict[str, str]) -> Container:
        if not self.running or not self.running[-1].alive:
            self.close()
            self.running.append(Container(environment, address_space=ADDRESS_SPACE, log=self.log).__enter__())
        return self.running[-1]

    def close(self) -> None:
        for container in self.running:
            container.__exit__()
        self.running.clear()


@pytest.fixture(scope="module")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    containers = Containers(tmp_path_factory.mktemp("container") / "log")
    yield containers
    containers.close()


@pytest.fixture
def container(aws: Aws, postgres: Postgres, containers: Containers) -> Container:
    """The container, in front of an empty database."""
    names = [name for name in os.environ if name.startswith(("AWS_", "PG")) or name in VARIABLES]
    container = containers.container({name: os.environ[name] for name in names})
    postgres.cut_connections()
    return container


@pytest.mark.parametrize("hostile", [pytest.param(kind, id=f"{kind.category}: {kind.name}") for kind in HOSTILE])
def test_a_hostile_upload_is_a_fault_or_inert(
    hostile: Hostile, aws: Aws, postgres: Postgres, container: Container, tally: Tally
) -> None:
    """Recorded and announced once; nothing breaks, nothing leaks, nothing else changes, and the queue goes on."""
    tally.tried += 1
    assert container.invoke(message(aws.upload("bank/before.xml", report(cases=3)))) == []
    record = aws.upload(hostile.key, hostile.content(), hostile.metadata)
    if hostile.announced_key:
        record["s3"]["object"]["key"] = hostile.announced_key
        # S3 does not know it; within 20 minutes of the upload, that would have to be waited for.
        record = aged(record, minutes=21)
    following = aws.upload("shop/following.xml", report(cases=2))
    with postgres.connect() as connection:
        rest = connection.execute(_REST).fetchone()
        logged = len(container.output)
        container.forget_peak()

        failed = container.invoke(message(record), message(following))

        assert failed == [], container.output[logged:]
        assert container.peak < PEAK
        check_log(container.output[logged:])
        check_event(hostile, record, aws.events())
        check_row(hostile, recorded(connection, record))
        assert {"status": "success", "tests": 2}.items() <= recorded(connection, following).items()
        assert connection.execute(_REST).fetchone() == rest
        assert connection.execute("select count(*) from upload").fetchone() == (3,)
    tally.contained += 1


def recorded(connection: Connection[Any], record: dict[str, Any]) -> dict[str, Any]:
    """What the database has of an upload, by column."""
    [(row,)] = connection.execute(_RECORDED, [upload_of(record).event_id])
    assert isinstance(row, dict)
    return row


def check_row(hostile: Hostile, row: dict[str, Any]) -> None:
    code = None if hostile.expected == "inert" else hostile.expected
    assert (row["status"], row["error_code"]) == ("error" if code else "success", code)
    assert (row["tests"] is None) == (code is not None or row["kind"] == "artifact")
    assert {column: row[column] for column in hostile.stored} == hostile.stored


def check_event(hostile: Hostile, record: dict[str, Any], events: list[dict[str, Any]]) -> None:
    """Once, beside those of the uploads before and behind it; it is JSON, or `events` could not have read it."""
    [detail] = [event["detail"] for event in events if event["detail"]["event_id"] == str(upload_of(record).event_id)]
    assert len(events) == 3
    assert detail["status"] == ("success" if hostile.expected == "inert" else "error")
    assert detail.get("error", {}).get("code", "inert") == hostile.expected
    assert MARK not in json.dumps(detail)


def check_log(written: str) -> None:
    """Two entries and the metrics, each a line of JSON in ASCII; none has anything of the content."""
    assert written.isascii()
    assert all(line.isprintable() for line in written.split("\n"))
    lines = [json.loads(line) for line in written.split("\n") if line]
    entries = [line for line in lines if "_aws" not in line]
    assert [entry["message"] for entry in entries] == ["Upload processed"] * 2
    assert [entry["level"] for entry in entries] == ["INFO"] * 2
    assert len(lines) - len(entries) == 1
    assert MARK not in written
    assert "root:" not in written
