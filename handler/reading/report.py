"""What a test report says, whatever its format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum
from typing import NamedTuple, Protocol

# The name of the test that stands for a suite which failed outside its tests, as one whose class cannot be loaded.
SUITE_TEST = "<suite>"


class Status(Enum):
    """The value grows with the severity; `test_status` in PostgreSQL has the same names in the same order."""

    passed = 0
    skipped = 1
    flaky = 2
    failed = 3
    error = 4


class Repeats(IntEnum):
    """What cases of one name in one suite are, which depends on who wrote the report. docs/reading.md has the rules.

    The value grows with what is known of the writer.
    """

    other_tests = 0
    rerun_after_skip = 1
    rerun_after_failure = 2
    always_rerun = 3


class Outcome(NamedTuple):
    """Why an attempt did not pass. A test that fails in itself and in its teardown has two of them."""

    status: Status
    type: str | None
    message: str | None
    details: str | None
    system_out: str | None
    system_err: str | None


NO_OUTCOME = Outcome(Status.passed, None, None, None, None, None)


class Attempt(NamedTuple):
    """One try at a test, or several where the report sums them up.

    `test_id` is a UUID in 16 bytes. `suite_number` tells the `testsuite` elements of a report apart.
    `attempts`: how many this one stands for. `duration` is as written, in the unit that the report's summary tells;
    None if unknown. `type`, `message` and `details` are those of the first of its most severe outcomes; `outcomes` has
    all of them in order, and is empty where these say everything.
    """

    test_id: bytes
    suite_number: int
    repeats: Repeats
    hostname: str | None
    file: str | None
    line: int | None
    suite: str | None
    classname: str | None
    name: str
    status: Status
    attempts: int
    duration: float | None
    type: str | None
    message: str | None
    details: str | None
    system_out: str | None
    system_err: str | None
    outcomes: Sequence[Outcome]
    properties: Mapping[str, str]
    attachments: Sequence[str]


class SuiteOutput(NamedTuple):
    """What a suite wrote outside its tests."""

    suite_number: int
    suite: str | None
    system_out: str | None
    system_err: str | None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What is known of a report as a whole.

    `duration` is in seconds, None if unknown. `duration_unit`: in how many seconds the attempts' durations are written,
    None if nobody can tell. `incomplete_suites`: how many suites count tests, failures or errors of which the report
    tells nothing.
    """

    started_at: datetime | None
    duration: float | None
    duration_unit: float | None
    incomplete_suites: int
    hostnames: Sequence[str]
    properties: Mapping[str, str]


class Report(Protocol):
    """A test report in a stream."""

    def read(self) -> Iterator[Attempt | SuiteOutput]:
        """Reads the stream, once, and in constant memory.

        Raises the PermanentFault that keeps it from being a report within the limits.
        """

    def summary(self) -> Summary:
        """Only once all of the report is read."""
