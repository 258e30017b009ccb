"""Outcomes of runs, counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from handler.showing.branches import Build
from handler.showing.models import STATUSES, Totals

_COUNTS = st.integers(min_value=0, max_value=3) | st.integers(min_value=0, max_value=1_000_000)
SECONDS = st.just(0.0) | st.floats(min_value=1e-9, max_value=7 * 24 * 3600)


def counts(**of: int) -> dict[str, int]:
    """By outcome, and how many tests that makes."""
    return {**dict.fromkeys(STATUSES, 0), **of, "tests": sum(of.values())}


def totals(**of: int) -> Totals:
    return Totals(**counts(**of))


def build(*, seconds: float = 0, nth: int = 0, day: int = 1, **of: int) -> Build:
    """One of the builds of a branch."""
    return Build(
        id=UUID(int=nth),
        commit=f"c{nth}",
        build_url=None,
        uploaded_at=datetime(2026, 11, day, 12, tzinfo=UTC),
        duration_seconds=seconds,
        runs=1,
        **counts(**of),
    )


any_counts: st.SearchStrategy[dict[str, int]] = st.fixed_dictionaries(dict.fromkeys(STATUSES, _COUNTS))
any_totals: st.SearchStrategy[Totals] = any_counts.map(lambda of: totals(**of))


@st.composite
def any_build(draw: st.DrawFn) -> Build:
    of: dict[str, Any] = draw(any_counts)
    return build(seconds=draw(SECONDS), **of)
