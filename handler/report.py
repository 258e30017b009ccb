"""What a test report says, whatever its format."""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import NamedTuple
from uuid import UUID, uuid5

# Never to change: the history of every test hangs on the ids that are made under it.
_TESTS = UUID("f2b3a3f6-6f0c-5c1e-9d53-0f5b5d5e8a21")

# POSIX, Windows (drive or share) or a URL.
_ABSOLUTE = re.compile(r"/|[A-Za-z]:/|[A-Za-z][A-Za-z0-9+.-]+://")


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


def test_id(*, project: str, file: str | None, suite: str | None, classname: str | None, name: str) -> UUID:
    """The identity of a test: UUIDv5 of its project, file or else suite, class and name.

    The folder that a CI job is run in is no part of it: of an absolute path the last name counts, together with the
    suite.
    """
    if file:
        file = file.replace("\\", "/").removeprefix("./")
        if _ABSOLUTE.match(file):
            file = _last_name(file)
        else:
            suite = None
    return uuid5(_TESTS, json.dumps([project, file, suite, classname, name]))


def suite_name(name: str) -> str:
    """The name of a suite; of one that is called by the absolute path of a file, the last name in it."""
    slashed = name.replace("\\", "/")
    last = _last_name(slashed)
    # A dot, since suites are called by the routes of a web service as well: "/users".
    return last if "." in last and _ABSOLUTE.match(slashed) else name


def _last_name(path: str) -> str:
    return path.rpartition("/")[2]
