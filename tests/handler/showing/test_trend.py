"""How the last builds of a branch came out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.showing.branches import Build
from handler.showing.charts import slots
from handler.showing.trend import Line, Point, Strip, strips
from tests.handler.helpers.recorder import Recorder, case
from tests.handler.helpers.results import Results
from tests.handler.helpers.totals import any_build, build

BUILDS = [
    build(passed=6, failed=2, error=1, flaky=1, seconds=100),
    build(passed=10, seconds=90),
    build(passed=8, flaky=2, seconds=200),
    build(passed=9, skipped=1, seconds=0),
]
X = [slot.middle for slot in slots(4)]


def strip(name: str, builds: list[Build] = BUILDS) -> Strip:
    [found] = [strip for strip in strips(builds) if strip.name == name]
    return found


def test_the_charts_stand_in_one_order() -> None:
    assert [strip.name for strip in strips(BUILDS)] == ["Not passed", "Pass rate", "Flaky", "Duration"]


def test_what_did_not_pass_stands_on_what_passed() -> None:
    drawn = strip("Not passed")
    assert (drawn.figure, drawn.note, drawn.ends, drawn.rules, drawn.height) == (
        "0",
        "of 10 tests",
        ("4", "0"),
        [8, 56],
        80,
    )
    assert drawn.told == (
        "3 failed, 1 flaky of 10; 0 failed, 0 flaky of 10; 0 failed, 2 flaky of 10; 0 failed, 0 flaky of 10"
    )
    assert [[(rect.kind, rect.y, rect.height) for rect in of_build] for of_build in drawn.bars] == [
        [("failed", 32, 24), ("error", 20, 12), ("flaky", 8, 12), ("passed", 58, 8.4)],
        [("passed", 58, 14)],
        [("flaky", 32, 24), ("passed", 58, 11.2)],
        [("passed", 58, 12.6)],
    ]


def test_the_pass_rate_is_a_line_from_build_to_build() -> None:
    drawn = strip("Pass rate")
    assert (drawn.figure, drawn.note, drawn.ends, drawn.height) == ("100 %", "mean 92.5 %", ("100 %", "50 %"), 52)
    assert drawn.told == "70 %; 100 %; 100 %; 100 %"
    assert drawn.points == [
        Point(x=X[0], y=29.6, is_full=False),
        *(Point(x=x, y=8, is_full=True) for x in X[1:]),
    ]
    assert drawn.lines[0] == Line(x1=X[0], y1=29.6, x2=X[1], y2=8)
    assert len(drawn.lines) == 3


@pytest.mark.parametrize(
    ("passed", "failed", "lowest"),
    [(1000, 0, "99 %"), (99, 1, "99 %"), (95, 5, "90 %"), (8, 2, "75 %"), (6, 4, "50 %"), (1, 9, "0 %")],
)
def test_the_axis_of_the_pass_rate_ends_below_the_lowest(passed: int, failed: int, lowest: str) -> None:
    assert strip("Pass rate", [build(passed=passed, failed=failed)]).ends == ("100 %", lowest)


def test_builds_in_which_nothing_ran_have_no_pass_rate() -> None:
    drawn = strip("Pass rate", [build(passed=1), build(skipped=1), build(failed=1)])
    assert (drawn.told, len(drawn.points), len(drawn.lines)) == ("100 %; –; 0 %", 2, 1)
    drawn = strip("Pass rate", [build(skipped=1)])
    assert (drawn.figure, drawn.note, drawn.points, drawn.lines) == ("–", "mean –", [], [])


def test_flaky_tests_are_counted() -> None:
    drawn = strip("Flaky")
    assert (drawn.figure, drawn.note, drawn.ends, drawn.told) == ("0", "in 2 of 4 builds", ("2", "0"), "1; 0; 2; 0")
    assert [[(rect.kind, rect.y, rect.height) for rect in of_build] for of_build in drawn.bars] == [
        [("flaky", 22, 14)],
        [],
        [("flaky", 8, 28)],
        [],
    ]
    assert strip("Flaky", [build(flaky=3)]).ends == ("3", "0")
    assert strip("Flaky", [build(flaky=1)]).ends == strip("Flaky", [build(passed=1)]).ends == ("2", "0")


def test_a_duration_stands_out_against_the_median() -> None:
    drawn = strip("Duration")
    assert (drawn.figure, drawn.note, drawn.ends) == ("0 ms", "median 1 min 35 s", ("4 min", "0"))
    assert drawn.told == "1 min 40 s; 1 min 30 s; 3 min 20 s; 0 ms"
    assert [[(rect.kind, rect.height) for rect in of_build] for of_build in drawn.bars] == [
        [("duration", 18.3)],
        [("duration", 16.5)],
        [("outlier", 36.7)],
        [],
    ]
    assert drawn.median == pytest.approx(8 + 44 * (1 - 95 / 240), abs=0.06)


@given(st.lists(any_build(), min_size=1, max_size=30))
def test_everything_is_within_its_chart_and_seen(builds: list[Build]) -> None:
    for drawn in strips(builds):
        assert drawn.told.count("; ") == len(builds) - 1
        for rect in (rect for of_build in drawn.bars for rect in of_build):
            assert rect.height >= 1
            assert rect.y >= 0
            assert rect.y + rect.height <= drawn.height + 0.1
            assert 0 <= rect.x < rect.x + rect.width <= 100.01
        for point in drawn.points:
            assert 0 <= point.x <= 100
            assert drawn.rules[0] <= point.y <= drawn.rules[1]
        assert drawn.median is None or drawn.rules[0] <= drawn.median <= drawn.rules[1]
        assert len(drawn.bars) in (0, len(builds))


def test_each_bar_leads_to_its_build(results: Results, recorder: Recorder) -> None:
    """Also where builds before it have none."""
    runs = [
        recorder.record(case(status, time=1 if nth else 0), commit=f"c{nth}", days_ago=9 - nth)
        for nth, status in enumerate(["passed", "passed", "flaky", "passed", "flaky"])
    ]
    plots = results.get("/project", project="shop").text.split('<svg class="plot"')[1:]
    links = [re.findall(r'<a href="/runs/([0-9a-f-]+)"', plot.partition("</svg>\n<svg")[0]) for plot in plots]
    ids = [str(run.id) for run in runs]
    assert links == [ids, [], [ids[2], ids[4]], ids[1:], []]
