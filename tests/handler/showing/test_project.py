"""A project: how its main branch does, and what troubles it."""

from __future__ import annotations

from typing import Any

import pytest

from handler.recording import upkeep
from tests.handler.helpers.markup import HOSTILE, assert_harmless, first, links, section, words
from tests.handler.helpers.recorder import Recorder, at, case, failing
from tests.handler.helpers.results import Results


def of_shop(results: Results, **query: object) -> Any:
    return results.data("/project", **{"project": "shop", **query})


def page_of(results: Results, **query: object) -> str:
    return results.page("/project", **{"project": "shop", **query})


def opening(page: str) -> str:
    return words(page.partition('<p class="opening">')[2].partition("</p>")[0])


def test_it_says_all_that_is_known_of_a_project(results: Results, recorder: Recorder) -> None:
    recorder.record(failing("a", time=3), case("passed", "b", time=1), commit="c1", days_ago=3)
    began = recorder.record(failing("a", time=3), failing("b", "order 1", time=1), commit="c2", days_ago=2)
    latest = recorder.record(
        failing("a", time=3), failing("b", "order 2", time=1), case("flaky", "c", time=2), commit="c3", days_ago=1
    )
    recorder.record(case("passed", "d"), branch="feature", days_ago=4)
    test_ids = {
        (name, classname): str(test_id)
        for name, classname, test_id in recorder.query("select name, classname, id from history.test")
    }
    cart = {"file": None, "suite": None, "classname": "Cart", "variant": None}
    failed = {**cart, "status": "failed", "last_passed_at": None}
    answer = of_shop(results)
    assert {**answer, "trend": ..., "runs": ..., "slowest": ...} == {
        "project": "shop",
        "branch": "main",
        "main_branch": "main",
        "branches": ["main", "feature"],
        "trend": ...,
        "failing_tests": 2,
        "failures": 2,
        "breakages": [
            {
                "branch": "main",
                "type": "AssertionError",
                "message": "order 2",
                "status": "failed",
                "count": 1,
                "runs": 2,
                "first_failing_run_id": str(began.id),
                "first_failing_commit": "c2",
                "failing_since": at(2),
                "last_passed_at": None,
                "tests": [{**failed, "test_id": test_ids["b", "Cart"], "name": "b", "runs": 2}],
            },
            {
                "branch": "main",
                "type": "AssertionError",
                "message": "no",
                "status": "failed",
                "count": 1,
                "runs": 3,
                "first_failing_run_id": answer["breakages"][1]["first_failing_run_id"],
                "first_failing_commit": "c1",
                "failing_since": at(3),
                "last_passed_at": None,
                "tests": [{**failed, "test_id": test_ids["a", "Cart"], "name": "a", "runs": 3}],
            },
        ],
        "flaky": [
            {
                **cart,
                "classname": None,
                "test_id": test_ids["c", None],
                "name": "c",
                "commits": 0,
                "reruns": 1,
                "last_seen_at": at(1),
                "statuses": ["flaky"],
            }
        ],
        "slowest": ...,
        "slower": [],
        "runs": ...,
    }
    assert [build["commit"] for build in answer["trend"]] == ["c1", "c2", "c3"]
    assert [run["commit"] for run in answer["runs"]] == ["c3", "c2", "c1", "c1"]
    assert [(test["name"], test["runs"], test["mean_seconds"], test["share"]) for test in answer["slowest"]] == [
        ("a", 3, 3, 9 / 14),
        ("c", 1, 2, 2 / 14),
        # Two tests of one name.
        ("b", 1, 1, 1 / 14),
        ("b", 2, 1, 2 / 14),
    ]
    page = page_of(results)
    assert first(page, "h1") == "shop"
    assert opening(page) == "2 tests fail on main. 1 of them since commit c2, 2 days ago. Latest build 24 h ago."
    assert "b Cart order 2 2 c2 2 days ago" in section(page, "failing")
    assert "c 1 0 24 h ago" in section(page, "flaky")
    assert "a Cart 3.0 s 64.3 %" in section(page, "slowest")
    assert "c3 main report.xml 2 failed 1 flaky" in section(page, "runs")
    assert {f"/runs/{began.id}", f"/runs/{latest.id}", "/grid?project=shop&branch=main"} <= set(links(page))


class TestOpening:
    @pytest.mark.parametrize(
        ("statuses", "says"),
        [
            ("passed", "Nothing fails on main. The latest build, 24 h ago, had 1 test."),
            ("passed flaky skipped", "Nothing fails on main. The latest build, 24 h ago, had 3 tests."),
            ("", "Nothing fails on main. The latest build, 24 h ago, had 0 tests."),
            ("failed", "1 test fails on main. Since commit c1, 24 h ago. Latest build 24 h ago."),
            ("error error", "2 tests fail on main. Since commit c1, 24 h ago. Latest build 24 h ago."),
        ],
    )
    def test_says_how_the_main_branch_does(
        self, statuses: str, says: str, results: Results, recorder: Recorder
    ) -> None:
        recorder.record(*(case(status, str(nth)) for nth, status in enumerate(statuses.split())), days_ago=1)
        assert opening(page_of(results)) == says

    def test_of_what_failed_last_long_ago_is_not_that_nothing_fails(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed"), case("error", "b"), case("passed", "c"), days_ago=40)
        assert of_shop(results)["failing_tests"] == 0
        says = "2 tests failed on main in the latest build, 40 days ago. What has not run for 30 days does not count as"
        assert opening(page_of(results)).startswith(says)

    def test_of_a_run_without_a_commit_leads_to_it(self, results: Results, recorder: Recorder) -> None:
        run = recorder.record(case("failed"), commit=None, days_ago=1)
        page = page_of(results)
        assert opening(page) == "1 test fails on main. Since this run, 24 h ago. Latest build 24 h ago."
        assert f"/runs/{run.id}" in links(page)

    def test_without_a_main_branch_says_how_to_name_one(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed"), branch="feature")
        answer = of_shop(results)
        assert (answer["branch"], answer["main_branch"], answer["trend"], answer["failing_tests"]) == (
            None,
            None,
            [],
            0,
        )
        assert [run["branch"] for run in answer["runs"]] == ["feature"]
        assert opening(page_of(results)).startswith("Nothing ran on a main branch yet. Upload with tap-branch=main")


class TestBranch:
    def test_may_be_another_one(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed", "a"), commit="m", days_ago=2)
        recorder.record(case("failed", "b"), branch="feature", commit="f", days_ago=1)
        answer = of_shop(results, branch="feature")
        assert (answer["branch"], answer["main_branch"], answer["branches"]) == ("feature", "main", ["feature", "main"])
        assert [build["commit"] for build in answer["trend"]] == ["f"]
        assert [group["tests"][0]["name"] for group in answer["breakages"]] == ["b"]
        assert of_shop(results, branch="main") == of_shop(results)
        page = page_of(results, branch="feature")
        assert "1 test fails on feature." in opening(page)
        assert '<option value="feature" selected>feature</option><option value="main">main</option></select>' in page

    def test_may_be_one_on_which_nothing_ran(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed"))
        recorder.record(case("failed"), project="other", branch="theirs")
        answer = of_shop(results, branch="theirs")
        assert (answer["branch"], answer["trend"], answer["failing_tests"]) == ("theirs", [], 0)
        assert opening(page_of(results, branch="theirs")) == "Nothing ran on theirs yet."

    def test_are_not_all_of_them_by_a_star(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed"))
        answer = of_shop(results, branch="*")
        assert (answer["branch"], answer["failing_tests"], answer["breakages"]) == ("*", 0, [])

    def test_that_is_the_only_one_is_not_chosen(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("passed"))
        assert "<select" not in page_of(results)

    def test_is_one_of_those_in_use(self, results: Results, recorder: Recorder) -> None:
        """The one that ran last comes first; runs without one have none."""
        for nth, branch in enumerate(["main", "a", None, "b", "a"]):
            recorder.record(case("passed"), branch=branch, days_ago=9 - nth)
        assert of_shop(results)["branches"] == ["a", "b", "main"]


class TestFailing:
    def test_are_grouped_by_when_they_began_and_their_message(self, results: Results, recorder: Recorder) -> None:
        recorder.record(failing("a", "order 1"), days_ago=3)
        began = recorder.record(*(failing(name, f"order {name * 3}") for name in "ab"), case("error", "c"), days_ago=2)
        recorder.record(
            failing("a", "order 17"), failing("b", "order 4"), failing("d", "order 5"), case("error", "c"), days_ago=1
        )
        recorder.record(failing("e", "order 6"), series="browser", days_ago=2.5)
        found = of_shop(results)["breakages"]
        assert [(group["message"], [test["name"] for test in group["tests"]], group["runs"]) for group in found] == [
            ("order 5", ["d"], 1),
            ("order 4", ["b"], 2),
            (None, ["c"], 2),
            ("order 6", ["e"], 1),
            ("order 17", ["a"], 3),
        ]
        assert [group["status"] for group in found] == ["failed", "failed", "error", "failed", "failed"]
        assert found[1]["first_failing_run_id"] == found[2]["first_failing_run_id"] == str(began.id)

    def test_of_many_tests_show_some(self, results: Results, recorder: Recorder) -> None:
        recorder.record(*(failing(f"test {nth:02}", f"order {nth}") for nth in range(60)), days_ago=2)
        recorder.record(*(failing(f"test {nth:02}", f"order {nth}") for nth in range(60)), days_ago=1)
        [group] = of_shop(results)["breakages"]
        assert (group["count"], group["runs"], len(group["tests"])) == (60, 2, 10)
        said = section(page_of(results), "failing")
        assert "60 tests test 00 Cart" in said
        assert "test 09 Cart and 50 more order 0 2 c1" in said

    def test_are_ten_groups_at_most(self, results: Results, recorder: Recorder) -> None:
        recorder.record(*(failing(f"test {nth:02}", "x" * (nth + 1)) for nth in range(12)))
        answer = of_shop(results)
        assert (len(answer["breakages"]), answer["failing_tests"], answer["failures"]) == (10, 12, 12)
        page = page_of(results)
        assert "12 tests fail on main. At least 1 of them since" in opening(page)
        assert section(page, "failing").endswith("and 2 more: all that fail on main")
        assert 'href="/failing?project=shop&amp;branch=main"' in page

    def test_of_hundreds_the_latest_are_told(self, results: Results, recorder: Recorder) -> None:
        """And that there are more."""
        recorder.record(*(failing(f"test {nth:03}", "order 1") for nth in range(501)))
        [group] = of_shop(results)["breakages"]
        assert group["count"] == 500
        page = page_of(results)
        assert "501 tests fail on main. At least 500 of them since" in opening(page)
        assert section(page, "failing").endswith("and 1 more: all that fail on main")

    def test_past_the_retention_of_their_texts_have_no_message(self, results: Results, recorder: Recorder) -> None:
        recorder.record(failing("a"), days_ago=20)
        upkeep.keep_up(recorder.connection, text_retention=10, outcome_retention=90, seconds_left=lambda: 1)
        [group] = of_shop(results)["breakages"]
        assert (group["type"], group["message"], group["status"]) == (None, None, "failed")
        assert "a Cart 1 c1 20 days ago" in section(page_of(results), "failing")


class TestFlaky:
    def test_have_their_outcomes_on_the_branch(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed", "a"), case("passed", "b"), commit="c1", days_ago=5)
        recorder.record(case("passed", "a"), case("flaky", "b"), commit="c1", days_ago=4)
        recorder.record(case("flaky", "b"), commit="c2", days_ago=3)
        recorder.record(case("passed", "x"), commit="c2", series="browser", days_ago=2.5)
        recorder.record(case("skipped", "a"), case("passed", "b"), commit="c3", days_ago=2)
        recorder.record(case("failed", "a"), branch="feature", commit="c4", days_ago=1)
        found = of_shop(results)["flaky"]
        assert [(test["name"], test["commits"], test["reruns"], test["last_seen_at"]) for test in found] == [
            ("b", 0, 2, at(3)),
            ("a", 1, 0, at(5)),
        ]
        assert [test["statuses"] for test in found] == [
            ["passed", "flaky", "flaky", "passed"],
            ["failed", "passed", "skipped"],
        ]
        assert of_shop(results, branch="feature")["flaky"][1]["statuses"] == ["failed"]

    def test_are_the_five_that_are_so_most(self, results: Results, recorder: Recorder) -> None:
        for nth in range(6):
            recorder.record(*(case("flaky" if name <= nth else "passed", str(name)) for name in range(6)), days_ago=nth)
        found = of_shop(results)["flaky"]
        assert [(test["name"], test["reruns"]) for test in found] == [("0", 6), ("1", 5), ("2", 4), ("3", 3), ("4", 2)]

    def test_of_none_are_none(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("flaky"), days_ago=31)
        assert of_shop(results)["flaky"] == []
        assert "No test passed and failed on one commit" in section(page_of(results), "flaky")


class TestSlowest:
    def test_of_none_are_none(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("passed"))
        recorder.record(case("passed", time=9), days_ago=31)
        assert of_shop(results)["slowest"] == []
        assert "No test was measured in the last 30 days." in section(page_of(results), "slowest")

    def test_that_take_no_time_have_no_share_of_it(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("passed", time=0))
        [test] = of_shop(results)["slowest"]
        assert (test["mean_seconds"], test["share"]) == (0, None)
        assert "adds 0 ms –" in section(page_of(results), "slowest")

    def test_that_became_slower_are_told(self, results: Results, recorder: Recorder) -> None:
        for days in (*range(1, 6), *range(10, 15)):
            recorder.record(case("passed", time=3 if days < 7 else 1), case("passed", "even", time=1), days_ago=days)
        [test] = of_shop(results)["slower"]
        assert (test["name"], test["mean_seconds"], test["mean_seconds_before"]) == ("adds", 3, 1)
        assert section(page_of(results), "slowest").endswith("3.0 × adds 1.0 s → 3.0 s")


class TestTrend:
    def test_has_thirty_builds(self, results: Results, recorder: Recorder) -> None:
        for nth in range(32):
            recorder.record(case("passed"), commit=f"c{nth}", days_ago=60 - nth)
        assert [build["commit"] for build in of_shop(results)["trend"]] == [f"c{nth}" for nth in range(2, 32)]
        assert "the last 30 builds on main, the newest on the right" in section(page_of(results), "trend")

    def test_has_builds_of_several_jobs_also_where_they_mix(self, results: Results, recorder: Recorder) -> None:
        """A build is as late as the last of its reports."""
        for days_ago, commit, series, status in [
            (9, "c1", "unit", "failed"),
            (8, "c2", "unit", "passed"),
            (7, "c1", "browser", "passed"),
            (6, "c1", "unit", "passed"),
        ]:
            recorder.record(case(status), commit=commit, series=series, days_ago=days_ago)
        found = [
            (build["commit"], build["runs"], build["failed"], build["uploaded_at"])
            for build in of_shop(results)["trend"]
        ]
        assert found == [("c2", 1, 0, at(8)), ("c1", 2, 0, at(6))]
        said = section(page_of(results), "trend")
        assert "c1 2 0 0 0 100 % 0 ms 6 days ago c2 1 0 0 0 100 % 0 ms 8 days ago" in said


def test_the_latest_runs_are_those_of_all_branches(results: Results, recorder: Recorder) -> None:
    for nth in range(12):
        recorder.record(case("passed"), branch=["main", "feature", None][nth % 3], commit=f"c{nth}", days_ago=nth)
    recorder.record(case("passed"), project="other")
    assert [run["commit"] for run in of_shop(results)["runs"]] == [f"c{nth}" for nth in range(10)]


def test_an_unknown_project_is_not_there(results: Results, recorder: Recorder) -> None:
    recorder.record(case("passed"))
    for name in ("Shop", "shop ", "%", "x" * 2000):
        answer = results.get("/api/project", project=name)
        assert answer.status == 404
        assert answer.json["detail"].startswith(f"There is no project {name[:100]!r}: nothing was uploaded")
    assert results.get("/api/project").json["detail"] == "project is missing."


def test_hostile_texts_stay_texts(results: Results, recorder: Recorder) -> None:
    for days in (9, 8, 7, 6.5, 3, 2, 1.5, 1, 0.5, 9.5, 9.7):
        recorder.record(
            f"<testcase name='x' classname='y' time='{1 if days > 6.9 else 9}'/>",
            failing(HOSTILE, HOSTILE, kind=HOSTILE, details=HOSTILE),
            failing(f"{HOSTILE}2", HOSTILE, kind=HOSTILE),
            case("flaky", f"{HOSTILE}3", classname=HOSTILE, time=1 if days > 6.9 else 9),
            project=HOSTILE,
            branch=HOSTILE,
            commit=HOSTILE,
            series=HOSTILE,
            main_branch=HOSTILE,
            days_ago=days,
        )
    recorder.record(case("passed"), project=HOSTILE, branch=f"{HOSTILE}2")
    for branch in (None, f"{HOSTILE}2", f"{HOSTILE}3"):
        page = results.page("/project", project=HOSTILE, branch=branch)
        assert_harmless(page)
        assert first(page, "h1") == HOSTILE
    assert words(results.page("/project", project=HOSTILE)).count(HOSTILE) > 8
