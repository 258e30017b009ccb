"""A run: what failed, what of it is new, and all of its tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote_plus
from uuid import UUID, uuid4
from xml.sax.saxutils import escape, quoteattr

import pytest

from handler.recording import forgetting, upkeep
from tests.handler.helpers.markup import HOSTILE, assert_harmless, first, links, section, words
from tests.handler.helpers.recorder import Recorder, at, case, failing
from tests.handler.helpers.reports import report_of
from tests.handler.helpers.results import Results


def names(tests: Iterable[dict[str, Any]]) -> list[str]:
    return [test["name"] for test in tests]


def test_it_says_all_that_is_known_of_a_run(results: Results, recorder: Recorder) -> None:
    before = recorder.record(case("passed", "adds"), case("failed", "pays"), commit="c1", days_ago=2)
    xml = (
        "<testsuites><testsuite name='shop' time='7' timestamp='2026-01-02T03:04:05Z' hostname='ci-1'>"
        "<properties><property name='python' value='3.13'/></properties>"
        + failing("adds", time=4)
        + case("passed", "pays", classname="Cart", time=2)
        + "<system-out>started</system-out><system-err>warned</system-err></testsuite></testsuites>"
    )
    run = recorder.record_report(
        report_of(xml), branch="main", commit="c2", days_ago=1, build_url="https://ci.example/8"
    )
    after = recorder.record(case("passed", "adds"), commit="c3")
    test_ids = recorder.test_ids()
    adds = {"file": None, "suite": "shop", "classname": "Cart", "variant": None}
    of_before = {"file": None, "suite": None, "classname": None, "variant": None}
    in_run = {
        name: str(test_id)
        for name, test_id in recorder.query("select name, id from history.test where classname = 'Cart'")
    }
    without_class = {
        name: str(test_id)
        for name, test_id in recorder.query("select name, id from history.test where classname is null")
    }
    assert len(test_ids) == 2
    assert results.data(f"/runs/{run.id}") == {
        "run": {
            "id": str(run.id),
            "project": "shop",
            "series": "report.xml",
            "branch": "main",
            "commit": "c2",
            "build_url": "https://ci.example/8",
            "uploaded_at": at(1),
            "duration_seconds": 7,
            "tests": 2,
            "passed": 1,
            "failed": 1,
            "error": 0,
            "skipped": 0,
            "flaky": 0,
            "key": "report.xml",
            "size": 1,
            "started_at": "2026-01-02T03:04:05Z",
            "incomplete_suites": 0,
            "hostnames": ["ci-1"],
            "properties": {"python": "3.13"},
            "build_reports": 1,
        },
        "previous": {"id": str(before.id), "branch": "main", "commit": "c1", "uploaded_at": at(2)},
        "next": {"id": str(after.id), "branch": "main", "commit": "c3", "uploaded_at": at(0)},
        "comparisons": [
            {
                "against": "previous",
                "base": {"id": str(before.id), "branch": "main", "commit": "c1", "uploaded_at": at(2)},
                "counts": {"newly failing": 1, "still failing": 0, "fixed": 0, "new": 1, "vanished": 2},
                "tests": [
                    {
                        **adds,
                        "test_id": in_run["adds"],
                        "name": "adds",
                        "change": "newly failing",
                        "status": "failed",
                        "base_status": None,
                    },
                    {
                        **adds,
                        "test_id": in_run["pays"],
                        "name": "pays",
                        "change": "new",
                        "status": "passed",
                        "base_status": None,
                    },
                    *(
                        {
                            **of_before,
                            "test_id": without_class[name],
                            "name": name,
                            "change": "vanished",
                            "status": None,
                            "base_status": status,
                        }
                        for name, status in [("adds", "passed"), ("pays", "failed")]
                    ),
                ],
            }
        ],
        "flaky_tests": [],
        "failures": [
            {
                "type": "AssertionError",
                "message": "no",
                "status": "failed",
                "count": 1,
                "new": 1,
                "since": {"id": str(run.id), "branch": "main", "commit": "c2", "uploaded_at": at(1)},
                "tests": [
                    {
                        **adds,
                        "test_id": in_run["adds"],
                        "name": "adds",
                        "status": "failed",
                        "duration_seconds": 4,
                        "attempts": 1,
                        "type": "AssertionError",
                        "message": "no",
                        "details": "at a:1",
                        "is_new": True,
                        "statuses": [None, "failed"],
                    }
                ],
            }
        ],
        "suite_outputs": [{"suite": "shop", "system_out": "started", "system_err": "warned"}],
        "tests": [
            {
                **adds,
                "test_id": in_run["adds"],
                "name": "adds",
                "status": "failed",
                "duration_seconds": 4,
                "mean_seconds": 4,
            },
            {
                **adds,
                "test_id": in_run["pays"],
                "name": "pays",
                "status": "passed",
                "duration_seconds": 2,
                "mean_seconds": 2,
            },
        ],
        "matching_tests": 2,
    }


class TestHeadline:
    @pytest.mark.parametrize(
        ("before", "now", "says"),
        [
            (None, "", "No tests"),
            (None, "passed", "The only test passed"),
            (None, "flaky", "The only test passed"),
            (None, "passed passed flaky", "All 3 tests passed"),
            (None, "passed skipped", "The only test that ran passed"),
            (None, "passed passed skipped", "All 2 tests that ran passed"),
            (None, "skipped", "The only test was skipped"),
            (None, "skipped skipped", "All 2 tests were skipped"),
            (None, "failed", "The only test failed"),
            (None, "error", "The only test failed"),
            (None, "failed error skipped passed", "2 of 4 tests failed"),
            ("passed", "failed", "The only test failed, it is new"),
            ("failed", "failed", "The only test failed"),
            ("passed passed", "failed passed", "1 of 2 tests failed, it is new"),
            ("passed passed passed", "failed failed passed", "2 of 3 tests failed, all of them new"),
            ("passed failed failed", "failed failed failed", "3 of 3 tests failed, 1 of them new"),
            ("passed", " ".join(["failed"] * 1200), "1,200 of 1,200 tests failed, all of them new"),
        ],
    )
    def test_says_how_the_run_came_out(
        self, before: str | None, now: str, says: str, results: Results, recorder: Recorder
    ) -> None:
        for days_ago, statuses in [(2, before), (1, now)]:
            if statuses is not None:
                cases = [case(status, str(nth)) for nth, status in enumerate(statuses.split())]
                run = recorder.record(*cases, days_ago=days_ago)
        page = results.page(f"/runs/{run.id}")
        assert first(page, "h1") == says
        assert f"<title>{says} · shop · TAP test</title>" in page.replace('<em class="t-failed">', "")


class TestNeighbours:
    def test_are_those_in_time_whatever_came_first(self, results: Results, recorder: Recorder) -> None:
        """A report may be late."""
        third = recorder.record(case("passed"), commit="c3", days_ago=1)
        alone = results.data(f"/runs/{third.id}")
        assert (alone["previous"], alone["next"], alone["comparisons"]) == (None, None, [])
        first_run = recorder.record(case("failed"), commit="c1", days_ago=3)
        assert results.data(f"/runs/{third.id}")["comparisons"][0]["counts"]["fixed"] == 1
        second = recorder.record(case("passed"), commit="c2", days_ago=2)
        found = [results.data(f"/runs/{run.id}") for run in (first_run, second, third)]
        assert [page["previous"] and page["previous"]["commit"] for page in found] == [None, "c1", "c2"]
        assert [page["next"] and page["next"]["commit"] for page in found] == ["c2", "c3", None]
        assert [len(page["comparisons"]) for page in found] == [0, 1, 1]
        assert found[1]["comparisons"][0]["counts"]["fixed"] == 1
        assert found[2]["comparisons"][0]["counts"]["fixed"] == 0

    def test_are_of_the_same_branch_series_and_project(self, results: Results, recorder: Recorder) -> None:
        others: list[dict[str, Any]] = [
            {"branch": "feature"},
            {"series": "browser"},
            {"project": "other"},
            {"branch": None},
        ]
        for nth, other in enumerate(others):
            recorder.record(case("failed"), days_ago=3 + nth, **other)
            recorder.record(case("failed"), days_ago=1 + nth / 10, **other)
        run = recorder.record(case("failed"), days_ago=2)
        page = results.data(f"/runs/{run.id}")
        assert (page["previous"], page["next"], page["comparisons"]) == (None, None, [])

    def test_of_runs_without_a_branch_are_such_runs(self, results: Results, recorder: Recorder) -> None:
        before = recorder.record(case("passed"), branch=None, commit=None, days_ago=2)
        run = recorder.record(case("failed"), branch=None, commit=None, days_ago=1)
        page = results.data(f"/runs/{run.id}")
        assert page["previous"] == {"id": str(before.id), "branch": None, "commit": None, "uploaded_at": at(2)}
        said = words(results.page(f"/runs/{run.id}").replace("</a><span>", "</a> <span>"))
        assert "← previous previous without a branch" in said
        assert "Against the previous run without a branch" in said

    def test_are_links_with_their_commits(self, results: Results, recorder: Recorder) -> None:
        runs = [
            recorder.record(case("passed"), commit=commit, days_ago=9 - nth)
            for nth, commit in enumerate(["0123456789abcdef", "c2", None])
        ]
        said = [words(results.page(f"/runs/{run.id}").replace("</a><span>", "</a> <span>")) for run in runs]
        assert "next on main c2 →" in said[0]
        assert "← 01234567 previous and next on main next →" in said[1]
        assert "← c2 previous on main" in said[2]
        assert "the only run on feature" in words(
            results.page(f"/runs/{recorder.record(case('passed'), branch='feature').id}")
        )
        page = results.page(f"/runs/{runs[1].id}")
        assert f'<a href="/runs/{runs[0].id}" rel="prev">' in page
        assert f'<a href="/runs/{runs[2].id}" rel="next">' in page


class TestComparisons:
    def test_of_another_branch_are_with_the_main_branch_as_it_was(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed", "a"), case("passed", "b"), days_ago=5)
        main = recorder.record(case("failed", "a"), case("passed", "b"), days_ago=4)
        recorder.record(case("failed", "a"), case("failed", "b"), series="browser", days_ago=3)
        run = recorder.record(case("failed", "a"), case("failed", "b"), branch="feature", days_ago=2)
        recorder.record(case("passed", "a"), case("failed", "b"), days_ago=1)
        [only] = results.data(f"/runs/{run.id}")["comparisons"]
        assert (only["against"], only["base"]["id"]) == ("main", str(main.id))
        assert [(test["name"], test["change"]) for test in only["tests"]] == [
            ("b", "newly failing"),
            ("a", "still failing"),
        ]
        before = recorder.record(case("passed", "a"), case("failed", "b"), branch="feature", days_ago=3)
        previous, against_main = results.data(f"/runs/{run.id}")["comparisons"]
        assert (previous["against"], previous["base"]["id"]) == ("previous", str(before.id))
        assert [(test["name"], test["change"]) for test in previous["tests"]] == [
            ("a", "newly failing"),
            ("b", "still failing"),
        ]
        assert against_main == only
        html = results.page(f"/runs/{run.id}")
        # What is new is told against the run before.
        assert first(html, "h1") == "2 of 2 tests failed, 1 of them new"
        assert "Against the previous run on feature" in section(html, "against-previous")
        assert section(html, "against-main").startswith("Against main c1, 4 days ago; no test is new or gone")

    def test_of_the_main_branch_are_with_itself_alone(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("passed"), branch="trunk", main_branch="trunk", days_ago=3)
        recorder.record(case("passed"), branch="main", days_ago=2)
        run = recorder.record(case("passed"), branch="trunk", days_ago=1)
        assert [each["against"] for each in results.data(f"/runs/{run.id}")["comparisons"]] == ["previous"]

    def test_have_each_kind_of_change(self, results: Results, recorder: Recorder) -> None:
        changes = {
            "a": ("passed", "failed"),
            "b": ("failed", "error"),
            "c": ("error", "flaky"),
            "d": (None, "passed"),
            "e": ("passed", None),
            "f": (None, "failed"),
            "g": ("failed", "skipped"),
            "h": ("skipped", "passed"),
            "i": ("passed", "passed"),
            "j": (None, "skipped"),
        }
        for nth in (0, 1):
            cases = [case(statuses[nth], name) for name, statuses in changes.items() if statuses[nth]]  # type: ignore[arg-type]
            run = recorder.record(*cases, days_ago=2 - nth)
        [found] = results.data(f"/runs/{run.id}")["comparisons"]
        assert found["counts"] == {"newly failing": 2, "still failing": 1, "fixed": 1, "new": 2, "vanished": 1}
        assert [(test["change"], test["name"], test["base_status"], test["status"]) for test in found["tests"]] == [
            ("newly failing", "a", "passed", "failed"),
            ("newly failing", "f", None, "failed"),
            ("still failing", "b", "failed", "error"),
            ("fixed", "c", "error", "flaky"),
            ("new", "d", None, "passed"),
            ("new", "j", None, "skipped"),
            ("vanished", "e", "passed", None),
        ]
        said = section(results.page(f"/runs/{run.id}"), "against-previous")
        assert "2 new tests, 1 gone" in said
        assert (
            "2 newly failing a f 1 still failing b 1 fixed c 1 flaky c New tests 2 d j Tests that are gone 1 e" in said
        )

    def test_name_eight_tests_of_a_kind_and_count_the_others(self, results: Results, recorder: Recorder) -> None:
        def record(status: str, first_test: int, **named: Any) -> UUID:
            cases = [case(status, f"test {nth}") for nth in range(first_test, first_test + 20)]
            return recorder.record(*cases, **named).id

        record("passed", 0, days_ago=3)
        run = record("failed", 0, days_ago=2)
        [found] = results.data(f"/runs/{run}")["comparisons"]
        assert found["counts"]["newly failing"] == 20
        assert names(found["tests"]) == [f"test {nth}" for nth in range(8)]
        assert "test 7 and 12 more: see the failures" in section(results.page(f"/runs/{run}"), "against-previous")
        fixed = record("flaky", 0, days_ago=1)
        said = section(results.page(f"/runs/{fixed}"), "against-previous")
        assert "20 fixed test 0" in said
        assert "test 7 and 12 more 20 flaky test 0" in said
        assert said.endswith("test 7 and 12 more")
        assert f"/runs/{fixed}?status=flaky#tests" in links(results.page(f"/runs/{fixed}"))
        said = section(results.page(f"/runs/{record('passed', 20)}"), "against-previous")
        assert "20 new tests, 20 gone" in said
        assert "New tests 20 test 20" in said
        assert said.endswith("test 7 and 12 more")

    def test_of_a_first_run_are_none(self, results: Results, recorder: Recorder) -> None:
        run = recorder.record(case("failed"), series="unit")
        page = results.data(f"/runs/{run.id}")
        assert page["comparisons"] == []
        assert page["failures"][0]["tests"][0]["is_new"] is None
        assert page["failures"][0]["new"] == 0
        html = results.page(f"/runs/{run.id}")
        assert "This is the first run of unit on this branch. From the second on, this page says what is new." in words(
            html
        )
        assert "new" not in section(html, "failures")


class TestFailures:
    def test_with_one_message_are_one(self, results: Results, recorder: Recorder) -> None:
        """Without what varies: numbers, addresses, identifiers."""
        one = f"order {uuid4()} at 0x7f3a: 17 of 20, commit 0123456789abcdef"
        other = f"order {uuid4()} at 0x99: 3 of 4, commit fedcba9876543210"
        run = recorder.record(
            failing("a", one),
            failing("b", other),
            failing("c", other, kind="ValueError"),
            case("error", "d"),
            failing("e", "order x"),
            failing("f", "y" * 600 + "1"),
            failing("g", "y" * 600 + "2" + "z"),
        )
        found = results.data(f"/runs/{run.id}")["failures"]
        assert [(failure["status"], failure["count"], names(failure["tests"])) for failure in found] == [
            ("failed", 2, ["a", "b"]),
            ("failed", 2, ["f", "g"]),
            ("failed", 1, ["c"]),
            ("error", 1, ["d"]),
            ("failed", 1, ["e"]),
        ]
        assert (found[0]["type"], found[0]["message"]) == ("AssertionError", one)
        assert (found[3]["type"], found[3]["message"], found[3]["tests"][0]["details"]) == (None, None, None)
        said = section(results.page(f"/runs/{run.id}"), "failures")
        assert said.startswith("Failures 7 tests, 5 different messages 2 failed")
        assert "1 error since" in said
        assert "The report gives no message." in said

    def test_that_are_new_come_first_and_then_those_of_many_tests(self, results: Results, recorder: Recorder) -> None:
        known = [failing("a", "old"), failing("b", "old"), failing("c", "mixed"), failing("d", "mixed")]
        recorder.record(*known, days_ago=1)
        new = [failing("e", "mixed"), failing("f", "pair"), failing("g", "pair"), case("error", "h")]
        run = recorder.record(*known, *new)
        found = results.data(f"/runs/{run.id}")["failures"]
        assert [(failure["message"], failure["count"], failure["new"]) for failure in found] == [
            ("pair", 2, 2),
            ("mixed", 3, 1),
            (None, 1, 1),
            ("old", 2, 0),
        ]
        assert [test["is_new"] for test in found[1]["tests"]] == [False, False, True]
        said = section(results.page(f"/runs/{run.id}"), "failures")
        assert "8 tests, 4 different messages; the new ones first" in said
        assert "2 failed new pair" in said
        assert "3 failed 1 new mixed" in said
        assert "2 failed since c1, 24 h ago old" in said

    def test_say_since_when_they_are(self, results: Results, recorder: Recorder) -> None:
        began = recorder.record(failing("a"), case("passed", "b", classname="Cart"), commit="c1", days_ago=3)
        recorder.record(failing("a"), failing("b"), commit="c2", days_ago=2)
        run = recorder.record(failing("a"), failing("b"), commit="c3", days_ago=1)
        [failure] = results.data(f"/runs/{run.id}")["failures"]
        assert failure["since"]["id"] == str(began.id)
        assert [test["statuses"] for test in failure["tests"]] == [["failed"] * 3, ["passed", "failed", "failed"]]
        assert "2 failed since c1, 3 days ago" in section(results.page(f"/runs/{run.id}"), "failures")
        assert f"/runs/{began.id}" in links(results.page(f"/runs/{run.id}"))

    def test_of_longer_ago_than_thirty_runs_say_so(self, results: Results, recorder: Recorder) -> None:
        for nth in range(31):
            run = recorder.record(failing("a"), *([failing("b", "new")] if nth > 5 else []), days_ago=60 - nth)
        old, new = results.data(f"/runs/{run.id}")["failures"]
        assert (old["message"], old["since"]) == ("no", None)
        assert new["since"] is not None
        assert len(old["tests"][0]["statuses"]) == 30
        assert "1 failed for 30 runs or longer no" in section(results.page(f"/runs/{run.id}"), "failures")

    def test_of_one_message_show_ten_tests_and_count_the_others(self, results: Results, recorder: Recorder) -> None:
        errors = [case("error", f"error {nth}") for nth in range(11)]
        run = recorder.record(*(failing(f"test {nth}") for nth in range(12)), *errors)
        found = results.data(f"/runs/{run.id}")["failures"]
        assert [(failure["count"], len(failure["tests"])) for failure in found] == [(12, 10), (11, 10)]
        html = results.page(f"/runs/{run.id}")
        assert "and 2 more with this message: list all that failed" in section(html, "failures")
        assert "and 1 more with this message: list all that ended in an error" in section(html, "failures")
        assert f"/runs/{run.id}?status=failed#tests" in links(html)
        assert f"/runs/{run.id}?status=error#tests" in links(html)
        assert "11 errors" in section(html, "failures")

    def test_are_twenty_at_most(self, results: Results, recorder: Recorder) -> None:
        run = recorder.record(*(failing(f"test {nth}", "x" * (nth + 1)) for nth in range(25)))
        assert len(results.data(f"/runs/{run.id}")["failures"]) == 20
        assert "25 tests, 20 and more different messages" in section(results.page(f"/runs/{run.id}"), "failures")

    def test_have_the_beginning_and_the_end_of_a_long_trace_and_only_so_many(
        self, results: Results, recorder: Recorder
    ) -> None:
        long = "a" * 4000 + "b" * 4000
        run = recorder.record(*(failing(f"test {nth:02}", "x" * (nth // 10 + 1), details=long) for nth in range(25)))
        tests = [test for failure in results.data(f"/runs/{run.id}")["failures"] for test in failure["tests"]]
        traces = [test["details"] for test in tests]
        assert traces[0] == "a" * 3000 + "\n[…]\n" + "b" * 3000
        assert [trace is not None for trace in traces] == [True] * 20 + [False] * 5

    def test_show_their_traces_or_their_messages(self, results: Results, recorder: Recorder) -> None:
        run = recorder.record(
            failing("a", "says\nmore", details="> assert 1\nE  no"),
            "<testcase name='b'><failure message='only this'/></testcase>",
            "<testcase name='c'><flakyFailure/><rerunFailure/><failure/></testcase>",
        )
        html = results.page(f"/runs/{run.id}")
        assert '<pre tabindex="0"><b>&gt; assert 1</b>\n<span class=fault>E  no</span></pre>' in html
        assert '<pre tabindex="0">only this</pre>' in html
        assert html.count("<details open>") == 1
        test_ids = recorder.test_ids()
        for name in "abc":
            assert f"/runs/{run.id}/tests/{test_ids[name]}" in links(html)
            assert f"/tests/{test_ids[name]}" in links(html)
        assert "All that the report says of 3 attempts · History of this test" in section(html, "failures")

    def test_past_their_retention_have_no_texts(self, results: Results, recorder: Recorder) -> None:
        run = recorder.record(failing("a"), failing("b"), case("passed", "c"), days_ago=40)
        removed = upkeep.keep_up(recorder.connection, text_retention=30, outcome_retention=90, seconds_left=lambda: 1)
        assert removed.texts == 1
        [failure] = results.data(f"/runs/{run.id}")["failures"]
        assert (failure["type"], failure["message"], failure["count"], failure["status"]) == (None, None, 2, "failed")
        assert [test["details"] for test in failure["tests"]] == [None, None]
        html = results.page(f"/runs/{run.id}")
        assert first(html, "h1") == "2 of 3 tests failed"
        assert "The report gives no message." in section(html, "failures")


class TestList:
    @pytest.fixture
    def run(self, recorder: Recorder) -> UUID:
        recorder.record(case("passed", "fast", time=3), days_ago=1)
        return recorder.record(
            case("passed", "fast", time=1),
            case("failed", "Slow One", time=9, classname="tests.Cart"),
            case("skipped", "never"),
            case("flaky", "at times", time=2),
            case("passed", "unmeasured", classname="ÄRGER"),
            case("error", "breaks", time=2),
        ).id

    def test_has_the_longest_first(self, run: UUID, results: Results) -> None:
        page = results.data(f"/runs/{run}")
        assert [
            (test["name"], test["status"], test["duration_seconds"], test["mean_seconds"]) for test in page["tests"]
        ] == [
            ("Slow One", "failed", 9, 9),
            ("at times", "flaky", 2, 2),
            ("breaks", "error", 2, 2),
            ("fast", "passed", 1, 2),
            ("never", "skipped", None, None),
            ("unmeasured", "passed", None, None),
        ]
        assert page["matching_tests"] == 6

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"sort": "name"}, ["at times", "breaks", "fast", "never", "Slow One", "unmeasured"]),
            ({"sort": "duration", "status": "passed"}, ["fast", "unmeasured"]),
            ({"status": "failed"}, ["Slow One"]),
            ({"status": "error"}, ["breaks"]),
            ({"status": "flaky"}, ["at times"]),
            ({"status": "skipped"}, ["never"]),
            ({"q": "SLOW o"}, ["Slow One"]),
            ({"q": "cart"}, ["Slow One"]),
            ({"q": "ärger"}, ["unmeasured"]),
            ({"q": "e", "status": "passed", "sort": "name"}, ["unmeasured"]),
            ({"q": "%"}, []),
            ({"q": "_"}, []),
            ({"q": "nothing"}, []),
            ({"skip": 4}, ["never", "unmeasured"]),
        ],
    )
    def test_is_narrowed_and_sorted(
        self, query: dict[str, object], found: list[str], run: UUID, results: Results
    ) -> None:
        page = results.data(f"/runs/{run}", **query)
        assert sorted(names(page["tests"])) == sorted(found)
        if query.get("sort") != "name":
            assert names(page["tests"]) == found
        assert page["matching_tests"] == len(found) + int(str(query.get("skip", 0)))
        assert ("No test matches." in results.page(f"/runs/{run}", **query)) == (not found)

    def test_beyond_its_end_still_knows_how_long_it_is(self, run: UUID, results: Results) -> None:
        page = results.data(f"/runs/{run}", skip=600)
        assert (page["tests"], page["matching_tests"]) == ([], 6)

    def test_goes_on_page_by_page(self, results: Results, recorder: Recorder) -> None:
        run = recorder.record(*(case("passed", f"test {nth:03}") for nth in range(250))).id
        pages = [results.data(f"/runs/{run}", sort="name", skip=skip) for skip in (0, 100, 200)]
        assert [name for page in pages for name in names(page["tests"])] == [f"test {nth:03}" for nth in range(250)]
        assert {page["matching_tests"] for page in pages} == {250}
        html = results.page(f"/runs/{run}", sort="name", q="test", skip=100)
        assert "101 to 200 of 250 · Previous · Next" in words(html)
        assert f"/runs/{run}?q=test&sort=name#tests" in links(html)
        assert f"/runs/{run}?q=test&sort=name&skip=200#tests" in links(html)
        assert "1 to 100 of 250 · Next" in words(results.page(f"/runs/{run}"))
        assert "201 to 250 of 250 · Previous" in words(results.page(f"/runs/{run}", skip=200))

    def test_has_tabs_for_the_outcomes_that_there_are(self, run: UUID, results: Results, recorder: Recorder) -> None:
        html = results.page(f"/runs/{run}", status="flaky", q="a", sort="name")
        assert "All 6 Failed 1 Error 1 Flaky 1 Passed 2 Skipped 1" in section(html, "tests")
        assert f'<a href="/runs/{run}?status=flaky&amp;q=a&amp;sort=name#tests" aria-current="true">' in html
        assert f"/runs/{run}?status=failed&q=a&sort=name#tests" in links(html)
        assert '<input type="hidden" name="status" value="flaky">' in html
        assert '<input name="q" value="a" maxlength="200">' in html
        assert '<option value="name" selected>' in html
        only = results.page(f"/runs/{recorder.record(case('passed')).id}")
        assert "All 1 Passed 1 Name contains" in section(only, "tests")

    def test_leads_to_results_of_what_did_not_pass_and_to_histories_of_the_rest(
        self, run: UUID, results: Results, recorder: Recorder
    ) -> None:
        test_ids = dict(recorder.query("select name, id from history.test where classname is null"))
        html = results.page(f"/runs/{run}")
        table = html[html.index('id="tests"') :]
        assert f'href="/tests/{test_ids["fast"]}"' in table
        assert f'href="/tests/{test_ids["never"]}"' in table
        assert f'href="/runs/{run}/tests/{test_ids["breaks"]}"' in table
        assert f'href="/runs/{run}/tests/{test_ids["at times"]}"' in table

    def test_draws_durations_against_the_longest_and_their_means(self, run: UUID, results: Results) -> None:
        html = results.page(f"/runs/{run}")
        assert 'height="6" width="100.0%"' in html
        assert 'height="6" width="11.11%"' in html
        assert f'x="{99.7 * 2 / 9:.2f}%"' in html
        assert "−50 %" in words(html)

    def test_of_a_run_without_tests_is_not_there(self, results: Results, recorder: Recorder) -> None:
        run = recorder.record()
        assert section(results.page(f"/runs/{run.id}"), "tests") == ""

    def test_of_tests_without_durations_has_no_bars(self, results: Results, recorder: Recorder) -> None:
        html = results.page(f"/runs/{recorder.record(case('passed'), case('passed', 'b')).id}")
        assert 'class="b-duration"' not in html


class TestFacts:
    def test_lead_to_the_build(self, results: Results, recorder: Recorder) -> None:
        run = recorder.record(case("passed"), series="unit", commit="c 1&2", build_url="https://ci.example/7?a=1&b=2")
        recorder.record(case("passed"), series="unit", commit="c 1&2", build_url="https://ci.example/7?a=1&b=2")
        assert results.data(f"/runs/{run.id}")["run"]["build_reports"] == 1
        assert "Part of" not in words(results.page(f"/runs/{run.id}"))
        recorder.record(case("passed"), series="browser", commit="c 1&2", build_url="https://ci.example/7?a=1&b=2")
        recorder.record(case("passed"), series="other", commit="c 1&2", build_url="https://ci.example/8")
        recorder.record(case("passed"), series="third", commit="c 1&2", build_url=None)
        assert results.data(f"/runs/{run.id}")["run"]["build_reports"] == 2
        html = results.page(f"/runs/{run.id}")
        assert "Part of a build of 2 runs" in words(html)
        address = "/builds?project=shop&commit=c+1%262&build_url=https%3A%2F%2Fci.example%2F7%3Fa%3D1%26b%3D2"
        assert address in links(html)
        path, _, query = address.partition("?")
        assert len(results.ask(f"/api{path}", query).json["reports"]) == 2

    def test_of_runs_that_name_no_build_make_none(self, results: Results, recorder: Recorder) -> None:
        """Two of them have nothing to do with each other."""
        recorder.record(case("passed"), commit=None, build_url=None, series="unit")
        run = recorder.record(case("passed"), commit=None, build_url=None)
        assert results.data(f"/runs/{run.id}")["run"]["build_reports"] == 0
        assert not [link for link in links(results.page(f"/runs/{run.id}")) if link.startswith("/builds")]

    def test_leads_out_only_to_the_web_and_says_so(self, results: Results, recorder: Recorder) -> None:
        html = results.page(f"/runs/{recorder.record(case('passed'), build_url='https://ci.example/7').id}")
        assert (
            '<a class="outside" href="https://ci.example/7" rel="noreferrer noopener external">ci.example/7<svg' in html
        )
        assert "ci.example/7 (leads out)" in words(html)
        for address in ("javascript:alert(1)", "data:text/html,x", "ci.example/7"):
            html = results.page(f"/runs/{recorder.record(case('passed'), build_url=address).id}")
            assert f"Build {address}" in words(html)
            assert not [link for link in links(html) if not link.startswith(("/", "#"))]

    def test_tell_that_suites_are_incomplete(self, results: Results, recorder: Recorder) -> None:
        suite = "<testsuite tests='9'/>"
        one, two = recorder.record(suite, case("passed")), recorder.record(suite, suite, case("passed"))
        assert "1 suite of the report counts tests, failures or errors of which" in words(
            results.page(f"/runs/{one.id}")
        )
        assert "2 suites of the report count tests, failures or errors of which" in words(
            results.page(f"/runs/{two.id}")
        )

    def test_have_what_suites_wrote_at_its_end(self, results: Results, recorder: Recorder) -> None:
        suites = "".join(
            f"<testsuite name='s{nth}'>{case('passed')}<system-out>{'a' * 3000}b{nth}</system-out></testsuite>"
            for nth in range(6)
        )
        run = recorder.record_report(report_of(f"<testsuites>{suites}</testsuites>"))
        outputs = results.data(f"/runs/{run.id}")["suite_outputs"]
        assert [output["suite"] for output in outputs] == [f"s{nth}" for nth in range(5)]
        assert outputs[0]["system_out"] == "a" * 1998 + "b0"
        html = results.page(f"/runs/{run.id}")
        assert "s0 Standard output aaa" in section(html, "outputs")
        assert "Standard error" not in section(html, "outputs")
        nameless = recorder.record("<system-err>warned</system-err>", case("passed"))
        assert "A suite without a name Standard error warned" in section(
            results.page(f"/runs/{nameless.id}"), "outputs"
        )


def test_a_run_that_was_forgotten_is_not_there(results: Results, recorder: Recorder) -> None:
    before, run = recorder.record(case("passed"), days_ago=2), recorder.record(case("failed"), days_ago=1)
    assert results.data(f"/runs/{run.id}")["previous"]["id"] == str(before.id)
    forgetting.forget(recorder.connection, [before.id], lambda: 60)
    answer = results.get(f"/api/runs/{before.id}")
    assert (answer.status, answer.headers["retry-after"]) == (404, "5")
    assert answer.json["detail"] == f"There is no run {before.id}: it is not recorded yet, or no more."
    page = results.data(f"/runs/{run.id}")
    assert (page["previous"], page["comparisons"]) == (None, [])


def test_an_upload_that_was_no_report_is_no_run(results: Results, recorder: Recorder) -> None:
    run = recorder.record(case("passed"))
    recorder.connection.execute("delete from history.run where event_id = %s", [run.id])
    assert results.get(f"/api/runs/{run.id}").status == 404


@pytest.mark.parametrize("path", ["/runs/{}", "/runs/{}?q=%3Cscript%3E", "/project?project={project}", "/runs"])
def test_hostile_texts_stay_texts(path: str, results: Results, recorder: Recorder) -> None:
    attribute, text = quoteattr(HOSTILE), escape(HOSTILE)
    xml = (
        f"<testsuites><testsuite name={attribute} hostname={attribute}><properties><property name={attribute} "
        f"value={attribute}/></properties><testcase classname={attribute} file={attribute} name={attribute} time='1'>"
        f"<failure type={attribute} message={attribute}>{text}</failure></testcase>"
        f"<testcase classname={attribute} name='flaky'><flakyFailure message={attribute}/></testcase>"
        f"<system-out>{text}</system-out><system-err>{text}</system-err></testsuite></testsuites>"
    )
    for days_ago, commit in [(2, None), (1, HOSTILE), (0, HOSTILE)]:
        run = recorder.record_report(
            report_of(xml, project=HOSTILE),
            project=HOSTILE,
            branch=HOSTILE,
            commit=commit,
            series=HOSTILE,
            build_url=f"javascript:{HOSTILE}",
            main_branch=HOSTILE,
            days_ago=days_ago,
        )
    address, _, query = path.format(run.id, project=quote_plus(HOSTILE)).partition("?")
    answer = results.ask(address, query)
    assert answer.status == 200
    assert_harmless(answer.text)
    assert HOSTILE[:20] in words(answer.text)
