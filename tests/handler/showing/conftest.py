"""The results function, and a history that it shows.

The schema is made, the parameters are put and the function is started once for each file: a test begins without any
upload, and leaves everything else as it was. One that changes the environment restarts the function, which reads it
when it starts.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from handler.recording import reader
from local.emulator import Emulator
from local.postgres import PostgresServer
from tests.browser.helpers.history import History
from tests.handler.helpers.pages import Pages
from tests.handler.helpers.recorder import Recorder
from tests.handler.helpers.results import ADDRESS, READER_PASSWORD, Results
from tests.handler.helpers.surroundings import Aws, Postgres
from tests.postgres import make_empty, migrate

# An example takes as long as a busy machine lets it take.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# All else that an upload leaves goes with these.
_EMPTY = "delete from upload; delete from history.test; delete from history.project"


@pytest.fixture(scope="module")
def schema(running_postgres: PostgresServer) -> Iterator[None]:
    """Also the reader's login."""
    # A test of another folder may have left one that works with its own database.
    Results().restart()
    with pytest.MonkeyPatch.context() as monkeypatch:
        _point_libpq_at(running_postgres, monkeypatch)
        with Postgres(running_postgres).connect() as connection:
            make_empty(connection)
            migrate(connection)
            reader.set_up(connection, READER_PASSWORD)
    yield
    # The next file may have another emulator, and has another schema.
    Results().restart()


@pytest.fixture
def postgres(
    schema: None, running_postgres: PostgresServer, environment: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Postgres]:
    """A database with its schema, in which nothing is recorded."""
    _point_libpq_at(running_postgres, monkeypatch)
    monkeypatch.setenv("DB_PASSWORD_PARAM", "/tap/test/database/reader-password")
    monkeypatch.setenv("RESULTS_ADDRESS", ADDRESS)
    postgres = Postgres(running_postgres)
    yield postgres
    postgres.query(_EMPTY)


@pytest.fixture(scope="module")
def parameters(schema: None, emulator: Emulator, running_postgres: PostgresServer) -> Aws:
    """Those of the results function."""
    aws = Aws(emulator, Postgres(running_postgres))
    aws.put_parameter("reader-password", READER_PASSWORD)
    return aws


@pytest.fixture
def results(parameters: Aws, postgres: Postgres) -> Iterator[Results]:
    """The function with the reader's login."""
    results = Results()
    yield results
    if results.restarted:
        results.restart()


@pytest.fixture
def history(postgres: Postgres) -> Iterator[History]:
    """What is uploaded by it is recorded by the function's own code."""
    with postgres.connect() as connection:
        yield History(connection)


@pytest.fixture
def pages(recorder: Recorder) -> Pages:
    """What is shown of the tests' own reports, without the function around it."""
    return Pages(recorder.connection)


def _point_libpq_at(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.1")
    monkeypatch.setenv("PGSSLROOTCERT", str(server.ca_file))
