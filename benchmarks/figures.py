"""What a benchmark found out."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg

from tests.postgres import migrate, temporary_server


@dataclass(frozen=True, kw_only=True)
class Figure:
    """`limit`: what it may be at most; None for what is only told. `unit` is empty for a ratio."""

    what: str
    value: float
    unit: str = ""
    limit: float | None = None

    @property
    def is_missed(self) -> bool:
        return self.limit is not None and self.value > self.limit

    def __str__(self) -> str:
        limit = "" if self.limit is None else f" (at most {self.limit:g}{' MISSED' if self.is_missed else ''})"
        return f"{self.what}: {self.value:.3g} {self.unit}".rstrip() + limit


class Seconds(NamedTuple):
    """`cpu` is that of this process alone."""

    cpu: float
    elapsed: float


def medians(sides: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, Seconds]:
    """Of each side, in turns: so their ratios hold on a busy machine as well."""
    measured: dict[str, list[Seconds]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, act in sides.items():
            measured[name].append(seconds_of(act))
    found = {}
    for name, each in measured.items():
        cpu, elapsed = (statistics.median(seconds) for seconds in zip(*each, strict=True))
        print(f"  {name:36} {cpu:6.2f} s of CPU, {elapsed:6.2f} s in all", flush=True)
        found[name] = Seconds(cpu, elapsed)
    return found


def seconds_of(act: Callable[[], object]) -> Seconds:
    cpu, elapsed = time.process_time(), time.perf_counter()
    act()
    return Seconds(time.process_time() - cpu, time.perf_counter() - elapsed)


def percentile(values: list[float], percent: int) -> float:
    """The smallest value with at least so many percent of all up to it."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


@contextmanager
def database() -> Iterator[psycopg.Connection[Any]]:
    """A database of its own, with the schema, whose settings are PostgreSQL's defaults."""
    with temporary_server(password="tap") as server:  # noqa: S106 - of a server that lives for minutes
        connection_string = psycopg.conninfo.make_conninfo(
            host=server.hostname,
            hostaddr="127.0.0.1",
            port=server.port,
            user="tap",
            password="tap",  # noqa: S106
            dbname="tap",
            sslmode="verify-full",
            sslrootcert=str(server.ca_file),
        )
        with psycopg.connect(connection_string, autocommit=True) as connection:
            migrate(connection)
        # The schema sets what sessions begin with.
        with psycopg.connect(connection_string, autocommit=True) as connection:
            yield connection
