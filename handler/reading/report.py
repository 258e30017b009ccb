"""What a test report says, whatever its format."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from typing import NamedTuple, Protocol
from uuid import UUID


class Status(Enum):
    """The value grows with the severity; `test_status` in PostgreSQL has the same names in the same order."""

    passed = 0
    skipped = 1
    flaky = 2
    failed = 3
    error = 4


class Attempt(NamedTuple):
    """One try at a test, or several where the report sums them up.

    Some runners report a test that is run again once for each attempt, and one that fails twice over (in itself and
    in its teardown) twice. `attempts`: how many this one stands for. `duration_seconds` is None if unknown.
    `suite_number` tells the suites of a report apart: an equal `test_id` in another suite is another test.
    """

    test_id: UUID
    suite_number: int
    file: str | None
    suite: str | None
    classname: str | None
    name: str
    status: Status
    attempts: int
    duration_seconds: float | None
    type: str | None
    message: str | None
    details: str | None
    system_out: str | None
    system_err: str | None


class Report(Protocol):
    """A test report, read from its stream while one iterates over the attempts."""

    @property
    def project(self) -> str: ...

    @property
    def started_at(self) -> datetime | None: ...

    @property
    def duration(self) -> float | None: ...

    def __iter__(self) -> Iterator[Attempt]: ...
