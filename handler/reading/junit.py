"""JUnit XML, in the dialects that test runners write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from handler.errors import NotJUnit, TooLarge, TooManyCases
from handler.readable import Readable
from handler.reading import bounded_xml, limits, writers
from handler.reading.identity import Identities
from handler.reading.junit_case import Case
from handler.reading.properties import Properties
from handler.reading.report import Attempt, Repeats, SuiteOutput, Summary
from handler.reading.suite import Suite
from handler.reading.times import Durations, DurationUnit, timestamp
from handler.texts import BoundedText

_SUITES = {"testsuites", "testsuite"}


class JUnitReport:
    """A report in JUnit XML, of one of the project's runs."""

    def __init__(self, stream: Readable, *, gzipped: bool, project: str) -> None:
        self._stream = stream
        self._gzipped = gzipped
        self._identities = Identities(project)
        self._unit = DurationUnit()
        # The earliest timestamp, if there is one.
        self._suites_started: list[datetime] = []
        self._cases_started: list[datetime] = []
        self._properties = Properties(limits.MAX_RUN_PROPERTIES)
        self._hostnames: dict[str, None] = {}
        self._incomplete_suites = 0
        # Where a comment tells who wrote the report.
        self._repeats = Repeats.other_tests
        self._durations: tuple[float | None, Durations] = (None, Durations())
        # The open suites, from the outermost, and the open case.
        self._suites: list[Suite] = []
        self._case: Case | None = None
        self._suite_count = 0
        self._case_count = 0
        self._inherited = 0
        # For each open element what collects its text, if anything does.
        self._texts: list[BoundedText | None] = []
        self._finished: list[Attempt | SuiteOutput] = []

    def read(self) -> Iterator[Attempt | SuiteOutput]:
        """Reads the stream, once, and in constant memory.

        Raises the PermanentFault that keeps it from being a report within the limits.
        """
        pieces = bounded_xml.parse(
            self._stream,
            gzipped=self._gzipped,
            start=self._start,
            end=self._end,
            text=self._text,
            comment=self._comment,
        )
        for _ in pieces:
            yield from self._finished
            self._finished.clear()

    def summary(self) -> Summary:
        """Only once all of the report is read."""
        of_suites, of_cases = self._durations
        unit = self._unit.seconds(of_cases)
        durations = [seconds for seconds in (of_suites, of_cases.seconds(unit)) if seconds is not None]
        return Summary(
            started_at=min(self._suites_started or self._cases_started, default=None),
            duration=sum(durations) if durations else None,
            duration_unit=unit,
            incomplete_suites=self._incomplete_suites,
            hostnames=list(self._hostnames),
            properties=self._properties.values(),
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        depth = len(self._texts)
        text = None
        if self._case:
            text = self._case.start_element(name, attributes, depth=depth, enclosing=self._texts[-1])
        elif name == "testcase" and depth:
            self._start_case(attributes, depth)
        elif name in _SUITES:
            self._start_suite(name, attributes, depth)
        elif not depth:
            raise NotJUnit("The root element of the report is neither testsuites nor testsuite.")
        elif name == "property":
            text = self._start_property(attributes)
        elif depth == self._suites[-1].depth + 1:
            text = self._suites[-1].start_element(name, attributes)
        else:
            # What nobody expects within an outcome belongs to it.
            text = self._texts[-1]
        self._texts.append(text)

    def _start_suite(self, element: str, attributes: dict[str, str], depth: int) -> None:
        outer = self._suites[-1] if self._suites else None
        self._suite_count += 1
        suite = Suite(
            element, attributes, suite_number=self._suite_count, depth=depth, outer=outer, repeats=self._repeats
        )
        self._suites.append(suite)
        if (hostname := suite.place.hostname) and len(self._hostnames) < limits.MAX_HOSTNAMES:
            self._hostnames[hostname] = None
        _keep_earliest(self._suites_started, attributes)

    def _start_case(self, attributes: dict[str, str], depth: int) -> None:
        suite = self._suites[-1]
        self._count_case(suite)
        if not self._suites_started and "timestamp" in attributes:
            _keep_earliest(self._cases_started, attributes)
        self._case = Case(attributes, suite, depth)

    def _start_property(self, attributes: dict[str, str]) -> BoundedText | None:
        if attributes.get("name") == writers.GO_PROPERTY:
            for suite in self._suites:
                suite.mark_as_go()
        return self._properties.add(attributes)

    def _text(self, text: str) -> None:
        if (collecting := self._texts[-1]) is not None:
            collecting.append(text)

    def _comment(self, text: str) -> None:
        self._repeats = max(self._repeats, writers.repeats_by_comment(text))

    def _end(self, name: str) -> None:
        self._texts.pop()
        if self._case:
            if len(self._texts) == self._case.depth:
                self._end_case(self._case)
        elif name in _SUITES:
            self._end_suite(self._suites.pop())

    def _end_case(self, case: Case) -> None:
        attempt = case.attempt(self._identities)
        self._case = None
        self._finished.append(attempt)
        self._suites[-1].add_case(attempt)

    def _end_suite(self, suite: Suite) -> None:
        for said in suite.end(self._identities, self._unit):
            if isinstance(said, Attempt):
                self._count_case(suite)
            self._finished.append(said)
        self._incomplete_suites += suite.is_incomplete
        if self._suites:
            self._suites[-1].add_suite(suite)
        else:
            self._durations = suite.durations()

    def _count_case(self, suite: Suite) -> None:
        self._case_count += 1
        if self._case_count > limits.MAX_CASES:
            raise TooManyCases(f"The report has more than {limits.MAX_CASES} test cases.")
        self._inherited += suite.inherited
        if self._inherited > limits.MAX_INHERITED:
            raise TooLarge(f"The report repeats more than {limits.MAX_INHERITED} characters of its suites' names.")


def _keep_earliest(kept: list[datetime], attributes: dict[str, str]) -> None:
    if started := timestamp(attributes.get("timestamp")):
        kept[:] = [min(started, *kept)] if kept else [started]
