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
        duration = float(text)
    except ValueError:
        return None
    # Not for NaN either.
    return duration if 0 <= duration <= _MAX_NUMBER else None


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
    """Those of cases, in a unit that is yet to be found.

    `sum` has none of those that would be longer than a week if they were seconds: `sum_of_long`.
    """

    __slots__ = ("known", "long", "longest", "positive", "sum", "sum_of_long")

    def __init__(self) -> None:
        self.known = self.positive = self.long = 0
        self.sum = self.sum_of_long = self.longest = 0.0

    def add(self, duration: float) -> None:
        self.known += 1
        if duration:
            self.positive += 1
            self.longest = max(self.longest, duration)
            if duration > MAX_DURATION:
                self.long += 1
                self.sum_of_long += duration
            else:
                self.sum += duration

    def add_all(self, other: Durations) -> None:
        self.known += other.known
        self.positive += other.positive
        self.long += other.long
        self.sum += other.sum
        self.sum_of_long += other.sum_of_long
        self.longest = max(self.longest, other.longest)

    def seconds(self, unit: float | None) -> float | None:
        """All of them together, None if that is unknown."""
        if not self.known or unit is None:
            return None
        return self.sum if unit == 1 else unit * (self.sum + self.sum_of_long)


class DurationUnit:
    """Tells in which unit the cases of a report have their durations: some write milliseconds or nanoseconds.

    No case can take longer than its suite does, however many run side by side. Where no suite has a duration, the
    cases' own tell at least that they cannot be seconds: most of them would have taken weeks.
    """

    def __init__(self) -> None:
        self._rounding = 0.0
        self._suites = 0.0
        self._longest_cases = 0.0
        self._all_cases = 0.0
        self._positive = 0
        self._long = 0

    def add_suite(self, seconds: float | None, cases: Durations) -> None:
        """A suite's own duration, as far as it tells it, and the cases in it that no inner suite speaks for."""
        if seconds and cases.longest:
            self._rounding += _ROUNDING
            self._suites += seconds
            self._longest_cases += cases.longest
            self._all_cases += cases.sum + cases.sum_of_long

    def add_rest(self, cases: Durations) -> None:
        """The cases for which no suite speaks."""
        self._positive += cases.positive
        self._long += cases.long

    def seconds(self) -> float | None:
        """The unit, in seconds; None if none makes sense."""
        if not self._suites:
            return None if self._long and 2 * self._long >= self._positive else 1.0
        impossible = self._longest_cases > _IMPOSSIBLE * self._suites + self._rounding
        suspicious = self._longest_cases > _SUSPICIOUS * self._suites + self._rounding
        if not impossible and not (suspicious and self._all_cases > _ALL_TOGETHER * self._suites):
            return 1.0
        return next(filter(self._fits, _SMALLER_UNITS), None)

    def _fits(self, unit: float) -> bool:
        fits = self._longest_cases * unit <= _SUSPICIOUS * self._suites + self._rounding
        return fits and self._all_cases * unit >= _LEAST * self._suites
