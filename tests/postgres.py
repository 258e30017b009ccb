"""A PostgreSQL server for a test or a benchmark."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from handler.recording import schema
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


def make_empty(connection: psycopg.Connection[Any]) -> None:
    """Takes back whatever a test left."""
    connection.execute("drop schema public cascade; create schema public; drop schema if exists history cascade")


def migrate(connection: psycopg.Connection[Any]) -> list[int]:
    """Applies all migrations, as the schema function does; the versions of those that were new."""

    deadline = time.monotonic() + 60

    def seconds_left() -> float:
        return deadline - time.monotonic()

    with schema.alone(connection, seconds_left):
        return schema.migrate(connection, seconds_left)
