"""The results function, and a history that it shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from handler.recording import reader
from tests.browser.helpers.history import History
from tests.handler.helpers.pages import Pages
from tests.handler.helpers.recorder import Recorder
from tests.handler.helpers.results import ADDRESS, READER_PASSWORD, Results
from tests.handler.helpers.surroundings import Aws, Postgres


@pytest.fixture
def results(aws: Aws, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Results]:
    """The function with the reader's login."""
    with postgres.connect() as connection:
        reader.set_up(connection, READER_PASSWORD)
    aws.put_parameter("reader-password", READER_PASSWORD)
    monkeypatch.setenv("DB_PASSWORD_PARAM", "/tap/test/database/reader-password")
    monkeypatch.setenv("RESULTS_ADDRESS", ADDRESS)
    results = Results()
    yield results
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
