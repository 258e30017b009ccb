"""How a branch does, as a small picture for a README."""

from __future__ import annotations

from dataclasses import dataclass

from handler.showing.branches import builds, find_branch, find_project
from handler.showing.formats import number
from handler.showing.models import Status, Totals
from handler.showing.reading import NotRecorded, Reading

# Behind white letters, each with a contrast of at least 5.7:1.
_COLORS: dict[Status | None, str] = {
    "failed": "#c02f1d",
    "error": "#7b3fa0",
    "flaky": "#17695a",
    "passed": "#17695a",
    "skipped": "#5b646e",
    None: "#5b646e",
}
_LABEL, _LABEL_COLOR = "tests", "#3d454e"
# Pixels: of a letter on the average, and on each side of a text.
_LETTER, _MARGIN = 6, 7

_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" viewBox="0 0 {width} 20" role="img" \
aria-label="{label}: {text}">
<title>{label}: {text}</title>
<clipPath id="round"><rect width="{width}" height="20" rx="3"/></clipPath>
<g clip-path="url(#round)">
<rect width="{left}" height="20" fill="{label_color}"/>
<rect x="{left}" width="{right}" height="20" fill="{color}"/>
</g>
<g fill="#fff" font-family="Verdana, DejaVu Sans, Geneva, sans-serif" font-size="11">
<text x="{margin}" y="14" textLength="{label_length}">{label}</text>
<text x="{text_start}" y="14" textLength="{text_length}">{text}</text>
</g>
</svg>
"""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`branch`: another one than the main branch."""

    project: str
    branch: str | None = None


@dataclass(frozen=True, kw_only=True)
class Badge:
    """What it says, and the most severe outcome; None if nothing ran."""

    text: str
    status: Status | None


def read(reading: Reading, inputs: Inputs) -> Badge:
    """Of the latest build of the branch. A project or branch that is not known has no runs: a picture says no more."""
    try:
        _, branch_id = find_branch(reading, find_project(reading, inputs.project), inputs.branch)
    except NotRecorded:
        branch_id = None
    for build in builds(reading, branch_id, 1) if branch_id else []:
        return Badge(text=_text(build), status=build.status)
    return Badge(text="no runs", status=None)


def _text(totals: Totals) -> str:
    if totals.bad:
        return f"{number(totals.bad)} of {number(totals.tests)} failed"
    if totals.passed + totals.flaky:
        return f"{number(totals.passed + totals.flaky)} passed"
    return f"{number(totals.skipped)} skipped" if totals.tests else "no tests"


def write(badge: Badge) -> str:
    """The SVG: nothing in it is anybody's text but ours."""
    label_length, text_length = round(_LETTER * len(_LABEL)), round(_LETTER * len(badge.text))
    left, right = label_length + 2 * _MARGIN, text_length + 2 * _MARGIN
    return _SVG.format(
        width=left + right,
        left=left,
        right=right,
        margin=_MARGIN,
        label=_LABEL,
        label_color=_LABEL_COLOR,
        label_length=label_length,
        text=badge.text,
        text_start=left + _MARGIN,
        text_length=text_length,
        color=_COLORS[badge.status],
    )
