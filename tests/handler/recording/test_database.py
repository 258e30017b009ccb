"""The connection to the database: its credential, its checks and its limits."""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from handler import ingest_function
from handler.environment_variables import IngestVariables
from handler.notifications import Upload
from handler.parameters import ParameterStore
from handler.processing import Processor
from handler.recording import database
from handler.recording.database import Database, DatabaseUnavailable
from handler.recording.uploads import find
from tests.handler.helpers.surroundings import VARIABLES, Aws, InterruptedStorage, Postgres, upload_of

UPLOAD = Upload(
    bucket="uploads", key="a.xml", version_id="v1", etag="e", size=1, uploaded_at=datetime(2026, 11, 23, tzinfo=UTC)
)


class CountedParameters(ParameterStore):
    """A parameter store that counts what is asked of Parameter Store itself."""

    def __init__(self, aws: Aws, clock: Callable[[], float] = lambda: 0.0) -> None:
        client = aws.client("ssm")
        super().__init__(client, IngestVariables.read(VARIABLES), clock)
        self.calls: list[Any] = []
        client.meta.events.register("provide-client-params.ssm", self._count)

    def _count(self, params: Any, model: Any, **_: Any) -> None:
        self.calls.append((model.name, params))


@pytest.fixture
def parameters(aws: Aws) -> CountedParameters:
    return CountedParameters(aws)


@pytest.fixture
def connected(parameters: CountedParameters) -> Iterator[Database]:
    """A database with an open connection."""
    with closing(Database(parameters, application_name="tap-ingest", settings=ingest_function.TIMEOUTS)) as database:
        database.connected()
        yield database


def test_all_four_parameters_are_fetched_in_one_call(parameters: CountedParameters, connected: Database) -> None:
    """Decrypted, by the names of the environment."""
    names = [VARIABLES[f"DB_{name}_PARAM"] for name in ("ENDPOINT", "PASSWORD", "NAME", "USERNAME")]
    assert parameters.calls == [("GetParameters", {"Names": names, "WithDecryption": True})]


def test_the_password_is_not_part_of_the_printed_parameters(parameters: CountedParameters) -> None:
    """It would be shown by any log or stack trace that shows them."""
    fetched = parameters.database()
    assert fetched.password
    assert fetched.password not in repr(fetched)


@pytest.mark.parametrize(("age", "calls"), [(59.9, 1), (60.0, 2)])
def test_parameters_are_cached_for_a_minute(aws: Aws, age: float, calls: int) -> None:
    """Then they are fetched again, so that a database on another port is found."""
    now = 1000.0
    parameters = CountedParameters(aws, lambda: now)
    parameters.database()
    now += age
    parameters.database()
    assert len(parameters.calls) == calls


def test_a_dropped_connection_is_reopened(
    postgres: Postgres, parameters: CountedParameters, connected: Database
) -> None:
    """With the cached parameters."""
    postgres.cut_connections()
    assert find(connected.connected(), UPLOAD) is None
    assert len(parameters.calls) == 1


def test_a_rotated_password_is_fetched_once_more(
    aws: Aws, postgres: Postgres, parameters: CountedParameters, connected: Database
) -> None:
    """And the upload does not even fail."""
    postgres.set_password("rotated")
    aws.put_parameter("password", "rotated")
    postgres.cut_connections()
    assert find(connected.connected(), UPLOAD) is None
    assert len(parameters.calls) == 2


def test_a_wrong_password_fails_after_one_more_fetch(
    postgres: Postgres, parameters: CountedParameters, connected: Database
) -> None:
    """Between the two halves of a rotation the message has to wait for its retry."""
    postgres.set_password("rotated")
    postgres.cut_connections()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connected.connected()
    assert len(parameters.calls) == 2


def test_an_unreachable_database_is_no_reason_to_fetch_again(
    postgres: Postgres, parameters: CountedParameters, connected: Database
) -> None:
    """Parameter Store would be asked by every message of an outage."""
    postgres.server.stop()
    try:
        with pytest.raises(psycopg.OperationalError):
            connected.connected()
    finally:
        postgres.server.start()
    assert len(parameters.calls) == 1


def test_a_locked_row_is_waited_for_within_the_limit(
    postgres: Postgres, parameters: CountedParameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the message is retried, instead of holding up its batch."""
    monkeypatch.setitem(ingest_function.TIMEOUTS, "lock_timeout", 1)
    with (
        closing(Database(parameters, application_name="tap-ingest", settings=ingest_function.TIMEOUTS)) as impatient,
        postgres.connect() as holder,
    ):
        find(impatient.connected(), UPLOAD)
        with holder.transaction():
            holder.execute("lock table upload in access exclusive mode")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                find(impatient.connected(), UPLOAD)


def test_a_server_that_does_not_answer_is_given_up(
    aws: Aws, postgres: Postgres, parameters: CountedParameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the connect timeout, and without asking for another password."""
    monkeypatch.setattr(database, "CONNECT_TIMEOUT", 1)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        closing(Database(parameters, application_name="tap-ingest", settings=ingest_function.TIMEOUTS)) as waiting,
    ):
        aws.put_parameter("endpoint", f"{postgres.server.hostname}:{silent.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            waiting.connected()
        assert time.monotonic() - started < 15
    assert len(parameters.calls) == 1


def test_a_report_may_take_longer_than_other_statements(
    aws: Aws, postgres: Postgres, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But only while it is recorded: then the usual limit holds again."""
    monkeypatch.setitem(ingest_function.TIMEOUTS, "statement_timeout", 200)
    slow = InterruptedStorage(processor.storage, lambda: time.sleep(0.4))
    assert dataclasses.replace(processor, storage=slow).process(upload_of(aws.upload()))
    with pytest.raises(psycopg.errors.QueryCanceled):
        processor.database.connected().execute("select pg_sleep(1)")


def test_the_server_knows_the_limits(connected: Database) -> None:
    """It enforces them even when the container is frozen."""
    names = (
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "client_connection_check_interval",
    )
    connection = connected.connected()
    settings = [connection.execute("select current_setting(%s)", [name]).fetchone() for name in names]
    assert settings == [("30s",), ("10s",), ("1min",), ("5s",)]


def test_a_peer_that_is_silent_is_asked(connected: Database) -> None:
    """A failed host sends nothing any more, not even that it ends; a statement would be waited for till the timeout."""
    parameters = connected.connected().info.get_parameters()
    keepalive = {name: int(parameters[name]) for name in database.KEEPALIVE}
    assert keepalive == {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
