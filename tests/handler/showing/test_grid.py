"""The grid of a branch."""

from __future__ import annotations

import gzip
import random

import pytest

from handler.showing.inputs import BadInput
from handler.showing.reading import NotRecorded
from tests.handler.helpers.pages import Pages
from tests.handler.helpers.recorder import Recorder, ago, case

OF_SHOP = "project=shop"


def test_each_test_is_a_row_of_its_outcomes(recorder: Recorder, pages: Pages) -> None:
    """The oldest run on the left; what fails now comes first, and the latest breakage before the others."""
    runs = [
        recorder.record(
            *(case(status, name) for name, status in zip("abcdef", statuses.split(), strict=True) if status != "-"),
            commit=f"c{nth}",
            days_ago=9 - nth,
        )
        for nth, statuses in enumerate(
            [
                "passed passed passed skipped flaky passed",
                "failed passed passed skipped passed passed",
                "error failed passed passed passed passed",
                "skipped failed passed passed passed -",
            ]
        )
    ]
    page = pages.read("/grid", f"{OF_SHOP}&show=all")
    assert (page.project, page.branch, page.series) == ("shop", "main", "report.xml")
    assert (page.branches, page.all_series) == (["main"], ["report.xml"])
    assert [(run.id, run.commit, run.uploaded_at, run.bad, run.began_to_fail) for run in page.runs] == [
        (runs[0].id, "c0", ago(9), 0, 0),
        (runs[1].id, "c1", ago(8), 1, 1),
        (runs[2].id, "c2", ago(7), 2, 1),
        (runs[3].id, "c3", ago(6), 1, 0),
    ]
    assert page.counts == {"failing": 2, "unsteady": 1, "skipped": 1, "passed": 2}
    assert [(test.name, test.group, test.statuses, test.pass_rate, test.flips) for test in page.tests] == [
        ("b", "failing", ["passed", "passed", "failed", "failed"], 0.5, 1),
        ("a", "failing", ["passed", "failed", "error", "skipped"], 1 / 3, 1),
        ("e", "unsteady", ["flaky", "passed", "passed", "passed"], 1, 1),
        ("d", "skipped", ["skipped", "skipped", "passed", "passed"], 1, 0),
        ("c", "passed", ["passed", "passed", "passed", "passed"], 1, 0),
        ("f", "passed", ["passed", "passed", "passed", None], 1, 0),
    ]


def test_what_always_passed_is_counted_and_shown_on_request(recorder: Recorder, pages: Pages) -> None:
    recorder.record(case("passed", "a"), case("failed", "b"))
    assert [test.name for test in pages.read("/grid", OF_SHOP).tests] == ["b"]
    assert pages.read("/grid", OF_SHOP).counts["passed"] == 1
    assert "1 test passed in the only run. Show it too" in pages.text("/grid", OF_SHOP)
    assert [test.name for test in pages.read("/grid", f"{OF_SHOP}&show=all").tests] == ["b", "a"]
    assert "too" not in pages.text("/grid", f"{OF_SHOP}&show=all").split()


def test_the_latest_failure_comes_first_of_what_passes_now(recorder: Recorder, pages: Pages) -> None:
    for nth, statuses in enumerate(["failed passed", "passed flaky", "passed passed"]):
        recorder.record(*map(case, statuses.split(), "ab"), days_ago=5 - nth)
    assert [(test.name, test.group) for test in pages.read("/grid", OF_SHOP).tests] == [
        ("b", "unsteady"),
        ("a", "unsteady"),
    ]


def test_it_ends_with_the_last_thirty_runs(recorder: Recorder, pages: Pages) -> None:
    for nth in range(31):
        recorder.record(case("failed" if nth == 0 else "passed"), commit=f"c{nth}", days_ago=40 - nth)
    page = pages.read("/grid", f"{OF_SHOP}&show=all")
    assert [run.commit for run in page.runs] == [f"c{nth}" for nth in range(1, 31)]
    assert [test.group for test in page.tests] == ["passed"]


def test_a_branch_is_asked_for_or_it_is_the_main_branch(recorder: Recorder, pages: Pages) -> None:
    recorder.record(case("passed", "a"), branch="feature/1", days_ago=1)
    assert pages.read("/grid", OF_SHOP).branch == "feature/1"
    recorder.record(case("failed", "b"), days_ago=2)
    assert pages.read("/grid", OF_SHOP).branch == "main"
    page = pages.read("/grid", f"{OF_SHOP}&branch=feature/1&show=all")
    assert (page.branch, page.branches, [test.name for test in page.tests]) == (
        "feature/1",
        ["feature/1", "main"],
        ["a"],
    )


def test_runs_may_have_no_branch(recorder: Recorder, pages: Pages) -> None:
    recorder.record(case("failed", "a"), branch=None, commit=None)
    assert pages.read("/grid", OF_SHOP).branch is None
    assert "Grid of runs without a branch 1 test fails now." in pages.text("/grid", OF_SHOP)


def test_of_several_jobs_the_one_with_trouble_is_shown(recorder: Recorder, pages: Pages) -> None:
    """Unless another one is asked for; without any trouble, the one with most tests."""
    recorder.record(case("passed", "a"), case("passed", "b"), series="unit", days_ago=1)
    recorder.record(case("passed", "c"), series="browser", days_ago=2)
    assert pages.read("/grid", OF_SHOP).series == "unit"
    recorder.record(case("flaky", "c"), series="browser", days_ago=3)
    page = pages.read("/grid", OF_SHOP)
    assert (page.series, page.all_series, len(page.runs)) == ("browser", ["browser", "unit"], 2)
    page = pages.read("/grid", f"{OF_SHOP}&series=unit&show=all")
    assert (page.series, [test.name for test in page.tests]) == ("unit", ["a", "b"])


def test_tests_are_found_by_words_of_their_names(recorder: Recorder, pages: Pages) -> None:
    recorder.record(
        case("failed", "sells one", classname="Stock"),
        case("failed", "sells two", classname="Stock"),
        case("passed", "is ONE of them", classname="Stock"),
    )
    page = pages.read("/grid", f"{OF_SHOP}&q=one+STOCK")
    assert [test.name for test in page.tests] == ["sells one"]
    assert page.counts == {"failing": 1, "unsteady": 0, "skipped": 0, "passed": 1}
    # What would be a pattern is taken literally.
    assert sum(pages.read("/grid", f"{OF_SHOP}&q=sells%25one").counts.values()) == 0
    assert sum(pages.read("/grid", f"{OF_SHOP}&q=sells_one").counts.values()) == 0
    assert sum(pages.read("/grid", f"{OF_SHOP}&q=%5C").counts.values()) == 0
    text = pages.text("/grid", f"{OF_SHOP}&q=nothing+like+it")
    assert "No test matches." in text
    assert "No test of these runs has all words of “nothing like it” in its names." in text
    with pytest.raises(BadInput, match="There are 21 words to look for: give at most 20"):
        pages.read("/grid", f"{OF_SHOP}&q={'+'.join(map(str, range(21)))}")


def test_projects_do_not_mix(recorder: Recorder, pages: Pages) -> None:
    recorder.record(case("failed", "a"))
    recorder.record(case("failed", "b"), project="other")
    assert [test.name for test in pages.read("/grid", OF_SHOP).tests] == ["a"]


def test_what_is_not_there_is_said(recorder: Recorder, pages: Pages) -> None:
    with pytest.raises(NotRecorded, match="There is no project 'shop'"):
        pages.read("/grid", OF_SHOP)
    run = recorder.record(case("passed"))
    recorder.record(case("passed"), project="other", branch="feature")
    with pytest.raises(NotRecorded, match="There is no branch 'feature' of the project 'shop', or no more"):
        pages.read("/grid", f"{OF_SHOP}&branch=feature")
    with pytest.raises(NotRecorded, match="There is no run of 'nightly' on this branch, or no more"):
        pages.read("/grid", f"{OF_SHOP}&series=nightly")
    recorder.connection.execute("delete from upload where event_id = %s", [run.id])
    with pytest.raises(NotRecorded, match="There is no run of the project 'shop', or no more"):
        pages.read("/grid", OF_SHOP)


def test_runs_without_tests_are_shown_as_such(recorder: Recorder, pages: Pages) -> None:
    recorder.record()
    assert "No test ran. " in pages.text("/grid", OF_SHOP)
    assert "The reports of these runs have no test cases." in pages.text("/grid", OF_SHOP)


def test_what_failed_leads_to_its_result_as_long_as_there_is_little(recorder: Recorder, pages: Pages) -> None:
    run = recorder.record(*(case("failed", f"test {nth}") for nth in range(150)))
    [test] = [test for test in pages.read("/grid", OF_SHOP).tests if test.name == "test 0"]
    assert f'<a tabindex="-1" href="/runs/{run.id}/tests/{test.test_id}">F</a>' in pages.html("/grid", OF_SHOP)
    for _ in range(6):
        recorder.record(*(case("failed", f"test {nth}") for nth in range(150)), days_ago=1)
    assert pages.html("/grid", OF_SHOP).count('<a tabindex="-1"') == 0


def test_the_largest_grid_is_small(recorder: Recorder, pages: Pages) -> None:
    """Two hundred of its tests, each outcome of them as likely as the others."""
    chance = random.Random(1)  # noqa: S311 - the same at each call
    names = [f"test_order_{nth:03}_is_stored_with_its_items_and_prices[postgres-{nth}]" for nth in range(250)]
    for nth in range(30):
        cases = [
            case(chance.choice(["passed", "failed", "error", "flaky", "skipped"]), name, classname="tests.test_orders")
            for name in names
        ]
        recorder.record(*cases, days_ago=30 - nth, commit=f"{chance.getrandbits(160):040x}")
    page = pages.read("/grid", OF_SHOP)
    assert (len(page.tests), sum(page.counts.values()), len(page.tests[0].statuses)) == (200, 250, 30)
    assert "The first 200 of 250 tests." in pages.text("/grid", OF_SHOP)
    html = pages.html("/grid", OF_SHOP).encode()
    assert len(html) < 300_000
    assert len(gzip.compress(html)) < 40_000
