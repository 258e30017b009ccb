"""Flaky tests, and what they cost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handler.showing import flaky
from handler.showing.reading import NotRecorded
from tests.handler.helpers.pages import Pages
from tests.handler.helpers.recorder import NOW, Recorder, ago, case


def rerun(name: str, seconds: float | None = None, message: str = "timed out") -> str:
    """A case that passed at its second attempt; both together took so long."""
    time = "" if seconds is None else f' time="{seconds}"'
    return f'<testcase name="{name}"{time}><flakyFailure message="{message}"/></testcase>'


def test_a_rerun_that_passed_has_its_price(recorder: Recorder, pages: Pages) -> None:
    """Half of what both attempts took."""
    for days, cases in {
        4: [case("passed", "a"), rerun("b", 1)],
        3: [rerun("a", 6), case("passed", "b")],
        2: [rerun("a", 10, "no answer"), case("passed", "b")],
        1: [case("failed", "a"), case("passed", "b")],
        0: [case("passed", "a"), case("passed", "b")],
    }.items():
        recorder.record(*cases, commit=f"c{days}", days_ago=days)
    page = pages.read("/flaky")
    assert (page.project, page.known_projects) == (None, ["shop"])
    assert (page.flaky_tests, page.flaky_projects, page.new_tests) == (2, 1, 2)
    assert (page.lost_seconds, page.most_lost_seconds) == (8.5, 8)
    assert [
        (test.name, test.project, test.commits, test.reruns, test.failures, test.lost_seconds) for test in page.tests
    ] == [("a", "shop", 0, 2, 1, 8), ("b", "shop", 0, 1, 0, 0.5)]
    assert [(test.first_seen_at, test.last_seen_at) for test in page.tests] == [(ago(3), ago(2)), (ago(4), ago(4))]
    assert [(test.statuses, test.flip_rate) for test in page.tests] == [
        (["passed", "flaky", "flaky", "failed", "passed"], 0.8),
        (["flaky", "passed", "passed", "passed", "passed"], 0.2),
    ]


def test_a_commit_on_which_a_test_passed_and_failed_counts(recorder: Recorder, pages: Pages) -> None:
    """On any branch. What never was measured has no price."""
    for status in ("failed", "passed"):
        recorder.record(case(status, "a"), case("passed", "b"), branch="feature", days_ago=1)
    [test] = pages.read("/flaky").tests
    assert (test.name, test.commits, test.reruns, test.lost_seconds) == ("a", 1, 0, None)


def test_the_history_is_that_of_the_main_branch(recorder: Recorder, pages: Pages) -> None:
    """In the job in which it was flaky last; without a main branch, that of the branch on which it was."""
    recorder.record(rerun("a"), branch="feature", series="browser", days_ago=1)
    assert pages.read("/flaky").tests[0].statuses == ["flaky"]
    recorder.record(case("failed", "a"), series="unit", days_ago=3)
    assert (pages.read("/flaky").tests[0].statuses, pages.read("/flaky").tests[0].flip_rate) == ([], None)
    recorder.record(case("skipped", "a"), series="browser", days_ago=2)
    assert (pages.read("/flaky").tests[0].statuses, pages.read("/flaky").tests[0].flip_rate) == (["skipped"], None)
    recorder.record(case("passed", "a"), series="browser", days_ago=1)
    assert pages.read("/flaky").tests[0].statuses == ["skipped", "passed"]


def test_each_has_its_most_frequent_message(recorder: Recorder, pages: Pages) -> None:
    """Whether it failed with it or passed in the end; or else the type."""
    for message in ("no answer", "timed out", "timed out"):
        recorder.record(rerun("a", message=message), '<testcase name="b"><flakyFailure type="Timeout"/></testcase>')
    assert [test.message for test in pages.read("/flaky").tests] == ["timed out", "Timeout"]


def test_they_are_sorted_as_asked(recorder: Recorder, pages: Pages) -> None:
    recorder.record(rerun("cheap", 0.1), rerun("dear", 9), days_ago=2)
    recorder.record(rerun("cheap", 0.1), case("failed", "split"), days_ago=1)
    recorder.record(case("passed", "split"), days_ago=0.5)

    def names(sort: str) -> list[str]:
        return [test.name for test in pages.read("/flaky", f"sort={sort}").tests]

    assert [test.name for test in pages.read("/flaky").tests] == ["dear", "cheap", "split"]
    assert names("lost") == ["dear", "cheap", "split"]
    assert names("reruns") == ["cheap", "dear", "split"]
    assert names("commits") == ["split", "cheap", "dear"]
    assert names("last") == ["cheap", "split", "dear"]


def test_a_long_list_has_pages(recorder: Recorder, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flaky, "LISTED", 2)
    recorder.record(rerun("a", 3), rerun("b", 2), rerun("c", 1))
    assert [test.name for test in pages.read("/flaky").tests] == ["a", "b"]
    assert "1 to 2 of 3 · Next" in pages.text("/flaky")
    page = pages.read("/flaky", "skip=2")
    assert ([test.name for test in page.tests], page.flaky_tests) == (["c"], 3)
    assert "3 to 3 of 3 · Previous" in pages.text("/flaky", "skip=2")
    assert "There are no more. The first ones" in pages.text("/flaky", "skip=3")


def test_one_project_is_asked_for(recorder: Recorder, pages: Pages) -> None:
    recorder.record(rerun("a", 2), days_ago=1)
    recorder.record(rerun("b", 4), project="other", days_ago=1)
    assert [(test.project, test.name) for test in pages.read("/flaky").tests] == [("other", "b"), ("shop", "a")]
    page = pages.read("/flaky", "project=shop")
    assert (page.project, [test.name for test in page.tests], page.lost_seconds) == ("shop", ["a"], 1)
    assert sum(day.runs for day in page.days) == 1
    with pytest.raises(NotRecorded, match="There is no project 'third'"):
        pages.read("/flaky", "project=third")


def test_each_day_of_thirty_is_told(recorder: Recorder, pages: Pages) -> None:
    recorder.record(rerun("a"), rerun("b"), days_ago=3)
    recorder.record(case("passed", "a"), days_ago=3)
    recorder.record(rerun("a"), days_ago=31)
    page = pages.read("/flaky")
    today = NOW.date()
    assert [day.day for day in page.days] == [today - timedelta(days=nth) for nth in range(30, -1, -1)]
    assert [(day.day, day.runs, day.runs_touched, day.reruns) for day in page.days if day.runs] == [
        (today - timedelta(days=3), 2, 1, 2)
    ]


def test_what_is_long_known_is_not_new(recorder: Recorder, pages: Pages) -> None:
    recorder.record(rerun("a"), days_ago=8)
    recorder.record(rerun("a"), rerun("b"), days_ago=6)
    assert (pages.read("/flaky").flaky_tests, pages.read("/flaky").new_tests) == (2, 1)


def test_nothing_is_flaky(recorder: Recorder, pages: Pages) -> None:
    """The page says what would have to be there."""
    assert pages.text("/flaky") == "Flaky tests No report was read yet. How a report gets here"
    recorder.record(rerun("a"), days_ago=31)
    page = pages.read("/flaky")
    assert (page.flaky_tests, page.flaky_projects, page.new_tests, page.lost_seconds) == (0, 0, 0, None)
    assert "No test was flaky in the last 30 days. A test counts that passed and failed on one commit" in pages.text(
        "/flaky"
    )
    assert "No test of shop was flaky in the last 30 days." in pages.text("/flaky", "project=shop")
