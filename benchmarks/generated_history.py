"""A history such as teams have, at any size: recorded by the function's own code, the same one at each call.

A project of `runs` runs beside nine of a sixth of that, in 120 days; 0.9 % of the results did not pass. Most runs are
on `main`, the others on branches of four; two runs share a commit. What failed has a message and a stack trace.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from handler.reading.report import Attempt, Repeats, Status, Summary
from tests.handler.helpers.recorder import Recorder

DAYS = 120
_OTHER_PROJECTS = 9
_RUNS_OF_A_BRANCH = 4
# Of ten runs, those on main.
_ON_MAIN = 6

# What varies between failures that are not the same one, and the lines of a stack trace.
_FAULTS = [
    f"expected the {thing} to be {state}"
    for thing in ("cart", "price", "voucher", "address", "invoice", "stock", "session", "basket")
    for state in ("empty", "locked", "sent")
]
_TRACE = 24


class Run(NamedTuple):
    """Where a report comes from; `nth` among those of its project, which are uploaded in this order."""

    project: str
    nth: int
    branch: str
    commit: str
    days_ago: float


class GeneratedReport:
    """The report of a run with that many tests. It implements `Report`."""

    def __init__(self, run: Run, *, tests: int) -> None:
        self._run = run
        self._tests = tests

    def read(self) -> Iterator[Attempt]:
        chance = random.Random(f"{self._run.project} {self._run.nth}")  # noqa: S311 - the same at each call
        for number, test in enumerate(_tests(self._run.project, self._tests)):
            status = _status(number, self._run.nth, chance)
            duration = test.duration * (0.75 + chance.random() / 2) if test.duration else None
            run = test._replace(status=status, duration=duration)
            passed = status in (Status.passed, Status.skipped)
            yield run if passed else not_passed(run, number, self._run.nth)

    def summary(self) -> Summary:
        return Summary(
            started_at=None, duration=None, duration_unit=1, incomplete_suites=0, hostnames=(), properties={}
        )


def generate(recorder: Recorder, *, runs: int, tests: int) -> Iterator[Run]:
    """Records all of it; each run is given back once it is committed."""
    for run in planned(runs):
        recorder.record_report(
            GeneratedReport(run, tests=tests),
            project=run.project,
            branch=run.branch,
            commit=run.commit,
            days_ago=run.days_ago,
        )
        yield run


def planned(runs: int) -> Sequence[Run]:
    """The runs of all projects, in the order of their uploads."""
    projects = [("shop", runs), *((f"service-{nth}", runs // 6) for nth in range(1, _OTHER_PROJECTS + 1))]
    made = itertools.chain.from_iterable(_runs_of(project, count) for project, count in projects)
    return sorted(made, key=lambda run: -run.days_ago)


def _runs_of(project: str, count: int) -> Iterator[Run]:
    for nth in range(count):
        decade, place = divmod(nth, 10)
        branch = "main" if place < _ON_MAIN else f"feature-{decade}"
        commit = hashlib.sha1(f"{project} {nth // 2}".encode(), usedforsecurity=False).hexdigest()
        yield Run(project, nth, branch, commit, days_ago=DAYS * (count - nth) / count)


_known: dict[tuple[str, int], list[Attempt]] = {}


def _tests(project: str, count: int) -> list[Attempt]:
    """The tests of a project, each as it passes."""
    if (project, count) not in _known:
        chance = random.Random(project)  # noqa: S311
        _known[project, count] = [
            Attempt(
                test_id=hashlib.sha1(f"{project} {number}".encode(), usedforsecurity=False).digest()[:16],
                suite_number=number // 100,
                repeats=Repeats.other_tests,
                hostname="ci",
                file=None,
                line=None,
                suite=f"com.example.{project}.Suite{number // 100}Test",
                classname=f"com.example.{project}.Suite{number // 100}Test",
                name=f"test_case_{number}[param-{number % 7}]",
                status=Status.passed,
                attempts=1,
                duration=chance.lognormvariate(-3, 1.5),
                type=None,
                message=None,
                details=None,
                system_out=None,
                system_err=None,
                outcomes=(),
                properties={},
                attachments=(),
            )
            for number in range(count)
        ]
    return _known[project, count]


def not_passed(test: Attempt, number: int, nth: int) -> Attempt:
    """The test with what a report says of why: in each run `nth` the same, but for numbers."""
    message = f"{_FAULTS[number % len(_FAULTS)]}: order {nth}-{number}"
    frames = (f"\tat {test.classname}.step{line}(Suite.java:{(number + 17 * line) % 900})" for line in range(_TRACE))
    return test._replace(
        attempts=2 if test.status is Status.flaky else 1,
        type="AssertionError",
        message=message,
        details="\n".join((f"AssertionError: {message}", *frames)),
    )


def _status(number: int, nth: int, chance: random.Random) -> Status:
    """Some tests are always skipped, some flaky, and some fail for a dozen runs, until they are mended."""
    kind = number % 1000
    if kind < 3:  # noqa: PLR2004
        return Status.skipped
    if kind < 6:  # noqa: PLR2004
        return chance.choice([Status.passed, Status.flaky, Status.failed])
    if (number * 7919 + nth // 12) % 300 == 0:
        return Status.error if number % 5 == 0 else Status.failed
    return Status.passed
