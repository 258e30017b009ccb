"""What several pages show. The fields are named as the columns of the public views, which docs/ingesting.md lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

Status = Literal["passed", "skipped", "flaky", "failed", "error"]
# The most severe first, as people read them.
STATUSES: tuple[Status, ...] = ("failed", "error", "flaky", "passed", "skipped")


@dataclass(frozen=True, kw_only=True)
class Totals:
    """How many tests there were, and how many of each outcome."""

    tests: int
    passed: int
    failed: int
    error: int
    skipped: int
    flaky: int

    @property
    def bad(self) -> int:
        """Failed and error together."""
        return self.failed + self.error

    @property
    def status(self) -> Status:
        """The most severe outcome; of a run without tests, that nothing was run."""
        return next((status for status in STATUSES if getattr(self, status)), "skipped")

    @property
    def pass_rate(self) -> float | None:
        """Passed and flaky of what ran; None if nothing did."""
        ran = self.tests - self.skipped
        return (self.passed + self.flaky) / ran if ran else None


@dataclass(frozen=True, kw_only=True)
class RunSummary(Totals):
    """A run in a list."""

    id: UUID
    project: str
    series: str
    branch: str | None
    commit: str | None
    build_url: str | None
    uploaded_at: datetime
    duration_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class RunReference:
    """A run that another one is held against."""

    id: UUID
    branch: str | None
    commit: str | None
    uploaded_at: datetime


@dataclass(frozen=True, kw_only=True)
class Test:
    """A test by its names, as a report has them."""

    test_id: UUID
    file: str | None
    suite: str | None
    classname: str | None
    name: str
    variant: str | None

    @property
    def place(self) -> str:
        """Where it stands: its file, or else its suites, and its class. Runners repeat one in the other."""
        where, classname = self.file or self.suite or "", self.classname or ""
        if where.endswith(classname):
            return where if where != self.name else ""
        # `tests.test_stock.TestStock` in `tests/test_stock.py` is `TestStock`.
        module = where.removesuffix(".py").replace("/", ".")
        if classname.startswith(f"{module}."):
            classname = classname[len(module) + 1 :] if self.file else classname
            where = where if self.file else ""
        return " › ".join(place for place in (where, classname) if place and place != self.name)
