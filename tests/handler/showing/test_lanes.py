"""The history of a test as a chart."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.showing import lanes, test
from handler.showing.charts import slots
from handler.showing.lanes import SameCommit
from handler.showing.models import STATUSES, Status
from tests.handler.helpers.totals import SECONDS


def ran(
    status: Status = "passed",
    *,
    branch: str | None = "main",
    commit: str | None = None,
    seconds: float | None = None,
) -> test.TestRun:
    return test.TestRun(
        id=UUID(int=1),
        branch=branch,
        series="unit",
        commit=commit,
        uploaded_at=datetime(2026, 11, 23, tzinfo=UTC),
        status=status,
        attempts=1,
        duration_seconds=seconds,
        type=None,
        message=None,
    )


any_run = st.builds(
    ran,
    st.sampled_from(STATUSES),
    branch=st.none() | st.sampled_from([f"b{number}" for number in range(12)]),
    commit=st.none() | st.sampled_from(["c1", "c2"]),
    seconds=st.none() | SECONDS,
)


class TestLanes:
    def test_are_those_of_branches_the_most_used_first(self) -> None:
        latest_first = [ran("failed"), ran(branch="feature"), ran("skipped"), ran("flaky"), ran(branch=None)]
        found = lanes.lanes(latest_first)
        places = [slot.middle for slot in slots(5)]
        assert [(lane.branch, lane.is_rest, lane.pass_rate) for lane in found] == [
            ("main", False, 1 / 2),
            (None, False, 1),
            ("feature", False, 1),
        ]
        assert [(cell.x, cell.run.status) for cell in found[0].cells] == [
            (places[1], "flaky"),
            (places[2], "skipped"),
            (places[4], "failed"),
        ]

    def test_join_runs_of_one_commit_that_follow_each_other(self) -> None:
        commits = ["c1", "c1", None, None, "c2", "c3", "c3", "c3", "c1"]
        [lane] = lanes.lanes([ran(commit=commit) for commit in reversed(commits)])
        x = [slot.middle for slot in slots(9)]
        assert lane.same_commits == [SameCommit(start=x[0], end=x[1]), SameCommit(start=x[5], end=x[7])]

    def test_know_no_pass_rate_where_nothing_ran(self) -> None:
        [lane] = lanes.lanes([ran("skipped")])
        assert lane.pass_rate is None

    def test_of_many_branches_share_one(self) -> None:
        own = [ran(branch=f"b{number}") for number in range(8) for _ in range(2)]
        found = lanes.lanes([ran(branch="rest 1"), *own, ran(branch="rest 2")])
        assert len(found) == 9
        assert [lane.is_rest for lane in found] == [False] * 8 + [True]
        assert [cell.run.branch for cell in found[-1].cells] == ["rest 2", "rest 1"]

    @given(st.lists(any_run, max_size=60))
    def test_have_each_run_once_in_the_order_of_time(self, latest_first: list[test.TestRun]) -> None:
        found = lanes.lanes(latest_first)
        cells = sorted((cell.x, id(cell.run)) for lane in found for cell in lane.cells)
        columns = zip(slots(len(latest_first)), reversed(latest_first), strict=True)
        assert cells == [(slot.middle, id(run)) for slot, run in columns]
        for lane in found:
            assert [cell.x for cell in lane.cells] == sorted(cell.x for cell in lane.cells)


class TestDurations:
    def test_have_a_bar_for_each_run_that_was_measured(self) -> None:
        drawn = lanes.durations([ran("failed", seconds=4), ran(), ran("skipped", seconds=1), ran(seconds=2)])
        assert drawn.most == 4
        places = slots(4)
        assert [(rect.kind, rect.height, rect.y, run.duration_seconds) for rect, run in drawn.bars] == [
            ("duration", 28, 46, 2),
            ("duration", 14, 60, 1),
            ("failed", 56, 18, 4),
        ]
        assert [rect.x for rect, _ in drawn.bars] == [
            pytest.approx(places[index].start + 0.15 * places[index].width, abs=0.01) for index in (0, 1, 3)
        ]
        assert drawn.median == 46

    def test_of_nothing_measured_are_none(self) -> None:
        drawn = lanes.durations([ran(), ran("failed")])
        assert (drawn.bars, drawn.most, drawn.median) == ([], 1, None)

    def test_of_nothing_are_seen(self) -> None:
        drawn = lanes.durations([ran(seconds=0)])
        assert [(rect.y, rect.height) for rect, _ in drawn.bars] == [(73, 1)]
        assert drawn.median == 74

    @given(st.lists(any_run, max_size=60))
    def test_are_within_the_chart(self, latest_first: list[test.TestRun]) -> None:
        drawn = lanes.durations(latest_first)
        for rect, _ in drawn.bars:
            assert rect.height >= 1
            assert rect.y >= lanes.ABOVE - 0.1
            assert rect.y + rect.height == pytest.approx(lanes.ABOVE + lanes.DURATIONS, abs=0.11)
            assert 0 <= rect.x <= rect.x + rect.width <= 100.01
        assert drawn.median is None or lanes.ABOVE <= drawn.median <= lanes.ABOVE + lanes.DURATIONS


def test_every_outcome_has_a_letter() -> None:
    assert set(lanes.LETTERS) == set(STATUSES)
