"""One `testcase` of a JUnit report."""

from __future__ import annotations

import re

from handler.reading import writers
from handler.reading.identity import Identities, brief
from handler.reading.limits import (
    MAX_ATTACHMENT,
    MAX_ATTACHMENTS,
    MAX_CASE_PROPERTIES,
    MAX_NAME,
    MAX_OUTCOME_TEXTS,
    MAX_TEXT,
)
from handler.reading.outcomes import ELEMENTS, OUTPUTS, Outcomes, bounded
from handler.reading.properties import Properties
from handler.reading.report import NO_OUTCOME, Attempt, Outcome, Repeats, Status
from handler.reading.suite import Suite
from handler.reading.times import number
from handler.texts import BoundedText, cut

# What some say in the attributes `status` and `result` alone: GoogleTest and CTest of disabled tests.
_SAID_BY_ATTRIBUTE = {
    **dict.fromkeys(("notrun", "disabled", "suppressed", "skipped", "ignored", "pending"), Status.skipped),
    **dict.fromkeys(("failed", "failure", "fail"), Status.failed),
    "error": Status.error,
}
# Jenkins's way of naming a file that belongs to a test, in its output; Playwright and others write it.
_ATTACHMENT = re.compile(rf"\[\[ATTACHMENT\|([^\r\n]{{1,{MAX_ATTACHMENT}}}?)\]\](?!\])")
_MAX_LINE = 2**31 - 1  # of PostgreSQL's integer
_NO_OUTCOMES: list[Outcome] = []
_NO_PROPERTIES: dict[str, str] = {}
_NO_ATTACHMENTS: list[str] = []


class Case:
    """An open `testcase` element, `depth` levels below the root."""

    __slots__ = ("_attributes", "_outcomes", "_outputs", "_properties", "_suite", "depth")

    def __init__(self, attributes: dict[str, str], suite: Suite, depth: int) -> None:
        self.depth = depth
        self._attributes = attributes
        self._suite = suite
        # Most cases have none of these.
        self._outcomes: Outcomes | None = None
        self._outputs: dict[str, BoundedText] = {}
        self._properties: Properties | None = None

    def start_element(
        self, element: str, attributes: dict[str, str], *, depth: int, enclosing: BoundedText | None
    ) -> BoundedText | None:
        """What collects the text of the element; `enclosing` does so for the one around it."""
        if element == "property":
            self._properties = self._properties or Properties(MAX_CASE_PROPERTIES)
            return self._properties.add(attributes)
        if depth > self.depth + 1:
            # A rerun's stack trace and output belong to its outcome.
            if enclosing is not None and element in OUTPUTS and self._outcomes:
                return self._outcomes.text(element)
            return enclosing
        if element in ELEMENTS:
            self._outcomes = self._outcomes or Outcomes(MAX_OUTCOME_TEXTS)
            return self._outcomes.start(element, attributes)
        if element in OUTPUTS:
            return self._outputs.setdefault(element, BoundedText(MAX_TEXT))
        return None

    def attempt(self, identities: Identities) -> Attempt:
        """What the element said; it has ended."""
        suite, attributes = self._suite, self._attributes
        place = suite.place
        get = attributes.get
        file, classname, name = get("file"), get("classname") or None, get("name", "")
        identifying_file, identifying_path = place.identifying_file, place.identifying_path
        if file:
            # Some write it only of a test that failed: that makes no other test. Of Node's tests it tells the place.
            identifying_file = brief(file) if classname == writers.NODE_CLASS else identifying_file
            file = cut(file, MAX_NAME)
        if classname and place.class_tells_all:
            identifying_path = None
        status, attempts = Status.passed, 1
        outcome, outcomes = NO_OUTCOME, _NO_OUTCOMES
        if self._outcomes:
            outcome, outcomes = self._outcomes.finish()
            status, attempts = self._outcomes.status, 1 + self._outcomes.reruns
        elif "status" in attributes or "result" in attributes:
            said = (_SAID_BY_ATTRIBUTE.get(get(name, "").lower(), status) for name in ("status", "result"))
            status = max(said, key=_severity)
        properties = self._properties.values() if self._properties else _NO_PROPERTIES
        out = err = None
        if self._outputs:
            out, err = (bounded(self._outputs.get(output)) for output in ("system-out", "system-err"))
        line = get("line") or get("lineno")
        # By position: with keywords, reading a report takes a sixth longer.
        return Attempt(
            identities.test_id(identifying_file, identifying_path, classname, name),
            suite.number,
            _repeats(suite, classname, name, properties),
            place.hostname,
            file or place.file,
            _line(line) if line else None,
            place.path,
            classname if classname is None or len(classname) <= MAX_NAME else cut(classname, MAX_NAME),
            name if len(name) <= MAX_NAME else cut(name, MAX_NAME),
            status,
            attempts,
            number(get("time")),
            outcome.type,
            outcome.message,
            outcome.details,
            out,
            err,
            outcomes,
            properties,
            self._attachments(out, err),
        )

    def _attachments(self, *outputs: str | None) -> list[str]:
        if not self._outputs and not self._outcomes:
            return _NO_ATTACHMENTS
        of_outcomes = self._outcomes.outputs() if self._outcomes else []
        found = [
            reference for output in (*outputs, *of_outcomes) if output for reference in _ATTACHMENT.findall(output)
        ]
        return list(dict.fromkeys(found))[:MAX_ATTACHMENTS]


def _repeats(suite: Suite, classname: str | None, name: str, properties: dict[str, str]) -> Repeats:
    if not name:
        # Nobody can tell whether they are one test.
        return Repeats.other_tests
    if classname == writers.JEST_BROKEN_FILE:
        return Repeats.always_rerun
    return max(suite.repeats, writers.repeats_by_properties(properties)) if properties else suite.repeats


def _severity(status: Status) -> int:
    return int(status.value)


def _line(text: str) -> int | None:
    line = int(text) if len(text) <= len(str(_MAX_LINE)) and text.isdecimal() else None
    return line if line is not None and line <= _MAX_LINE else None
