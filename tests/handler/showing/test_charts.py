"""The geometry of charts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handler.showing import charts
from handler.showing.charts import Rect, Share, Slot, Strokes
from handler.showing.models import STATUSES, Status, Totals
from tests.handler.helpers.totals import SECONDS, any_totals, totals

any_statuses = st.lists(st.sampled_from([*STATUSES, None]), max_size=30)


class TestSparkline:
    def test_has_a_stroke_for_each_run_as_high_as_it_is_bad(self) -> None:
        assert charts.sparkline(["passed", None, "failed", "passed", "flaky", "error", "skipped"]) == [
            Strokes(status="passed", path="M2 14v-5M17 14v-5"),
            Strokes(status="failed", path="M12 14v-14"),
            Strokes(status="flaky", path="M22 14v-9"),
            Strokes(status="error", path="M27 14v-14"),
            Strokes(status="skipped", path="M32 14v-1"),
        ]

    @given(any_statuses)
    def test_leaves_no_run_out(self, statuses: list[Status | None]) -> None:
        drawn = {strokes.status: strokes.path.count("M") for strokes in charts.sparkline(statuses)}
        assert drawn == {status: statuses.count(status) for status in statuses if status}

    @pytest.mark.parametrize(
        ("statuses", "told"),
        [
            ([], "not there; the last 0 runs"),
            ([None, None], "not there; the last 2 runs"),
            (["passed"], "1 passed; the last 1 run"),
            (["passed", "failed", "passed", None], "1 failed, 2 passed; the last 4 runs"),
            (
                ["skipped", "passed", "flaky", "error", "failed"],
                "1 failed, 1 error, 1 flaky, 1 passed, 1 skipped; the last 5 runs",
            ),
        ],
    )
    def test_is_told_in_words(self, statuses: list[Status | None], told: str) -> None:
        assert charts.counted(statuses) == told


class TestShares:
    def test_stand_side_by_side_the_worst_first(self) -> None:
        assert charts.shares(totals(passed=6, skipped=1, failed=2, flaky=1)) == [
            Share(status="failed", count=2, start=0, width=20),
            Share(status="flaky", count=1, start=20, width=10),
            Share(status="passed", count=6, start=30, width=60),
            Share(status="skipped", count=1, start=90, width=10),
        ]

    def test_of_one_in_thousands_is_seen(self) -> None:
        failed, passed = charts.shares(totals(passed=99_999, failed=1))
        assert failed.width == passed.start == pytest.approx(1.57, abs=0.01)

    def test_of_no_tests_are_none(self) -> None:
        assert charts.shares(totals()) == []

    @given(any_totals)
    def test_fill_the_bar(self, of: Totals) -> None:
        parts = charts.shares(of)
        assert [part.status for part in parts] == [status for status in STATUSES if getattr(of, status)]
        assert [part.count for part in parts] == [getattr(of, part.status) for part in parts]
        assert all(part.width >= 1.4 for part in parts)
        end = 0.0
        for part in parts:
            assert part.start == pytest.approx(end, abs=0.02)
            end = part.start + part.width
        assert not parts or end == pytest.approx(100, abs=0.02)


@pytest.mark.parametrize(
    ("seconds", "mean", "told"),
    [
        (None, 1, "–"),
        (1, None, "–"),
        (0, 1, "–"),
        (1, 0, "–"),
        (1, 1, "–"),
        (1.04, 1, "–"),
        (0.96, 1, "–"),
        (1.05, 1, "+5 %"),
        (0.9, 1, "−10 %"),
        (1.59, 1, "+59 %"),
        (1.6, 1, "<b>1.6 ×</b>"),
        (48, 10, "<b>4.8 ×</b>"),
        (99.96, 1, "<b>100.0 ×</b>"),
        (1234, 1, "<b>1,234 ×</b>"),
    ],
)
def test_a_duration_is_held_against_the_mean(seconds: float | None, mean: float | None, told: str) -> None:
    assert charts.change(seconds, mean) == told


class TestSlots:
    def test_of_many_runs_share_the_width(self) -> None:
        slots = charts.slots(20)
        assert len(slots) == 20
        assert slots[0] == Slot(start=0, middle=2.5, width=5)
        assert slots[-1] == Slot(start=95, middle=97.5, width=5)

    def test_of_a_few_stand_on_the_right(self) -> None:
        assert charts.slots(1) == [Slot(start=91.667, middle=95.833, width=8.333)]
        assert charts.slots(0) == []

    @given(st.integers(min_value=1, max_value=400))
    def test_follow_each_other_up_to_the_end(self, count: int) -> None:
        slots = charts.slots(count)
        assert len(slots) == count
        assert slots[0].start >= 0
        assert slots[-1].start + slots[-1].width == pytest.approx(100, abs=0.01)
        for one, other in itertools.pairwise(slots):
            assert one.start < one.middle < one.start + one.width == pytest.approx(other.start, abs=0.01)


class TestNice:
    @pytest.mark.parametrize(
        ("most", "end"),
        [(0, 1), (-1, 1), (1, 1), (1.1, 1.2), (7, 8), (9, 10), (10, 10), (101, 120), (0.04, 0.04), (0.07, 0.08)],
    )
    def test_is_a_round_number_above(self, most: float, end: float) -> None:
        assert charts.nice(most) == pytest.approx(end)

    @pytest.mark.parametrize(
        ("most", "end"),
        [(0, 1), (0.3, 0.3), (42, 50), (60, 60), (61, 72), (100, 120), (3600, 3600), (3601, 4320), (7200, 7200)],
    )
    def test_of_time_is_round_in_its_unit(self, most: float, end: float) -> None:
        assert charts.nice_seconds(most) == pytest.approx(end)

    @given(SECONDS | st.integers(min_value=1, max_value=10_000_000))
    @example(1e-9)
    @example(1000)
    def test_is_never_below_nor_far_above(self, most: float) -> None:
        for end in (charts.nice(most), charts.nice_seconds(most)):
            assert end >= most * (1 - 1e-9)
            assert end <= max(1, 1.5 * most * (1 + 1e-9))


class TestDays:
    def test_are_named_at_their_first_run_where_there_is_room(self) -> None:
        days = [1, 1, 2, 3, 3, 3, 3, 4, 5, 5]
        moments = [datetime(2026, 11, day, hour, tzinfo=UTC) for hour, day in enumerate(days)]
        named = charts.days(moments)
        places = charts.slots(10)
        assert named == [(places[nth], moments[nth]) for nth in (0, 2, 4, 7, 9)]

    def test_are_those_of_utc(self) -> None:
        east = timezone(timedelta(hours=8))
        moments = [datetime(2026, 11, 23, 17, tzinfo=UTC), datetime(2026, 11, 24, 1, 30, tzinfo=east)]
        assert len(charts.days(moments)) == 1
        assert charts.day_spans(moments) == [(0, 2)]

    def test_span_their_runs(self) -> None:
        moments = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 1, 2, 4, 4, 4)]
        assert charts.day_spans(moments) == [(0, 2), (2, 1), (3, 3)]

    def test_of_nothing_are_none(self) -> None:
        assert charts.days([]) == []
        assert charts.day_spans([]) == []

    @given(st.lists(st.integers(min_value=0, max_value=9), max_size=60).map(sorted))
    def test_never_overlap(self, after: Sequence[int]) -> None:
        moments = [datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=days) for days in after]
        starts = [slot.start for slot, _ in charts.days(moments)]
        assert all(other - one >= 12 for one, other in itertools.pairwise(starts))


class TestBars:
    def test_stand_in_the_middle_of_their_slot(self) -> None:
        assert charts.bar("passed", Slot(start=10, middle=15, width=10), 8.04, 6) == Rect(
            kind="passed", x=11.5, y=8.0, width=7, height=6
        )

    def test_of_what_did_not_pass_stand_on_each_other(self) -> None:
        slot = Slot(start=0, middle=5, width=10)
        of = totals(failed=2, error=1, flaky=1, passed=6)
        assert charts.stack(slot, of, bottom=48, height=40, most=8) == [
            Rect(kind="failed", x=1.5, y=38, width=7, height=10),
            Rect(kind="error", x=1.5, y=33, width=7, height=5),
            Rect(kind="flaky", x=1.5, y=28, width=7, height=5),
        ]
        assert charts.stack(slot, totals(passed=3), bottom=48, height=40, most=8) == []

    @given(st.lists(any_totals, min_size=1, max_size=40))
    @example([totals(failed=998, error=1, flaky=1)])
    def test_of_a_small_trend_are_within_it_and_all_seen(self, trend: list[Totals]) -> None:
        columns = charts.small_trend(trend)
        assert len(columns) == len(trend)
        for of, rects in zip(trend, columns, strict=True):
            expected = [kind for kind in ("failed", "error", "flaky", "passed") if getattr(of, kind)]
            assert [rect.kind for rect in rects] == expected
            for rect in rects:
                assert rect.height >= 1
                assert rect.y >= 0
                assert rect.y + rect.height <= 34.1
                assert rect.width > 0
                assert rect.x >= 0
                assert rect.x + rect.width <= 100.01

    def test_of_projects_with_few_builds_line_up_with_those_of_others(self) -> None:
        few, many = charts.small_trend([totals(passed=1)] * 2), charts.small_trend([totals(passed=1)] * 30)
        assert few == many[-2:]

    @pytest.mark.parametrize(
        ("trend", "told"),
        [
            ([totals(passed=1)], "The only build: 1 without a failure; 0 tests failed in the latest"),
            (
                [totals(passed=1), totals(flaky=2), totals(error=1)],
                "The last 3 builds: 2 without a failure; 1 test failed in the latest",
            ),
            (
                [totals(failed=1), totals(failed=1, error=1)],
                "The last 2 builds: 0 without a failure; 2 tests failed in the latest",
            ),
        ],
    )
    def test_are_told_in_words(self, trend: list[Totals], told: str) -> None:
        assert charts.told(trend) == told
