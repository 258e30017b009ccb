"""How the last builds of a branch came out: charts below each other, in which a cause stands above its effect."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from handler.showing import formats
from handler.showing.branches import Build
from handler.showing.charts import Rect, Slot, bar, nice, nice_seconds, slots, stack

# Pixels above and below what is drawn, so that marks on the edge are whole.
_EDGE = 8
_LEAST_BAR = 2.0

# Times the median from which on a duration stands out.
_OUTLIER = 1.3


@dataclass(frozen=True, kw_only=True)
class Line:
    """From one build to the next; `x1` and `x2` in percent, `y1` and `y2` in pixels."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, kw_only=True)
class Point:
    """`x` in percent, `y` in pixels. `is_full`: nothing failed."""

    x: float
    y: float
    is_full: bool


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One chart. `height` in pixels; `bars` has those of each build; `rules` are lines across, and `ends` their names.

    `told`: what it shows, in words.
    """

    name: str
    figure: str
    note: str
    told: str
    height: int
    rules: list[float]
    ends: tuple[str, str]
    bars: list[list[Rect]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    median: float | None = None


def strips(builds: Sequence[Build]) -> list[Strip]:
    """The charts of these builds, of which there is at least one: the oldest first."""
    places = slots(len(builds))
    return [_not_passed(builds, places), _pass_rate(builds, places), _flaky(builds, places), _durations(builds, places)]


def _not_passed(builds: Sequence[Build], places: Sequence[Slot]) -> Strip:
    height, below, last = 48, 14, builds[-1]
    most = nice(max(build.bad + build.flaky for build in builds))
    tests = max(build.tests for build in builds) or 1
    stacks = []
    for build, place in zip(builds, places, strict=True):
        bars = stack(place, build, bottom=_EDGE + height, height=height, most=most)
        if build.passed:
            bars.append(bar("passed", place, _EDGE + height + 2, max(_LEAST_BAR, below * build.passed / tests)))
        stacks.append(bars)
    return Strip(
        name="Not passed",
        figure=formats.number(last.bad + last.flaky),
        note=f"of {formats.number(last.tests)} tests",
        told=_told(builds, lambda build: f"{build.bad} failed, {build.flaky} flaky of {build.tests}"),
        height=height + below + 2 + 2 * _EDGE,
        rules=[_EDGE, _EDGE + height],
        ends=(formats.number(math.ceil(most)), "0"),
        bars=stacks,
    )


def _pass_rate(builds: Sequence[Build], places: Sequence[Slot]) -> Strip:
    height = 36
    rated: list[tuple[float, Slot]] = [
        (build.pass_rate, place) for build, place in zip(builds, places, strict=True) if build.pass_rate is not None
    ]
    rates = [rate for rate, _ in rated]
    # The axis ends at a quarter or a tenth, so that one failure of a thousand is still seen to differ from none.
    lowest = next((end for end in (0.99, 0.9, 0.75, 0.5) if not rates or min(rates) >= end), 0)
    points = [
        Point(x=place.middle, y=round(_EDGE + height * (1 - rate) / (1 - lowest), 1), is_full=rate == 1)
        for rate, place in rated
    ]
    return Strip(
        name="Pass rate",
        figure=formats.percent(builds[-1].pass_rate),
        note=f"mean {formats.percent(statistics.fmean(rates) if rates else None)}",
        told=_told(builds, lambda build: formats.percent(build.pass_rate)),
        height=height + 2 * _EDGE,
        rules=[_EDGE, _EDGE + height],
        ends=("100 %", formats.percent(lowest)),
        lines=[Line(x1=a.x, y1=a.y, x2=b.x, y2=b.y) for a, b in pairwise(points)],
        points=points,
    )


def _flaky(builds: Sequence[Build], places: Sequence[Slot]) -> Strip:
    height = 28
    most = nice(max(2, *(build.flaky for build in builds)))
    return Strip(
        name="Flaky",
        figure=formats.number(builds[-1].flaky),
        note=f"in {sum(build.flaky > 0 for build in builds)} of {len(builds)} builds",
        told=_told(builds, lambda build: str(build.flaky)),
        height=height + 2 * _EDGE,
        rules=[_EDGE, _EDGE + height],
        ends=(formats.number(math.ceil(most)), "0"),
        bars=[
            [_risen("flaky", place, height, build.flaky / most)] if build.flaky else []
            for build, place in zip(builds, places, strict=True)
        ],
    )


def _durations(builds: Sequence[Build], places: Sequence[Slot]) -> Strip:
    height = 44
    durations = [build.duration_seconds for build in builds]
    median = statistics.median(durations)
    most = nice_seconds(max(durations))
    return Strip(
        name="Duration",
        figure=formats.duration(durations[-1]),
        note=f"median {formats.duration(median)}",
        told=_told(builds, lambda build: formats.duration(build.duration_seconds)),
        height=height + 2 * _EDGE,
        rules=[_EDGE, _EDGE + height],
        ends=(formats.round_duration(most), "0"),
        bars=[
            [_risen("outlier" if seconds > _OUTLIER * median else "duration", place, height, seconds / most)]
            if seconds
            else []
            for seconds, place in zip(durations, places, strict=True)
        ],
        median=round(_EDGE + height * (1 - median / most), 1),
    )


def _risen(kind: str, place: Slot, height: int, share: float) -> Rect:
    size = max(_LEAST_BAR, height * share)
    return bar(kind, place, _EDGE + height - size, size)


def _told(builds: Sequence[Build], tell: Callable[[Build], str]) -> str:
    return "; ".join(tell(build) for build in builds)
