"""What surrounds the function: emulated AWS and real PostgreSQL, started once and emptied for each test."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator

import botocore.session
import pytest

from handler.environment_variables import IngestVariables
from handler.ingest_function import make_processor
from handler.processing import Processor
from local.emulator import Emulator
from local.postgres import PostgresServer
from tests.handler.helpers.recorder import Recorder
from tests.handler.helpers.surroundings import PASSWORD, VARIABLES, Aws, Function, Postgres
from tests.postgres import LikeNew, temporary_server


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(log=tmp_path_factory.mktemp("emulator") / "log") as emulator:
        yield emulator


@pytest.fixture(scope="session")
def running_postgres() -> Iterator[PostgresServer]:
    with temporary_server(password=PASSWORD) as server:
        yield server


_one_session = functools.cache(botocore.session.get_session)


@pytest.fixture(autouse=True)
def one_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every container reads botocore's descriptions of AWS anew, which would be most of the time of a test.

    Only here: tests of other folders look at the credentials that a new session finds.
    """
    monkeypatch.setattr(botocore.session, "get_session", _one_session)


@pytest.fixture(scope="session")
def like_new() -> LikeNew:
    return LikeNew()


@pytest.fixture
def postgres(
    running_postgres: PostgresServer, like_new: LikeNew, environment: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Postgres]:
    """A database with its schema, at which libpq's own variables point as the worker of one machine sets them."""
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.1")
    monkeypatch.setenv("PGSSLROOTCERT", str(running_postgres.ca_file))
    postgres = Postgres(running_postgres)
    with postgres.connect() as connection:
        like_new.make(connection)
    yield postgres
    if postgres.password != PASSWORD:
        postgres.set_password(PASSWORD)


@pytest.fixture
def environment(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function's environment, with the emulator as AWS."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "PG"))]:
        monkeypatch.delenv(name)
    for name, value in {**emulator.environment(), **VARIABLES}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def aws(emulator: Emulator, postgres: Postgres) -> Aws:
    return Aws(emulator, postgres)


@pytest.fixture
def processor(aws: Aws) -> Iterator[Processor]:
    """The function as one container has it."""
    processor = make_processor(IngestVariables.read(VARIABLES))
    yield processor
    processor.database.close()


@pytest.fixture
def other_processor(aws: Aws) -> Iterator[Processor]:
    """The function as another container has it."""
    processor = make_processor(IngestVariables.read(VARIABLES))
    yield processor
    processor.database.close()


@pytest.fixture
def recorder(postgres: Postgres) -> Iterator[Recorder]:
    with postgres.connect() as connection:
        yield Recorder(connection)


@pytest.fixture
def function(aws: Aws) -> Iterator[Function]:
    function = Function()
    yield function
    function.restart()
