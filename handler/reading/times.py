"""Durations and timestamps, as test runners write them."""

from __future__ import annotations

import email.utils
import re
from datetime import UTC, datetime

from handler.reading.limits import MAX_DURATION

_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
_ZONE = re.compile(r"\s*(UTC|GMT)$")

# In any unit: a week has fewer nanoseconds.
_MAX_NUMBER = 1e15
# Runners that do not know the time write that of the year 1 or of 1970.
_FIRST_YEAR = 1971
_MAX_TIMESTAMP = 64  # characters

# Seconds in the units that are mistaken for seconds.
_SMALLER_UNITS = (1e-3, 1e-6, 1e-9)
# A case that seems to take so many times as long as its suite does not have its duration in seconds; or one of fewer
# times, if all of them together seem to take a hundred times as long. Some suites only measure a part of their cases.
_IMPOSSIBLE, _SUSPICIOUS, _ALL_TOGETHER = 30, 3, 100
# The part of its suite's time that the cases take at least, in a unit that is to be believed.
_LEAST = 1 / 30
# Seconds that a suite may be wrong by since it rounds.
_ROUNDING = 0.05


def number(text: str | None) -> float | None:
    """A number as runners write it: `0.123`, `1,234.5` or `0,123`. None if it is anything else, or negative."""
    if not text:
        return None
    if "," in text:
        text = text.replace(",", "" if _THOUSANDS.fullmatch(text.strip()) else ".")
    try:
        value = float(text)
    except ValueError:
        return None
    # Not for NaN either.
    return value if 0 <= value <= _MAX_NUMBER else None


def seconds(text: str | None) -> float | None:
    """A duration of at most a week."""
    duration = number(text)
    return duration if duration is not None and duration <= MAX_DURATION else None


def timestamp(text: str | None) -> datetime | None:
    """A time of ISO 8601 or of an e-mail (RFC 5322), in UTC if it has no offset. None if it is anything else."""
    if not text or len(text) > _MAX_TIMESTAMP:
        return None
    text = text.strip()
    moment = _iso_8601(_ZONE.sub("+00:00", text)) or _rfc_5322(text)
    try:
        moment = moment and (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
    return moment if moment and moment.year >= _FIRST_YEAR else None


def _iso_8601(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _rfc_5322(text: str) -> datetime | None:
    try:
        return email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


class Durations:
    """Those of cases, in a unit that is yet to be found: apart, those that would be longer than a week in seconds."""

    __slots__ = ("known", "long", "longest", "longest_of_long", "positive", "sum", "sum_of_long")

    def __init__(self) -> None:
        self.known = self.positive = self.long = 0
        self.sum = self.sum_of_long = self.longest = self.longest_of_long = 0.0

    def add(self, duration: float) -> None:
        self.known += 1
        if duration > MAX_DURATION:
            self.long += 1
            self.sum_of_long += duration
            self.longest_of_long = max(self.longest_of_long, duration)
        elif duration:
            self.positive += 1
            self.sum += duration
            self.longest = max(self.longest, duration)

    def add_all(self, other: Durations) -> None:
        self.known += other.known
        self.positive += other.positive
        self.long += other.long
        self.sum += other.sum
        self.sum_of_long += other.sum_of_long
        self.longest = max(self.longest, other.longest)
        self.longest_of_long = max(self.longest_of_long, other.longest_of_long)

    def seconds(self, unit: float | None) -> float | None:
        """All of them together, None if that is unknown."""
        if not self.known or unit is None:
            return None
        return self.sum if unit == 1 else unit * (self.sum + self.sum_of_long)


class DurationUnit:
    """Tells in which unit the cases of a report have their durations: some write milliseconds or nanoseconds.

    No case can take longer than its suite does, however many run side by side; and no job takes weeks. A few cases that
    seem to are the fault of a clock, and have no duration; but if it is most of them, or a suite, it is the unit.
    """

    def __init__(self) -> None:
        self._rounding = 0.0
        self._suites = 0.0
        self._cases = Durations()
        self._longest = self._longest_of_long = 0.0
        self._has_long_suites = False

    def add_suite(self, duration: float | None, cases: Durations) -> None:
        """A suite's own duration, as far as it tells it, and the cases in it that no inner suite speaks for."""
        if duration and duration > MAX_DURATION:
            self._has_long_suites = True
        elif duration and (cases.positive or cases.long):
            self._rounding += _ROUNDING
            self._suites += duration
            self._cases.add_all(cases)
            self._longest += cases.longest
            self._longest_of_long += max(cases.longest, cases.longest_of_long)

    def seconds(self, rest: Durations) -> float | None:
        """The unit, in seconds; None if none makes sense. `rest`: the cases that no suite speaks for."""
        cases = Durations()
        cases.add_all(self._cases)
        cases.add_all(rest)
        mostly_long = cases.long > cases.positive
        if not self._suites:
            return None if mostly_long or self._has_long_suites else 1.0
        longest, together = self._longest, self._cases.sum
        if mostly_long:
            longest, together = self._longest_of_long, together + self._cases.sum_of_long
        impossible = longest > _IMPOSSIBLE * self._suites + self._rounding
        suspicious = longest > _SUSPICIOUS * self._suites + self._rounding
        if not impossible and not (suspicious and together > _ALL_TOGETHER * self._suites):
            return 1.0
        most, least = _SUSPICIOUS * self._suites + self._rounding, _LEAST * self._suites
        return next((unit for unit in _SMALLER_UNITS if longest * unit <= most and together * unit >= least), None)
