"""How tests came out in the runs up to a moment."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.showing.models import Status
from handler.showing.outcomes import failing_since, flips, pass_rate

LETTERS: dict[str, Status | None] = {
    "p": "passed",
    "~": "flaky",
    "F": "failed",
    "E": "error",
    "s": "skipped",
    ".": None,
}


def statuses(letters: str) -> list[Status | None]:
    return [LETTERS[letter] for letter in letters]


@pytest.mark.parametrize(
    ("letters", "most", "index"),
    [
        ("", 5, None),
        ("p", 5, None),
        ("F", 5, 0),
        ("FFF", 5, 0),
        ("pFE", 5, 1),
        ("~F", 5, 1),
        ("FpF", 5, 2),
        ("F~", 5, None),
        ("ss.", 5, None),
        # What came to nothing interrupts nothing.
        ("pFsF.E", 9, 1),
        ("pFs", 5, 1),
        ("psF", 5, 2),
        # Where older runs are not looked at, it may have failed in them.
        ("FFFFF", 5, None),
        ("sFsFF", 5, None),
        ("pFFFF", 5, 1),
        ("ppppF", 5, 4),
        ("FpFFF", 5, 2),
        # A new test has none.
        (".FFFF", 5, 1),
        ("..sFF", 5, 3),
    ],
)
def test_a_test_fails_since_the_first_failure_after_its_last_pass(letters: str, most: int, index: int | None) -> None:
    assert failing_since(statuses(letters), most=most) == index


@given(st.lists(st.sampled_from([*LETTERS.values()]), max_size=12), st.integers(min_value=0, max_value=12))
def test_with_less_of_the_history_it_is_the_same_or_not_known(history: Sequence[Status | None], cut: int) -> None:
    whole = failing_since(history, most=len(history) + 1)
    part = history[cut:]
    seen = failing_since(part, most=len(part)) if part else None
    if part and part[0] is not None:
        assert seen is None or (whole is not None and seen + cut == whole)
    if "passed" in part or "flaky" in part:
        assert seen == (None if whole is None else whole - cut)


@pytest.mark.parametrize(
    ("letters", "rate"), [("", None), ("s.", None), ("p~", 1), ("FE", 0), ("ppFs.", 2 / 3), ("p~FE", 1 / 2)]
)
def test_the_pass_rate_is_of_what_ran(letters: str, rate: float | None) -> None:
    assert pass_rate(statuses(letters)) == rate


@pytest.mark.parametrize(
    ("letters", "changes"),
    [("", 0), ("pppp", 0), ("FEF", 0), ("pFp", 2), ("psFs.p", 2), ("p~p", 1), ("~", 1), ("F~F", 2), ("~~", 2)],
)
def test_flips_are_changes_from_run_to_run_and_within_one(letters: str, changes: int) -> None:
    assert flips(statuses(letters)) == changes
