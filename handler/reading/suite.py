"""One `testsuite` (or the root `testsuites`) of a JUnit report."""

from __future__ import annotations

from collections import Counter

from handler.reading import writers
from handler.reading.identity import Identities
from handler.reading.limits import MAX_MESSAGE, MAX_OPEN_SUITE_TEXTS, MAX_OUTCOME_TEXTS, MAX_TEXT
from handler.reading.outcomes import ELEMENTS, OUTPUTS, Outcomes, bounded
from handler.reading.place import Place
from handler.reading.report import NO_OUTCOME, SUITE_TEST, Attempt, Repeats, Status, SuiteOutput
from handler.reading.times import Durations, DurationUnit, number, seconds
from handler.texts import BoundedText, cut

_COUNTS = ("tests", "errors", "failures")
_FAILED = (Status.flaky, Status.failed, Status.error)


class Suite:
    """An open suite, `depth` levels below the root; `number` is its own among the suites of the report, from 1.

    Once it has ended, `is_incomplete` says whether it counts tests and holds none, or failures or errors and tells of
    none.
    """

    def __init__(
        self,
        element: str,
        attributes: dict[str, str],
        *,
        suite_number: int,
        depth: int,
        outer: Suite | None,
        repeats: Repeats,
    ) -> None:
        self.number = suite_number
        self.depth = depth
        self.place: Place = (outer.place if outer else Place()).within(element, attributes)
        self.inherited = self.place.length
        self.repeats = max(repeats, writers.repeats(attributes))
        self.is_incomplete = False
        self._is_gos = False
        self._tests, self._errors, self._failures = (number(attributes.get(name)) for name in _COUNTS)
        self._outcomes: Outcomes | None = None
        self._outputs: dict[str, BoundedText] = {}
        # Characters that it and the suites within it may still keep of outputs and outcomes.
        self.room: int = outer.room if outer else MAX_OPEN_SUITE_TEXTS
        self._cases = 0
        # The cases in it and in the suites within it of which it is told that they failed, by what they came to.
        self._told: Counter[Status] = Counter()
        self._written_duration = number(attributes.get("time"))
        self._duration = seconds(attributes.get("time"))
        # Of the suites within it that say how long they took, and of the cases of those that do not.
        self._suites_seconds: float | None = None
        self._durations = Durations()

    def start_element(self, element: str, attributes: dict[str, str]) -> BoundedText | None:
        """What collects the text of an element directly below the suite."""
        if element in ELEMENTS and element != "skipped":
            self._outcomes = self._outcomes or Outcomes(self._reserve(MAX_OUTCOME_TEXTS))
            return self._outcomes.start(element, attributes)
        if element in OUTPUTS:
            if element not in self._outputs:
                self._outputs[element] = BoundedText(self._reserve(MAX_TEXT))
            return self._outputs[element]
        return None

    def mark_as_go(self) -> None:
        """It, or a suite within it, has the property that Go's writers leave."""
        self._is_gos = True
        self.repeats = Repeats.always_rerun
        # Lines on the standard error of `go test`, which may be anything.
        self._errors = None

    def add_case(self, attempt: Attempt) -> None:
        """A case has ended."""
        self._cases += 1
        if attempt.status is not Status.passed:
            # Of a test that was expected to fail as well: it is skipped, and its suite counts a failure.
            self._told.update({attempt.status, *(outcome.status for outcome in attempt.outcomes)})
        if attempt.duration is not None:
            self._durations.add(attempt.duration)

    def add_suite(self, suite: Suite) -> None:
        """A suite within this one has ended."""
        self._cases += suite._cases
        self._told += suite._told
        of_suites, of_cases = suite.durations()
        if of_suites is not None:
            self._suites_seconds = (self._suites_seconds or 0) + of_suites
        self._durations.add_all(of_cases)

    def end(self, identities: Identities, unit: DurationUnit) -> list[Attempt | SuiteOutput]:
        """What the suite says besides its cases."""
        # Of cached tests, Go writes how long they took when they ran, and of their suite how long it took to look.
        if not self._is_gos:
            unit.add_suite(self._written_duration, self._durations)
        said: list[Attempt | SuiteOutput] = []
        out, err = (bounded(self._outputs.get(output)) for output in ("system-out", "system-err"))
        if self._outcomes or (err and self._failed_silently()):
            # The output of a suite without cases is that of its test; no other test is there to show it.
            outputs = (None, None) if self._cases else (out, err)
            said.append(self._test(identities, err, outputs))
        if (out or err) and not (said and not self._cases):
            said.append(SuiteOutput(self.number, self.place.path, out, err))
        if said and isinstance(said[0], Attempt):
            self._add_failed_test()
        self.is_incomplete = self._lacks_something()
        if self.is_incomplete:
            # The suites around it count the same ones again.
            self._add_failed_test()
        return said

    def durations(self) -> tuple[float | None, Durations]:
        """How long it took: seconds that suites tell of themselves, and the cases of all others.

        Many write 0 for what they did not measure.
        """
        knows_more = self._suites_seconds is not None or self._durations.known
        if self._duration or (self._duration == 0 and not knows_more):
            return self._duration, Durations()
        return self._suites_seconds, self._durations

    def _reserve(self, characters: int) -> int:
        """As many of the characters as there is room for in all open suites."""
        reserved = min(characters, self.room)
        self.room -= reserved
        return reserved

    def _failed_silently(self) -> bool:
        """Whether what went wrong in it stands on its standard error alone."""
        if any(self._told[status] for status in _FAILED):
            return False
        return bool(self._errors or self._failures) or (
            not self._cases and self._errors is None and self._failures is None
        )

    def _lacks_something(self) -> bool:
        if self._tests and not self._cases:
            return True
        return bool(self._errors or self._failures) and not any(self._told[status] for status in _FAILED)

    def _add_failed_test(self) -> None:
        self._cases += 1
        self._told[Status.error] += 1

    def _test(self, identities: Identities, err: str | None, outputs: tuple[str | None, str | None]) -> Attempt:
        """The test that stands for the suite."""
        place = self.place
        outcome, outcomes = self._outcomes.finish() if self._outcomes else (NO_OUTCOME, [])
        first_line = cut((err or "").partition("\n")[0], MAX_MESSAGE)
        return Attempt(
            test_id=identities.test_id(place.identifying_file, place.identifying_path, None, SUITE_TEST),
            suite_number=self.number,
            repeats=Repeats.other_tests,
            hostname=place.hostname,
            file=place.file,
            line=None,
            suite=place.path,
            classname=None,
            name=SUITE_TEST,
            status=Status.error,
            attempts=1,
            duration=None,
            type=outcome.type,
            message=outcome.message if self._outcomes else first_line,
            details=outcome.details,
            system_out=outputs[0],
            system_err=outputs[1],
            outcomes=outcomes,
            properties={},
            attachments=[],
        )
