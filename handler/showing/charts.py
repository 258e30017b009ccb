"""The geometry of charts; the templates draw them as SVG.

Height says severity: what passed is low, what is flaky higher, what failed has the full height.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from handler.showing.models import STATUSES, Status, Totals

# Pixels of a run in a sparkline: its width with the gap, and its height by how it came out.
STEP = 5
SPARK_HEIGHT = 14
_HEIGHTS: dict[Status, int] = {"failed": 14, "error": 14, "flaky": 9, "passed": 5, "skipped": 1}

# Percent of a bar, and pixels of a column, that an outcome gets at least: one failure of a thousand is seen.
_LEAST, _LEAST_BAR = 1.6, 2.0

_ROUND = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)

_MINUTE, _HOUR = 60, 3600  # seconds

# Runs for which a small trend has room, so that those of several projects line up.
_SMALL = 30

# Percent of an axis that the name of a day takes.
_DAY_LABEL = 12

# Times the mean from which on a duration stands out, and percent below which it is the same.
_OUTLIER, _SAME = 1.6, 5


@dataclass(frozen=True, kw_only=True)
class Strokes:
    """All runs of a sparkline that came out alike, as the path of an SVG."""

    status: Status
    path: str


@dataclass(frozen=True, kw_only=True)
class Share:
    """A part of a bar, in percent of its width."""

    status: Status
    count: int
    start: float
    width: float


def sparkline(statuses: Sequence[Status | None]) -> list[Strokes]:
    """One stroke for each run, the oldest on the left."""
    paths: defaultdict[Status, str] = defaultdict(str)
    for index, status in enumerate(statuses):
        if status:
            paths[status] += f"M{index * STEP + 2} {SPARK_HEIGHT}v-{_HEIGHTS[status]}"
    return [Strokes(status=status, path=path) for status, path in paths.items()]


def counted(statuses: Sequence[Status | None]) -> str:
    """What a sparkline shows, in words: `2 failed, 18 passed; the last 20 runs`."""
    counts = Counter(statuses)
    told = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    return f"{told or 'not there'}; the last {len(statuses)} run{'s' if len(statuses) != 1 else ''}"


def shares(totals: Totals) -> list[Share]:
    """The outcomes of a run side by side, the worst first."""
    counts = {status: getattr(totals, status) for status in STATUSES if getattr(totals, status)}
    tests = sum(counts.values())
    widths = {status: max(_LEAST, 100 * count / tests) for status, count in counts.items()}
    scale = 100 / sum(widths.values()) if widths else 0
    start, parts = 0.0, []
    for status, width in widths.items():
        parts.append(Share(status=status, count=counts[status], start=round(start, 2), width=round(width * scale, 2)))
        start += width * scale
    return parts


def change(seconds: float | None, mean_seconds: float | None) -> Markup:
    """How long a test took against its mean: `+54 %`, from 1.6 times on `4.8 ×` in bold; a dash for about as long."""
    if not seconds or not mean_seconds:
        return Markup("–")
    factor = seconds / mean_seconds
    if factor >= _OUTLIER:
        return Markup("<b>{} ×</b>").format(f"{factor:.1f}" if factor < 100 else f"{factor:,.0f}")
    percent = round(100 * (factor - 1))
    return Markup("–") if abs(percent) < _SAME else Markup("{}").format(f"{percent:+} %".replace("-", "−"))


@dataclass(frozen=True, kw_only=True)
class Rect:
    """A bar: `x` and `width` in percent, `y` and `height` in pixels. `kind`: an outcome, or what it is."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The place of one run in charts that stand below each other. `start`, `middle` and `width` in percent."""

    start: float
    middle: float
    width: float


def slots(count: int) -> list[Slot]:
    """Of a few runs, those of a wider chart: three bars must not fill a page."""
    width = 100 / max(count, 12)
    first = 100 - count * width
    return [
        Slot(
            start=round(first + index * width, 3), middle=round(first + (index + 0.5) * width, 3), width=round(width, 3)
        )
        for index in range(count)
    ]


def nice(most: float) -> float:
    """The end of an axis: a round number at or above `most`."""
    if most <= 0:
        return 1
    power: float = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in _ROUND if step * power >= most)


def nice_seconds(most: float) -> float:
    """The end of an axis of time: round in the unit that people count it in."""
    unit = 1 if most <= _MINUTE else _MINUTE if most <= _HOUR else _HOUR
    return nice(most / unit) * unit


def days(moments: Sequence[datetime]) -> list[tuple[Slot, datetime]]:
    """Where the axis names a day: at the first run of it that is not too close to the name before."""
    named: list[tuple[Slot, datetime]] = []
    last: tuple[float, object] = (-_DAY_LABEL, None)
    for slot, moment in zip(slots(len(moments)), moments, strict=True):
        today = moment.astimezone(UTC).date()
        if today != last[1] and slot.start - last[0] >= _DAY_LABEL:
            named.append((slot, moment))
            last = (slot.start, today)
    return named


def day_spans(moments: Sequence[datetime]) -> list[tuple[int, int]]:
    """Of each day, the index of its first moment and how many it has."""
    dates = [moment.astimezone(UTC).date() for moment in moments]
    return [(dates.index(date), count) for date, count in Counter(dates).items()]


def bar(kind: str, slot: Slot, y: float, height: float) -> Rect:
    """A bar in the place of a run."""
    return Rect(
        kind=kind,
        x=round(slot.start + 0.15 * slot.width, 2),
        y=round(y, 1),
        width=round(0.7 * slot.width, 2),
        height=round(height, 1),
    )


def small_trend(trend: Sequence[Totals]) -> list[list[Rect]]:
    """For each run, what did not pass on what passed; the whole is 34 pixels high."""
    height, passed = 24, 8
    most = nice(max((totals.bad + totals.flaky for totals in trend), default=0))
    return [
        [
            *stack(slot, totals, bottom=height, height=height, most=most),
            *([bar("passed", slot, height + 2, passed)] if totals.passed else []),
        ]
        for slot, totals in zip(slots(max(len(trend), _SMALL))[-len(trend) :], trend, strict=True)
    ]


def told(trend: Sequence[Totals]) -> str:
    """A trend in words."""
    clean, bad = sum(not totals.bad for totals in trend), trend[-1].bad
    builds = "The only build" if len(trend) == 1 else f"The last {len(trend)} builds"
    return f"{builds}: {clean} without a failure; {bad} test{'s' if bad != 1 else ''} failed in the latest"


def stack(slot: Slot, totals: Totals, *, bottom: float, height: float, most: float) -> list[Rect]:
    """What did not pass in a run, one on the other: failed at the bottom. `most` has the whole height."""
    counts = {status: count for status in ("failed", "error", "flaky") if (count := getattr(totals, status))}
    sizes = {status: max(_LEAST_BAR, height * count / most) for status, count in counts.items()}
    # One that is seen although it is small takes the height from the others.
    scale = min(1, height / sum(sizes.values())) if sizes else 1
    y, rects = bottom, []
    for status, size in sizes.items():
        y -= size * scale
        rects.append(bar(status, slot, y, size * scale))
    return rects
