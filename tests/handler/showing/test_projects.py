"""All projects: which of them fail on their main branch, and since when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.browser.helpers.history import History
from tests.handler.helpers.markup import HOSTILE, assert_harmless, first, links, section, words
from tests.handler.helpers.recorder import NOW, Recorder, at, case
from tests.handler.helpers.results import Results


def projects(results: Results, **query: object) -> list[Any]:
    found: list[Any] = results.data("", **query)["projects"]
    return found


def opening(results: Results, **query: object) -> str:
    page = results.page("/", **query)
    return words(page.partition('<p class="opening">')[2].partition("</p>")[0])


def test_it_says_how_each_project_does_on_its_main_branch(results: Results, recorder: Recorder) -> None:
    recorder.record(case("passed", "a"), case("passed", "b"), case("passed", "c"), commit="c1", days_ago=9)
    recorder.record(case("failed", "a"), case("passed", "b"), case("flaky", "c"), commit="c2", days_ago=8)
    broken = recorder.record(case("failed", "a"), case("error", "b"), case("passed", "c"), commit="c3", days_ago=7)
    latest = recorder.record(
        case("failed", "a", time=2), case("failed", "b", time=1), case("passed", "c"), commit="c4", days_ago=6
    )
    recorder.record(case("failed", "c"), branch="feature", days_ago=5)
    recorder.record(case("passed"), project="bank", branch="feature")
    [bank, shop] = projects(results)
    assert bank == {
        "project": "bank",
        "main_branch": None,
        "failing_tests": 0,
        "flaky_tests": 0,
        "broken": None,
        "trend": [],
    }
    assert {**shop, "trend": ...} == {
        "project": "shop",
        "main_branch": "main",
        "failing_tests": 2,
        "flaky_tests": 1,
        "broken": {"tests": 1, "run_id": str(broken.id), "commit": "c3", "since": at(7)},
        "trend": ...,
    }
    assert [build["commit"] for build in shop["trend"]] == ["c1", "c2", "c3", "c4"]
    assert shop["trend"][-1] == {
        "tests": 3,
        "passed": 1,
        "failed": 2,
        "error": 0,
        "skipped": 0,
        "flaky": 0,
        "id": str(latest.id),
        "commit": "c4",
        "build_url": "https://ci.example/7",
        "uploaded_at": at(6),
        "duration_seconds": 3,
        "runs": 1,
    }
    page = results.page("/")
    assert opening(results) == (
        "1 of 2 projects fails on its main branch. shop broke last, 7 days ago: 1 test in one run."
    )
    assert "shop 2 tests fail 1 since c3, 7 days ago 33.3 % 1 3.0 s 6 days ago" in words(page)
    assert "bank nothing ran on a main branch yet" in words(page)
    assert {"/project?project=shop", f"/runs/{broken.id}", f"/runs/{latest.id}", "/flaky?project=shop"} <= set(
        links(page)
    )
    assert 'aria-label="The last 4 builds: 1 without a failure; 2 tests failed in the latest"' in page


class TestOpening:
    @pytest.mark.parametrize(
        ("statuses", "says"),
        [
            ({"a": "passed"}, "The only project passes on its main branch."),
            ({"a": "failed"}, "The only project fails on its main branch. a broke last, 24 h ago: 1 test in one run."),
            ({"a": "passed", "b": "flaky", "c": "skipped"}, "All 3 projects pass on their main branches."),
            (
                {"a": "error", "b": "failed", "c": "passed"},
                "2 of 3 projects fail on their main branches. b broke last, 23 h ago: 1 test in one run.",
            ),
        ],
    )
    def test_counts_the_projects_that_fail(
        self, statuses: dict[str, str], says: str, results: Results, recorder: Recorder
    ) -> None:
        for nth, (project, status) in enumerate(statuses.items()):
            recorder.record(case(status), project=project, days_ago=1 - nth / 24)
        assert opening(results) == says

    def test_says_nothing_of_a_main_branch_on_which_nothing_ran(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed"), project="a", branch="feature")
        assert opening(results) == "Nothing ran on a main branch yet."
        recorder.record(case("passed"), project="b")
        assert opening(results) == "Nothing fails: 1 of 2 projects ran on its main branch."
        recorder.record(case("passed"), project="c")
        assert opening(results) == "Nothing fails: 2 of 3 projects ran on their main branches."

    def test_names_what_broke_last_by_how_much(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed", "a"), project="bank", days_ago=1)
        recorder.record(case("failed", "a"), case("failed", "b"), commit=None, days_ago=0.5)
        assert opening(results).endswith("shop broke last, 12 h ago: 2 tests in one run.")
        assert "2 tests fail 2 since a run, 12 h ago" in words(results.page("/"))


class TestState:
    def state(self, results: Results) -> str:
        return words(results.page("/").partition('class="state">')[2].partition("</td>")[0])

    @pytest.mark.parametrize(
        ("statuses", "says"),
        [
            ("passed", "All pass 1 test on main"),
            ("passed skipped flaky", "All pass 3 tests on main"),
            ("skipped skipped", "No test ran 2 tests on main"),
            ("", "No test ran 0 tests on main"),
        ],
    )
    def test_of_what_does_not_fail_says_what_ran(
        self, statuses: str, says: str, results: Results, recorder: Recorder
    ) -> None:
        recorder.record(*(case(status, str(nth)) for nth, status in enumerate(statuses.split())))
        assert self.state(results) == says

    def test_of_what_failed_last_long_ago_is_not_that_it_passes(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed"), case("passed", "b"), days_ago=40)
        [shop] = projects(results)
        assert (shop["failing_tests"], shop["broken"], shop["trend"][0]["failed"]) == (0, None, 1)
        assert self.state(results) == "1 failed 2 tests on main"
        assert opening(results) == "The only project fails on its main branch."

    def test_of_a_test_that_fails_in_several_jobs_is_that_one_fails(self, results: Results, recorder: Recorder) -> None:
        for series in ("unit", "browser"):
            recorder.record(case("failed"), series=series, days_ago=1)
        assert projects(results)[0]["failing_tests"] == 1
        assert self.state(results) == "1 test fails 1 since c1, 24 h ago"

    def test_is_that_of_all_jobs_of_the_latest_build(self, results: Results, recorder: Recorder) -> None:
        for series, status, days_ago in [("unit", "failed", 3), ("unit", "passed", 2), ("browser", "failed", 1)]:
            recorder.record(case(status), series=series, days_ago=days_ago)
        [shop] = projects(results)
        [build] = shop["trend"]
        # Of the job that ran twice, the second.
        assert (build["runs"], build["tests"], build["failed"], build["passed"]) == (2, 2, 1, 1)


class TestTrend:
    def test_has_thirty_builds_of_the_main_branch(self, results: Results, recorder: Recorder) -> None:
        for nth in range(35):
            recorder.record(case("passed"), commit=f"c{nth}", days_ago=60 - nth)
            if nth % 5 == 0:
                recorder.record(case("failed"), branch="feature", commit=f"f{nth}", days_ago=60 - nth)
        [shop] = projects(results)
        assert [build["commit"] for build in shop["trend"]] == [f"c{nth}" for nth in range(5, 35)]

    def test_is_in_the_order_of_time_whatever_came_first(self, results: Results, recorder: Recorder) -> None:
        for nth in (2, 0, 3, 1):
            recorder.record(case("passed"), commit=f"c{nth}", days_ago=9 - nth)
        [shop] = projects(results)
        assert [build["commit"] for build in shop["trend"]] == ["c0", "c1", "c2", "c3"]

    def test_has_each_run_that_names_no_build_by_itself(self, results: Results, recorder: Recorder) -> None:
        for nth in range(3):
            recorder.record(case("passed"), commit=None, build_url=None, days_ago=nth)
        assert len(projects(results)[0]["trend"]) == 3

    def test_follows_another_main_branch(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed"), days_ago=2)
        recorder.record(case("passed"), branch="trunk", main_branch="trunk", commit="t", days_ago=1)
        [shop] = projects(results)
        assert (shop["main_branch"], [build["commit"] for build in shop["trend"]]) == ("trunk", ["t"])
        assert shop["failing_tests"] == 0


class TestPages:
    def test_go_on_by_name(self, results: Results, recorder: Recorder) -> None:
        for nth in range(101):
            recorder.record(case("failed" if nth in (3, 100) else "passed"), project=f"p{nth:03}")
        answer = results.data("")
        assert [project["project"] for project in answer["projects"]] == [f"p{nth:03}" for nth in range(100)]
        assert answer["has_more"] is True
        page = results.page("/")
        assert opening(results).startswith("1 of 100 projects of this page fails on its main branch.")
        assert "/?after=p099" in links(page)
        assert "First projects" not in words(page)
        answer = results.data("", after="p099")
        assert ([project["project"] for project in answer["projects"]], answer["has_more"]) == (["p100"], False)
        page = results.page("/", after="p099")
        assert "First projects" in words(page)
        assert "More projects" not in words(page)
        assert opening(results, after="p100") == "There are no more projects."


class TestWithoutReports:
    def test_it_says_what_to_do(self, results: Results) -> None:
        page = results.page("/")
        assert first(page, "h1") == "No reports yet"
        assert "pytest --junitxml=report.xml" in page
        assert results.data("") == {"projects": [], "has_more": False, "uploads": []}

    def test_it_shows_what_was_uploaded_instead(self, results: Results, history: History) -> None:
        history.upload("<html/>", key="shop/1/report.xml", at=NOW - timedelta(minutes=5))
        page = results.page("/")
        assert first(page, "h1") == "Projects"
        assert opening(results) == "No report was read yet."
        assert "not_junit" in section(page, "uploads")
        assert "On its main branch" not in page
        [upload] = results.data("")["uploads"]
        assert (upload["project"], upload["error_code"]) == ("shop", "not_junit")


def test_the_latest_uploads_of_all_projects_are_shown(results: Results, recorder: Recorder) -> None:
    for nth in range(14):
        recorder.record(case("passed"), project=["shop", "bank"][nth % 2], days_ago=nth)
    uploads = results.data("")["uploads"]
    assert [upload["uploaded_at"] for upload in uploads] == [at(nth) for nth in range(12)]
    assert section(results.page("/"), "uploads").count("report.xml") == 12


def test_hostile_texts_stay_texts(results: Results, recorder: Recorder) -> None:
    recorder.record(case("failed"), project=HOSTILE, branch=HOSTILE, commit=HOSTILE, main_branch=HOSTILE)
    recorder.record(case("passed"), project=f"{HOSTILE}2", branch=HOSTILE, main_branch=HOSTILE)
    page = results.page("/")
    assert_harmless(page)
    assert HOSTILE[:30] in opening(results)
    assert HOSTILE[:30] in words(page)
    assert results.page("/", after=HOSTILE)
