"""Numbers, times and names as a person reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from markupsafe import Markup, escape

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400  # seconds
# Before a moment is told by its day instead.
_RECENT = timedelta(days=60)

# Where a long name may break: after what joins its words, and where a hump begins.
_BREAKS = re.compile(r"(?<=[_./:\[\-\\])(?=[^\s])|(?<=[a-z0-9])(?=[A-Z])")
# Longer names than anybody writes by hand.
_MAX_NAME = 300


def number(value: float) -> str:
    """`20,000`; a share of a percent is not a number of anything, and keeps its digit."""
    return f"{value:,}"


def percent(share: float | None) -> str:
    """Of a share from 0 to 1: `78.7 %`. Rounded neither up to all nor down to none."""
    if share is None:
        return "–"
    rounded = round(100 * share, 1)
    if rounded == 100 and share < 1:
        return "> 99.9 %"
    if rounded == 0 and share > 0:
        return "< 0.1 %"
    return f"{rounded:g} %"


def duration(seconds: float | None) -> str:
    """`713 ms`, `8.3 s`, `1 min 43 s`, `2 h 05 min`."""
    if seconds is None:
        return "–"
    if seconds < 0.0005:
        return "0 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    minutes = round(seconds / _MINUTE)
    return f"{minutes // 60:,} h {minutes % 60:02} min"


def round_duration(seconds: float) -> str:
    """Of the end of an axis, without what is nought: `2 min`, `12 s`."""
    return duration(seconds).replace(" 00 s", "").replace(" 00 min", "").replace(".0 s", " s")


def exact(moment: datetime) -> str:
    """`Mon 23 Nov 2026, 17:40:05 UTC`."""
    return f"{moment.astimezone(UTC):%a} {moment.astimezone(UTC).day} {moment.astimezone(UTC):%b %Y, %H:%M:%S} UTC"


def day(moment: datetime) -> str:
    """`23 Nov`."""
    return f"{moment.astimezone(UTC).day} {moment.astimezone(UTC):%b}"


def ago(moment: datetime, now: datetime) -> str:
    """`38 min ago`, `28 h ago`, `4 days ago`, and then the day: `23 Nov 2026`."""
    seconds = (now - moment).total_seconds()
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min ago"
    if seconds < 36 * _HOUR:
        return f"{seconds // _HOUR:.0f} h ago"
    if now - moment < _RECENT:
        return f"{round(seconds / _DAY)} days ago"
    return f"{day(moment)} {moment.astimezone(UTC).year}"


def breakable(name: str) -> Markup:
    """A name that may break where its words end; of a very long one, the beginning and the end."""
    if len(name) > _MAX_NAME:
        name = f"{name[: _MAX_NAME // 2]} … {name[-_MAX_NAME // 2 :]}"
    return Markup("<wbr>").join(escape(part) for part in _BREAKS.split(name))


def one_line(text: str, limit: int) -> str:
    """The beginning of a text in one line."""
    line = " ".join(text[: 2 * limit].split())
    return line if len(line) <= limit and len(text) <= 2 * limit else line[:limit].rstrip() + "…"


# What stands out in the stack traces of pytest: the lines that failed, and where they are.
_FAULT = re.compile(r"E( |$)")
_WHERE = re.compile(r">( |$)|\S+:\d+:( |$)")


def trace(text: str) -> Markup:
    """A stack trace, with the lines that matter most told apart."""
    lines = []
    for line in text.split("\n"):
        escaped = escape(line)
        if _FAULT.match(line):
            escaped = Markup("<span class=fault>{}</span>").format(line)
        elif _WHERE.match(line):
            escaped = Markup("<b>{}</b>").format(line)
        lines.append(escaped)
    return Markup("\n").join(lines)
