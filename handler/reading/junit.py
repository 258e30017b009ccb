"""JUnit XML, in the dialects that test runners write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from handler.errors import NotJUnit, TooLarge, TooManyCases
from handler.readable import Readable
from handler.reading import bounded_xml
from handler.reading.identity import suite_name, test_id
from handler.reading.report import Attempt, Status
from handler.texts import BoundedText, cut

# Elements `testcase`.
MAX_CASES = 1_000_000
# Characters of the name of a file, suite, class, test or exception.
MAX_NAME = 1_024
# Characters of the message of an outcome.
MAX_MESSAGE = 4 * 1024
# Characters of the details of an outcome, of a test's standard output, and of its standard error.
MAX_TEXT = 64 * 1024
# Characters of the names of suites and files that cases have from their suites. Each case writes them again: without a
# limit, a small report could fill the database.
MAX_INHERITED = 256 * 1024 * 1024

_SUITES = {"testsuites", "testsuite"}
_OUTPUTS = {"system-out", "system-err"}
_OUTCOMES = {
    "skipped": Status.skipped,
    "failure": Status.failed,
    "error": Status.error,
    # Maven Surefire's for tests that are run again, taken over by others: those of a test that passed at last ...
    "flakyFailure": Status.flaky,
    "flakyError": Status.flaky,
    # ... and the further attempts of one that never did.
    "rerunFailure": Status.failed,
    "rerunError": Status.error,
}
_RERUNS = {"flakyFailure", "flakyError", "rerunFailure", "rerunError"}
# What GoogleTest and CTest say of disabled tests in the attributes `status` and `result` alone.
_NOT_RUN = {"notrun", "disabled", "suppressed", "skipped"}

_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
# Seconds, some 30 years: what is longer is no duration.
_MAX_DURATION = 1e9
# Runners that do not know the time write that of the year 1 or of 1970.
_FIRST_YEAR = 1971


class JUnitReport:
    """The attempts that a report tells of, read from a stream while one iterates over them.

    Iterating raises the PermanentFault that keeps the stream from being a JUnit report within the limits. After it,
    `started_at` and `duration` (seconds) say what is known of the report as a whole.
    """

    def __init__(self, stream: Readable, *, gzipped: bool, project: str) -> None:
        self._stream = stream
        self._gzipped = gzipped
        self.project = project
        self._times = _Times()
        self._suites: list[_Suite] = []
        self._suite_number = 0
        self._case: _Case | None = None
        self._cases = 0
        self._inherited = 0
        # For each open element what collects its text, if anything does.
        self._texts: list[BoundedText | None] = []
        self._finished: list[Attempt] = []

    def __iter__(self) -> Iterator[Attempt]:
        pieces = bounded_xml.parse(
            self._stream, gzipped=self._gzipped, start=self._start, end=self._end, text=self._text
        )
        for _ in pieces:
            yield from self._finished
            self._finished.clear()

    @property
    def started_at(self) -> datetime | None:
        """The earliest timestamp."""
        return self._times.started_at

    @property
    def duration(self) -> float | None:
        """That of the root; or else the sum over the outermost suites; or else over the cases."""
        return self._times.duration

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        depth = len(self._texts)
        text = None
        if depth == 0 and name not in _SUITES:
            raise NotJUnit("The root element of the report is neither testsuites nor testsuite.")
        if self._case:
            text = self._case.start_element(name, attributes, depth=depth, enclosing=self._texts[-1])
        elif name == "testcase":
            self._start_case(attributes, depth)
        elif name in _SUITES:
            self._start_suite(name, attributes, depth)
        self._texts.append(text)

    def _start_suite(self, element: str, attributes: dict[str, str], depth: int) -> None:
        outer = self._suites[-1] if self._suites else _Suite(0, None, None)
        path = outer.path
        self._suite_number += 1
        if element == "testsuite" and (name := suite_name(attributes.get("name", ""))):
            path = cut(f"{path} > {name}" if path else name, MAX_NAME)
        self._suites.append(_Suite(self._suite_number, path, _cut(attributes.get("file"), MAX_NAME) or outer.file))
        self._times.add_suite(attributes, depth)

    def _start_case(self, attributes: dict[str, str], depth: int) -> None:
        self._cases += 1
        if self._cases > MAX_CASES:
            raise TooManyCases(f"The report has more than {MAX_CASES} test cases.")
        suite = self._suites[-1]
        self._inherited += len(suite.path or "") + len(suite.file or "")
        if self._inherited > MAX_INHERITED:
            raise TooLarge(f"The report repeats more than {MAX_INHERITED} characters of its suites' names.")
        self._case = _Case(attributes, suite, depth)

    def _text(self, text: str) -> None:
        if (collecting := self._texts[-1]) is not None:
            collecting.append(text)

    def _end(self, name: str) -> None:
        self._texts.pop()
        if self._case:
            if len(self._texts) == self._case.depth:
                attempt = self._case.attempt(self.project)
                self._case = None
                self._times.add_case(attempt.duration_seconds)
                self._finished.append(attempt)
        elif name in _SUITES:
            self._suites.pop()


class _Suite(NamedTuple):
    number: int
    path: str | None
    """The names from the outermost suite to this one."""
    file: str | None


class _Case:
    """An open `testcase` element."""

    def __init__(self, attributes: dict[str, str], suite: _Suite, depth: int) -> None:
        self.depth = depth
        self._attributes = attributes
        self._suite = suite
        self._status = Status.passed
        if attributes.get("status") in _NOT_RUN or attributes.get("result") in _NOT_RUN:
            self._status = Status.skipped
        # Node's runner: a test that is expected to fail, and no failure if it does.
        self._todo = False
        self._attempts = 1
        # Of the most severe outcome.
        self._type: str | None = None
        self._message: str | None = None
        self._details: BoundedText | None = None
        self._outputs: dict[str, BoundedText] = {}

    def start_element(
        self, name: str, attributes: dict[str, str], *, depth: int, enclosing: BoundedText | None
    ) -> BoundedText | None:
        """What collects the text of the element; `enclosing` does so for the one around it."""
        if depth > self.depth + 1:
            # A rerun's stack trace belongs to its outcome, and its output to no outcome at all.
            return None if name in _OUTPUTS else enclosing
        if name in _OUTCOMES:
            return self._start_outcome(name, attributes)
        if name in _OUTPUTS:
            return self._outputs.setdefault(name, BoundedText(MAX_TEXT))
        return None

    def _start_outcome(self, name: str, attributes: dict[str, str]) -> BoundedText | None:
        status = _OUTCOMES[name]
        if status is Status.skipped and attributes.get("type") == "todo":
            self._todo = True
        self._attempts += name in _RERUNS
        if status.value < self._status.value:
            return None
        if status.value > self._status.value or self._details is None:
            self._status = status
            self._type, self._message = attributes.get("type"), attributes.get("message")
            self._details = BoundedText(MAX_TEXT)
        else:
            self._details.append("\n\n")
        return self._details

    def attempt(self, project: str) -> Attempt:
        """What the element said; it has ended."""
        suite, attributes = self._suite, self._attributes
        file, classname = _cut(attributes.get("file"), MAX_NAME) or suite.file, attributes.get("classname") or None
        name = attributes.get("name", "")
        return Attempt(
            test_id=test_id(project=project, file=file, suite=suite.path, classname=classname, name=name),
            suite_number=suite.number,
            file=file,
            suite=suite.path,
            classname=_cut(classname, MAX_NAME),
            name=cut(name, MAX_NAME),
            status=Status.skipped if self._todo else self._status,
            attempts=self._attempts,
            duration_seconds=duration(attributes.get("time")),
            type=_cut(self._type, MAX_NAME),
            message=_cut(self._message, MAX_MESSAGE),
            details=_text(self._details),
            system_out=_text(self._outputs.get("system-out")),
            system_err=_text(self._outputs.get("system-err")),
        )


class _Times:
    """What a report says about time as a whole."""

    def __init__(self) -> None:
        self.started_at: datetime | None = None
        self._root: float | None = None
        self._suites: float | None = None
        self._cases: float | None = None

    @property
    def duration(self) -> float | None:
        return next((seconds for seconds in (self._root, self._suites, self._cases) if seconds is not None), None)

    def add_suite(self, attributes: dict[str, str], depth: int) -> None:
        started_at = timestamp(attributes.get("timestamp"))
        if started_at and (self.started_at is None or started_at < self.started_at):
            self.started_at = started_at
        seconds = duration(attributes.get("time"))
        if depth == 0:
            self._root = seconds
        elif depth == 1 and seconds is not None:
            self._suites = (self._suites or 0) + seconds

    def add_case(self, seconds: float | None) -> None:
        if seconds is not None:
            self._cases = (self._cases or 0) + seconds


def duration(text: str | None) -> float | None:
    """Seconds, as runners write them: `0.123`, `1,234.5` or `0,123`. None if it is anything else."""
    text = (text or "").strip()
    if "," in text:
        text = text.replace(",", "" if _THOUSANDS.fullmatch(text) else ".")
    try:
        seconds = float(text)
    except ValueError:
        return None
    # Not for NaN either.
    return seconds if 0 <= seconds <= _MAX_DURATION else None


def timestamp(text: str | None) -> datetime | None:
    """A time of ISO 8601, in UTC if it has no offset. None if it is anything else."""
    try:
        moment = datetime.fromisoformat((text or "").strip())
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year >= _FIRST_YEAR else None


def _cut(text: str | None, limit: int) -> str | None:
    return cut(text, limit) if text else None


def _text(text: BoundedText | None) -> str | None:
    return (text.text() if text else None) or None
