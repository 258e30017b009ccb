"""How long tests take."""

from __future__ import annotations

import pytest

from handler.showing import slowest
from handler.showing.reading import NotRecorded
from tests.handler.helpers.pages import Pages
from tests.handler.helpers.recorder import Recorder, case


def test_the_slowest_are_those_with_the_highest_mean(recorder: Recorder, pages: Pages) -> None:
    """Runs that skipped a test do not count."""
    for nth in range(20):
        recorder.record(
            case("passed", "a", time=1),
            case("passed", "b", time=10 if nth < 2 else 1),
            *([case("passed", "c", time=3)] if nth < 2 else [case("skipped", "c", time=9)]),
            days_ago=nth,
        )
    page = pages.read("/slowest")
    assert (page.project, page.known_projects, page.measured_tests, page.measured_seconds) == (None, ["shop"], 3, 64)
    assert [(test.name, test.project, test.runs, test.mean_seconds, test.p95_seconds) for test in page.slowest] == [
        ("c", "shop", 2, 3, 3),
        ("b", "shop", 20, 1.9, 10),
        ("a", "shop", 20, 1, 1),
    ]
    assert [test.share for test in page.slowest] == [6 / 64, 38 / 64, 20 / 64]
    assert [test.name for test in pages.read("/slowest", "sort=share").slowest] == ["b", "a", "c"]
    assert (page.slower_tests, page.slower) == (0, [])
    assert pages.text("/slowest").startswith("Slowest tests All 3 measured tests took 1 min 04 s in 30 days.")


def test_it_is_told_what_the_listed_ones_take_of_all(
    recorder: Recorder, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slowest, "LISTED", 1)
    recorder.record(case("passed", "a", time=1), case("passed", "b", time=3))
    recorder.record(case("passed", "c", time=4), project="other")
    assert [test.name for test in pages.read("/slowest").slowest] == ["c"]
    assert "1 of 3 tests take 50 % of the test time: 4.0 s of 8.0 s in 30 days." in pages.text("/slowest")
    assert "2 more tests take less time." in pages.text("/slowest")
    assert "1 of 2 tests of shop take 75 % of the test time" in pages.text("/slowest", "project=shop")
    assert "1 more test takes less time." in pages.text("/slowest", "project=shop")


def test_of_several_projects_each_has_its_own_share(recorder: Recorder, pages: Pages) -> None:
    recorder.record(case("passed", "a", time=1), case("passed", "b", time=3))
    recorder.record(case("passed", "c", time=2), project="other")
    assert [(test.project, test.name, test.share) for test in pages.read("/slowest").slowest] == [
        ("shop", "b", 0.75),
        ("other", "c", 1),
        ("shop", "a", 0.25),
    ]
    page = pages.read("/slowest", "project=other")
    assert (page.project, [test.name for test in page.slowest], page.measured_seconds) == ("other", ["c"], 2)


def test_what_takes_no_time_has_no_share(recorder: Recorder, pages: Pages) -> None:
    recorder.record(case("passed", "a", time=0))
    [test] = pages.read("/slowest").slowest
    assert (test.mean_seconds, test.p95_seconds, test.share) == (0, 0, None)
    assert "The only measured test took 0 ms in 30 days." in pages.text("/slowest")


def test_what_became_slower_is_a_list_of_its_own(recorder: Recorder, pages: Pages) -> None:
    """Those first that lost most time."""
    for nth in range(5):
        recorder.record(
            *(case("passed", name, time=seconds) for name, seconds in {"a": 1, "b": 2, "c": 1, "d": 0}.items()),
            days_ago=10 + nth,
        )
        recorder.record(
            *(case("passed", name, time=seconds) for name, seconds in {"a": 2, "b": 8, "c": 1, "d": 0.5}.items()),
            days_ago=nth,
        )
    page = pages.read("/slowest", "list=slower")
    assert (page.slower_tests, page.slowest, page.measured_tests) == (3, [], 0)
    assert [
        (test.name, test.project, test.runs, test.mean_seconds, test.runs_before, test.mean_seconds_before)
        for test in page.slower
    ] == [("b", "shop", 5, 8, 5, 2), ("a", "shop", 5, 2, 5, 1), ("d", "shop", 5, 0.5, 5, 0)]
    assert pages.text("/slowest", "list=slower").startswith(
        "Tests that became slower 3 tests take longer in the last seven days than in the 30 days before"
    )
    assert pages.read("/slowest", "list=slower&project=shop").slower_tests == 3


def test_a_long_list_says_how_many_more(recorder: Recorder, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slowest, "LISTED", 1)
    for nth in range(5):
        recorder.record(case("passed", "a", time=1), case("passed", "b", time=1), days_ago=10 + nth)
        recorder.record(case("passed", "a", time=2), case("passed", "b", time=3), days_ago=nth)
    page = pages.read("/slowest", "list=slower")
    assert ([test.name for test in page.slower], page.slower_tests) == (["b"], 2)
    assert "And 1 more." in pages.text("/slowest", "list=slower")


def test_nothing_was_measured(recorder: Recorder, pages: Pages) -> None:
    """The page says what would have to be there."""
    assert pages.text("/slowest") == "Slowest tests No report was read yet. How a report gets here"
    recorder.record(case("passed", "a"))
    recorder.record(case("passed", "b", time=1), project="other", days_ago=31)
    page = pages.read("/slowest")
    assert (page.measured_tests, page.measured_seconds, page.slowest) == (0, 0, [])
    assert "No test was measured in the last 30 days. Reports say" in pages.text("/slowest")
    assert "No test of shop became slower in the last seven days" in pages.text("/slowest", "project=shop&list=slower")
    with pytest.raises(NotRecorded, match="There is no project 'third'"):
        pages.read("/slowest", "project=third")
