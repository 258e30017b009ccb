"""The history of a test as a chart: a lane for each branch, a column for each run, and the durations below them."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from handler.showing.charts import Rect, Slot, bar, nice_seconds, slots
from handler.showing.models import Status
from handler.showing.outcomes import BAD

if TYPE_CHECKING:
    from handler.showing.test import TestRun

# Branches with a lane of their own; all others share one.
_LANES = 8

LETTERS: dict[Status, str] = {"failed": "F", "error": "E", "flaky": "~", "passed": "", "skipped": "–"}

# Pixels of the durations: their height, and what is left above for marks.
DURATIONS, ABOVE = 56, 18


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A run in its lane; `x` is the middle of its column in percent."""

    x: float
    run: TestRun


@dataclass(frozen=True, kw_only=True)
class SameCommit:
    """A line that joins runs of one commit, from `start` to `end` in percent."""

    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Lane:
    """The runs on a branch. `branch` is None for those without one, `is_rest` where several share the lane."""

    branch: str | None
    is_rest: bool
    cells: list[Cell]
    same_commits: list[SameCommit]
    pass_rate: float | None


@dataclass(frozen=True, kw_only=True)
class Durations:
    """A bar for each run, and its mark if it did not pass. `most`: seconds at the top; `median`: in pixels."""

    bars: list[tuple[Rect, TestRun]]
    most: float
    median: float | None


def lanes(runs: Sequence[TestRun]) -> list[Lane]:
    """`runs`: the latest first. The branch that has most runs comes first."""
    cells: defaultdict[str | None, list[Cell]] = defaultdict(list)
    for slot, run in _columns(runs):
        cells[run.branch].append(Cell(x=slot.middle, run=run))
    ordered = sorted(cells, key=lambda branch: -len(cells[branch]))
    own, rest = ordered[:_LANES], ordered[_LANES:]
    found = [_lane(branch, cells[branch], is_rest=False) for branch in own]
    if rest:
        shared = sorted((cell for branch in rest for cell in cells[branch]), key=lambda cell: cell.x)
        found.append(_lane(None, shared, is_rest=True))
    return found


def durations(runs: Sequence[TestRun]) -> Durations:
    """`runs`: the latest first."""
    measured = [run.duration_seconds for run in runs if run.duration_seconds is not None]
    most = nice_seconds(max(measured, default=0))
    return Durations(
        bars=[
            (_bar(slot, run, run.duration_seconds / most), run)
            for slot, run in _columns(runs)
            if run.duration_seconds is not None
        ],
        most=most,
        median=round(ABOVE + DURATIONS * (1 - statistics.median(measured) / most), 1) if measured else None,
    )


def _columns(runs: Sequence[TestRun]) -> list[tuple[Slot, TestRun]]:
    return list(zip(slots(len(runs)), reversed(runs), strict=True))


def _bar(slot: Slot, run: TestRun, share: float) -> Rect:
    size = max(1.0, DURATIONS * share)
    return bar("duration" if run.status in ("passed", "skipped") else run.status, slot, ABOVE + DURATIONS - size, size)


def _lane(branch: str | None, cells: list[Cell], *, is_rest: bool) -> Lane:
    ran = [cell.run for cell in cells if cell.run.status != "skipped"]
    of_commits = [list(group) for commit, group in groupby(cells, key=lambda cell: cell.run.commit) if commit]
    return Lane(
        branch=branch,
        is_rest=is_rest,
        cells=cells,
        same_commits=[SameCommit(start=group[0].x, end=group[-1].x) for group in of_commits if len(group) > 1],
        pass_rate=sum(run.status not in BAD for run in ran) / len(ran) if ran else None,
    )
