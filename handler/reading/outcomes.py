"""What a case or a suite says about why it did not pass."""

from __future__ import annotations

from dataclasses import dataclass, field

from handler.reading.limits import MAX_MESSAGE, MAX_NAME, MAX_OUTCOMES, MAX_TEXT
from handler.reading.report import Outcome, Status
from handler.reading.writers import is_expected_to_fail
from handler.texts import BoundedText, cut

OUTPUTS = {"system-out", "system-err"}

# Of each element, what it makes of the case, and what the attempt that it tells of came to.
_STATUSES = {
    "skipped": (Status.skipped, Status.skipped),
    "failure": (Status.failed, Status.failed),
    "error": (Status.error, Status.error),
    # Maven Surefire's for tests that are run again, taken over by others: those of a test that passed at last ...
    "flakyFailure": (Status.flaky, Status.failed),
    "flakyError": (Status.flaky, Status.error),
    # ... and the further attempts of one that never did.
    "rerunFailure": (Status.failed, Status.failed),
    "rerunError": (Status.error, Status.error),
}
ELEMENTS = _STATUSES.keys()
_RERUNS = {"flakyFailure", "flakyError", "rerunFailure", "rerunError"}


@dataclass
class _Open:
    """An outcome whose texts are being collected."""

    makes: Status
    status: Status
    type: str | None
    message: str | None
    texts: dict[str, BoundedText] = field(default_factory=dict)

    def closed(self) -> Outcome:
        names = ("details", "system-out", "system-err")
        details, system_out, system_err = (bounded(self.texts.get(name)) for name in names)
        return Outcome(self.status, self.type, self.message, details, system_out, system_err)


class Outcomes:
    """The outcomes of one case, in the order of the report.

    Their order is not that of time: the most severe says what the case came to.
    """

    def __init__(self, room: int) -> None:
        """`room`: characters for the details and outputs of all of them."""
        self._room = room
        self.status = Status.passed
        self.reruns = 0
        self._expected_to_fail = False
        self._kept: list[_Open] = []

    def start(self, element: str, attributes: dict[str, str]) -> BoundedText | None:
        """What collects the text of the outcome that begins with this element."""
        makes, status = _STATUSES[element]
        self.reruns += element in _RERUNS
        self._expected_to_fail |= element == "skipped" and is_expected_to_fail(attributes)
        more_severe = makes.value > self.status.value
        if more_severe:
            self.status = makes
        if len(self._kept) == MAX_OUTCOMES:
            if not more_severe:
                return None
            self._kept.pop()
        type_, message = attributes.get("type"), attributes.get("message")
        self._kept.append(_Open(makes, status, cut_or_none(type_, MAX_NAME), cut_or_none(message, MAX_MESSAGE)))
        return self.text("details")

    def text(self, name: str) -> BoundedText:
        """What collects the details or an output of the outcome that was kept last."""
        texts = self._kept[-1].texts
        if name not in texts:
            kept = sum(text.length for outcome in self._kept for text in outcome.texts.values())
            texts[name] = BoundedText(min(MAX_TEXT, max(0, self._room - kept)))
        return texts[name]

    def outputs(self) -> list[str | None]:
        """What the attempts wrote of which they tell."""
        return [bounded(outcome.texts.get(output)) for outcome in self._kept for output in OUTPUTS]

    def finish(self) -> tuple[Outcome, list[Outcome]]:
        """The first of the most severe outcomes; and all of them, or none where the first says everything."""
        outcomes = [outcome.closed() for outcome in self._kept]
        first = outcomes[next(n for n, outcome in enumerate(self._kept) if outcome.makes is self.status)]
        if self._expected_to_fail:
            self.status = Status.skipped
        # Of a flaky test, that its attempt failed.
        alone = len(outcomes) == 1 and first.status is self.status and not (first.system_out or first.system_err)
        return first, [] if alone else outcomes


def bounded(text: BoundedText | None) -> str | None:
    """The text that was collected, None if it is blank."""
    return (text.text() if text else None) or None


def cut_or_none(text: str | None, limit: int) -> str | None:
    """The text, cut to the limit; None if it is empty."""
    return cut(text, limit) if text else None
