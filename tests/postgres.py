"""A PostgreSQL server for a test or a benchmark."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import processes
from local.postgres import PostgresServer


@contextmanager
def temporary_server(*, password: str) -> Iterator[PostgresServer]:
    """A server with the user and database `tap`, of which nothing is left at the end."""
    # Not below pytest's folder, which only its owner may enter: under root, the server runs as another user.
    with (
        tempfile.TemporaryDirectory() as directory,
        PostgresServer(
            hostname="db.example",
            port=processes.free_port(),
            user="tap",
            password=password,
            database="tap",
            directory=Path(directory),
            log=Path(directory, "log"),
        ) as server,
    ):
        yield server
