"""One `testsuite` (or the root `testsuites`) of a JUnit report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from handler.reading import writers
from handler.reading.identity import Identities, suite_name
from handler.reading.limits import MAX_MESSAGE, MAX_NAME, MAX_TEXT
from handler.reading.outcomes import ELEMENTS, OUTPUTS, Outcomes, bounded, cut_or_none
from handler.reading.report import NO_OUTCOME, SUITE_TEST, Attempt, Repeats, Status, SuiteOutput
from handler.reading.times import Durations, DurationUnit, number, seconds
from handler.texts import BoundedText, cut


class Suite:
    """An open suite, `depth` levels below the root.

    `path` has the names from the outermost suite to this one; `file` and `hostname` are its own or the outer suite's.
    `cases`: how many are in it and in the suites within it, so far; `unsuccessful`: those that did not simply pass, by
    status. `inherited`: how many characters each of its cases repeats.
    """

    hostname: str | None
    file: str | None
    path: str | None
    has_timestamp: bool

    def __init__(
        self,
        element: str,
        attributes: dict[str, str],
        *,
        position: int,
        depth: int,
        outer: Suite | None,
        repeats: Repeats,
    ) -> None:
        self.number = position
        self.depth = depth
        self.hostname = cut_or_none(attributes.get("hostname"), MAX_NAME) or (outer.hostname if outer else None)
        self.file = cut_or_none(attributes.get("file"), MAX_NAME) or (outer.file if outer else None)
        self.path = outer.path if outer else None
        if element == "testsuite":
            for name in (writers.browser(attributes), suite_name(attributes.get("name", ""))):
                if name:
                    self.path = cut(f"{self.path} > {name}" if self.path else name, MAX_NAME)
        self.repeats = repeats or writers.repeats(attributes)
        self.inherited = sum(len(name) for name in (self.path, self.file, self.hostname) if name)
        self.has_timestamp = "timestamp" in attributes or (outer is not None and outer.has_timestamp)
        self.cases = 0
        self.unsuccessful: Counter[Status] = Counter()
        self._tests, self._errors, self._failures = (
            number(attributes.get(name)) for name in ("tests", "errors", "failures")
        )
        self._outcomes: Outcomes | None = None
        self._outputs: dict[str, BoundedText] = {}
        self._duration = seconds(attributes.get("time"))
        # Seconds that the suites within it tell of themselves, and the durations of the cases of those that do not.
        self._suites_seconds: float | None = None
        self._cases_duration: float | None = None
        self._own_durations = Durations()

    def start_element(self, element: str, attributes: dict[str, str]) -> BoundedText | None:
        """What collects the text of an element directly below the suite."""
        if element in ELEMENTS and element != "skipped":
            self._outcomes = self._outcomes or Outcomes()
            return self._outcomes.start(element, attributes)
        if element in OUTPUTS:
            return self._outputs.setdefault(element, BoundedText(MAX_TEXT))
        return None

    def add_case(self, attempt: Attempt) -> None:
        """A case has ended."""
        self.cases += 1
        if attempt.status is not Status.passed:
            self.unsuccessful[attempt.status] += 1
        if attempt.duration is not None:
            self._own_durations.add(attempt.duration)

    def add_suite(self, suite: Suite) -> None:
        """A suite within this one has ended."""
        self.cases += suite.cases
        self.unsuccessful += suite.unsuccessful
        of_suites, of_cases = suite.durations()
        if of_suites is not None:
            self._suites_seconds = (self._suites_seconds or 0) + of_suites
        if of_cases is not None:
            self._cases_duration = (self._cases_duration or 0) + of_cases

    def end(self, identities: Identities, unit: DurationUnit) -> Iterator[Attempt | SuiteOutput]:
        """What the suite says besides its cases."""
        unit.add_suite(self._duration, self._own_durations)
        out, err = (bounded(self._outputs.get(output)) for output in ("system-out", "system-err"))
        holds_cases = self.cases > 0
        if self._outcomes or (err and self._failed_silently()):
            yield self._test(identities, out, err)
            self._add_failed_test()
            if not holds_cases:
                return
        if out or err:
            yield SuiteOutput(self.number, self.path, out, err)

    def is_incomplete(self) -> bool:
        """Whether it counts tests and holds none, or failures or errors and tells of none; asked once, at its end."""
        lacks_cases = bool(self._tests) and not self.cases
        lacks_failures = self._counts_failures() and not self._has_failures()
        # Some count as errors what they write as failures, which are then more than they count.
        lacks_errors = bool(self._errors) and not self.unsuccessful[Status.error]
        lacks_errors = lacks_errors and self.unsuccessful[Status.failed] <= (self._failures or 0)
        if lacks_cases or lacks_failures or lacks_errors:
            # The suites around it count the same ones again.
            self._add_failed_test()
            return True
        return False

    def durations(self) -> tuple[float | None, float | None]:
        """How long it took: seconds that suites tell of themselves, and the sum over the cases of all others.

        Many write 0 for what they did not measure.
        """
        within = (self._suites_seconds, self._cases_duration)
        if self._own_durations.known:
            within = (self._suites_seconds, (self._cases_duration or 0) + self._own_durations.sum)
        return (self._duration, None) if self._duration or within == (None, None) else within

    def _failed_silently(self) -> bool:
        """Whether what went wrong in it stands on its standard error alone."""
        if self._has_failures():
            return False
        return self._counts_failures() or not (self.cases or self._errors is not None)

    def _add_failed_test(self) -> None:
        self.cases += 1
        self.unsuccessful[Status.error] += 1

    def _has_failures(self) -> bool:
        return any(self.unsuccessful[status] for status in (Status.flaky, Status.failed, Status.error))

    def _counts_failures(self) -> bool:
        return bool(self._errors or self._failures)

    def _test(self, identities: Identities, out: str | None, err: str | None) -> Attempt:
        """The test that stands for the suite; it has the suite's output if no other test is there to show it."""
        outcome, outcomes = self._outcomes.finish() if self._outcomes else (NO_OUTCOME, [])
        first_line = cut((err or "").partition("\n")[0], MAX_MESSAGE)
        return Attempt(
            test_id=identities.test_id(self.file, self.path, None, SUITE_TEST),
            suite_number=self.number,
            repeats=Repeats.other_tests,
            hostname=self.hostname,
            file=self.file,
            line=None,
            suite=self.path,
            classname=None,
            name=SUITE_TEST,
            status=Status.error,
            attempts=1,
            duration=None,
            type=outcome.type,
            message=outcome.message if self._outcomes else first_line,
            details=outcome.details,
            system_out=None if self.cases else out,
            system_err=None if self.cases else err,
            outcomes=outcomes,
            properties={},
            attachments=(),
        )
