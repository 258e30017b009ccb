"""The views that answer what teams ask, one case at a time; test_answers.py has all that may come together."""

from datetime import datetime
from typing import Any

import pytest

from handler.recording.results import Run
from tests.handler.helpers.recorder import Recorder, ago, case


def test_the_summary_says_where_each_run_came_from(recorder: Recorder) -> None:
    """And how it ended."""
    suite = "<testsuite tests='9' time='3' timestamp='2026-01-02T03:04:05Z'/>"
    run = recorder.record(case("passed", "a"), case("failed", "b"), suite, branch="feature", commit="c7", days_ago=2)
    recorder.connection.execute("set timezone = 'UTC'")
    assert recorder.query("select * from run_summary") == [
        (
            run.id,
            "shop",
            "report.xml",
            "feature",
            "c7",
            "https://ci.example/7",
            "report.xml",
            ago(2),
            datetime.fromisoformat("2026-01-02T03:04:05Z"),
            3.0,
            *(2, 1, 1, 0, 0, 0),
            1,
        )
    ]


class TestBuildSummary:
    """View build_summary."""

    def rows(self, recorder: Recorder) -> list[tuple[Any, ...]]:
        return recorder.query("select commit, build_url, reports, tests, failed from build_summary order by 1, 2")

    def test_a_build_is_the_sum_of_its_reports(self, recorder: Recorder) -> None:
        """Each job of it has one, or each shard."""
        recorder.record(case("passed", "a"), case("failed", "b"), series="unit")
        recorder.record(case("failed", "a"), series="browser")
        assert self.rows(recorder) == [("c1", "https://ci.example/7", 2, 3, 2)]

    def test_of_a_series_the_latest_report_counts(self, recorder: Recorder) -> None:
        """A job was run again, in whatever order its reports arrive."""
        recorder.record(case("passed", "a"), days_ago=1)
        recorder.record(case("failed", "a"), days_ago=2)
        assert self.rows(recorder) == [("c1", "https://ci.example/7", 1, 1, 0)]

    def test_builds_are_told_apart_by_commit_and_address(self, recorder: Recorder) -> None:
        """As far as both are known; what names neither is no build."""
        builds = [("c1", "https://1"), ("c1", "https://2"), ("c2", None), (None, "https://3"), (None, None)]
        for commit, build_url in builds:
            recorder.record(case("passed"), commit=commit, build_url=build_url)
        assert [row[:2] for row in self.rows(recorder)] == builds[:4]

    def test_projects_do_not_mix(self, recorder: Recorder) -> None:
        """Of one repository, say."""
        recorder.record(case("passed"), project="shop")
        recorder.record(case("passed"), project="bank")
        assert [row[2:4] for row in self.rows(recorder)] == [(1, 1), (1, 1)]


class TestSlowestTests:
    """View slowest_tests."""

    def rows(self, recorder: Recorder) -> list[tuple[Any, ...]]:
        return recorder.query("select name, runs, mean_seconds, p95_seconds from slowest_tests order by 3 desc, 1")

    def test_the_slowest_comes_first(self, recorder: Recorder) -> None:
        """By its mean over the runs, not by its slowest one."""
        recorder.record(
            case("passed", "even", time=4), case("passed", "uneven", time=0), case("passed", "fast", time=1)
        )
        recorder.record(case("failed", "even", time=4), case("error", "uneven", time=6), case("flaky", "fast", time=1))
        assert self.rows(recorder) == [("even", 2, 4, 4), ("uneven", 2, 3, 6), ("fast", 2, 1, 1)]

    def test_runs_that_did_not_measure_do_not_count(self, recorder: Recorder) -> None:
        """Nor those that skipped the test."""
        recorder.record(case("passed", time=4))
        recorder.record(case("passed"))
        recorder.record(case("skipped", time=0))
        assert self.rows(recorder) == [("adds", 1, 4, 4)]

    def test_thirty_days_count(self, recorder: Recorder) -> None:
        """With today. What was slow before may have been mended."""
        recorder.record(case("passed", time=4), days_ago=29)
        recorder.record(case("passed", time=9), case("passed", "gone", time=9), days_ago=30)
        assert self.rows(recorder) == [("adds", 1, 4, 4)]

    def test_of_many_runs_one_in_twenty_may_be_slower(self, recorder: Recorder) -> None:
        """Than what the view shows beside the mean."""
        for seconds in [9, 2, *[1] * 18]:
            recorder.record(case("passed", time=seconds))
        assert self.rows(recorder) == [("adds", 20, 1.45, 2)]


class TestSlowerTests:
    """View slower_tests."""

    def rows(self, recorder: Recorder) -> list[tuple[Any, ...]]:
        return recorder.query("select name, runs, mean_seconds, runs_before, mean_seconds_before from slower_tests")

    def record(self, recorder: Recorder, before: float, now: float, *, runs: int = 5) -> None:
        for _ in range(runs):
            recorder.record(case("passed", time=before), days_ago=7)
            recorder.record(case("passed", time=now), days_ago=6)

    def test_a_week_is_compared_with_the_month_before_it(self, recorder: Recorder) -> None:
        """Days are those of UTC."""
        self.record(recorder, 1, 1.5)
        recorder.record(case("passed", time=99), days_ago=37)
        assert self.rows(recorder) == [("adds", 5, 1.5, 5, 1.0)]

    @pytest.mark.parametrize(
        ("before", "now", "runs"),
        [(1, 1.4, 5), (0.1, 0.19, 5), (1, 9, 4), (9, 1, 5)],
        ids=["half", "0.1 s", "5", "faster"],
    )
    def test_a_little_or_now_and_then_is_nothing(
        self, recorder: Recorder, before: float, now: float, runs: int
    ) -> None:
        """It takes a half more and 0.1 s more, in five runs."""
        self.record(recorder, before, now, runs=runs)
        assert self.rows(recorder) == []


class TestFlakyTests:
    """View flaky_tests."""

    def rows(self, recorder: Recorder) -> list[tuple[Any, ...]]:
        return recorder.query("select name, commits, reruns, last_seen_at from flaky_tests order by 4 desc")

    @pytest.mark.parametrize(
        ("statuses", "commits", "reruns"),
        [
            ("failed passed", 1, 0),
            ("passed failed", 1, 0),
            ("passed passed error", 1, 0),
            ("flaky", 0, 1),
            ("flaky flaky", 0, 2),
            ("flaky failed", 1, 1),
            ("passed flaky failed", 1, 1),
        ],
    )
    def test_a_test_whose_outcome_changes_on_one_commit_is_flaky(
        self, recorder: Recorder, statuses: str, commits: int, reruns: int
    ) -> None:
        """So is one that passed only after a rerun."""
        for status in statuses.split():
            recorder.record(case(status), commit="c1")
        [(name, *counts, _)] = self.rows(recorder)
        assert (name, counts) == ("adds", [commits, reruns])

    @pytest.mark.parametrize("statuses", ["passed", "failed", "passed skipped", "failed skipped", "failed error"])
    def test_a_test_with_one_outcome_on_each_commit_is_not(self, recorder: Recorder, statuses: str) -> None:
        """Being skipped is none."""
        for status in statuses.split():
            recorder.record(case(status), commit="c1")
        assert self.rows(recorder) == []

    @pytest.mark.parametrize(("first", "second"), [("c1", "c2"), (None, None), (None, "c1")])
    def test_a_change_between_commits_is_not_flaky(
        self, recorder: Recorder, first: str | None, second: str | None
    ) -> None:
        """Nor is one between runs whose commits are not known."""
        recorder.record(case("passed"), commit=first)
        recorder.record(case("failed"), commit=second)
        assert self.rows(recorder) == []

    def test_a_rerun_needs_no_commit(self, recorder: Recorder) -> None:
        """The report alone says it."""
        recorder.record(case("flaky"), commit=None)
        assert self.rows(recorder) == [("adds", 0, 1, ago(0))]

    def test_a_commit_is_the_same_on_every_branch(self, recorder: Recorder) -> None:
        """It holds the same code."""
        recorder.record(case("passed"), branch="main")
        recorder.record(case("failed"), branch="feature")
        assert self.rows(recorder) == [("adds", 1, 0, ago(0))]

    def test_jobs_of_a_matrix_are_no_flaky_test(self, recorder: Recorder) -> None:
        """One that fails on one platform alone is broken there."""
        for _ in range(2):
            recorder.record(case("passed"), series="linux")
            recorder.record(case("failed"), series="windows")
        assert self.rows(recorder) == []
        recorder.record(case("passed"), series="windows")
        recorder.record(case("failed"), series="linux")
        assert self.rows(recorder) == [("adds", 1, 0, ago(0))]

    def test_the_one_that_failed_last_comes_first(self, recorder: Recorder) -> None:
        """Over all commits on which it was flaky, and no others."""
        for days_ago, commit, a, b in [
            (9, "c1", "failed", "flaky"),
            (8, "c1", "passed", "passed"),
            (7, "c2", "passed", "failed"),
            (6, "c2", "failed", "passed"),
            (5, "c3", "failed", "failed"),
        ]:
            recorder.record(case(a, "a"), case(b, "b"), commit=commit, days_ago=days_ago)
        assert self.rows(recorder) == [("a", 2, 0, ago(6)), ("b", 1, 1, ago(7))]

    def test_thirty_days_count(self, recorder: Recorder) -> None:
        """A change that began before is none any more."""
        recorder.record(case("failed", "began"), case("flaky", "before"), case("passed", "within"), days_ago=30.1)
        recorder.record(case("passed", "began"), case("failed", "within"), days_ago=29.9)
        recorder.record(case("passed", "within"), days_ago=29.8)
        assert self.rows(recorder) == [("within", 1, 0, ago(29.9))]


class TestFlippingTests:
    """View flipping_tests."""

    def rows(self, recorder: Recorder) -> list[tuple[Any, ...]]:
        return recorder.query("select name, branch, series, runs, flips, flip_rate from flipping_tests order by 2")

    def record(self, recorder: Recorder, statuses: str, *, branch: str = "main", since: float = 25) -> None:
        for nth, status in enumerate(statuses.split()):
            recorder.record(case(status), branch=branch, commit=f"c{nth}", days_ago=since - nth)

    @pytest.mark.parametrize(
        ("statuses", "runs", "flips"),
        [
            ("passed failed", 2, 1),
            ("failed passed error flaky", 4, 3),
            ("passed skipped failed skipped failed", 3, 1),
            ("passed failed failed passed passed", 5, 2),
        ],
    )
    def test_a_flip_is_an_outcome_other_than_the_time_before(
        self, recorder: Recorder, statuses: str, runs: int, flips: int
    ) -> None:
        """Being skipped is none, and a rerun that passes is a pass."""
        self.record(recorder, statuses)
        assert self.rows(recorder) == [("adds", "main", "report.xml", runs, flips, flips / (runs - 1))]

    @pytest.mark.parametrize("statuses", ["failed", "failed error", "passed flaky", "skipped failed"])
    def test_a_test_that_always_comes_to_the_same_does_not_flip(self, recorder: Recorder, statuses: str) -> None:
        """How bad it was makes no difference."""
        self.record(recorder, statuses)
        assert self.rows(recorder) == []

    def test_twenty_runs_count(self, recorder: Recorder) -> None:
        """What flipped before them is stable now."""
        self.record(recorder, "failed" + " passed" * 20)
        assert self.rows(recorder) == []

    def test_thirty_days_count(self, recorder: Recorder) -> None:
        """Where nothing runs any more, nothing flips."""
        self.record(recorder, "failed passed", since=30.5)
        assert self.rows(recorder) == []

    def test_each_branch_has_its_own(self, recorder: Recorder) -> None:
        """A test that a change breaks is not unstable."""
        self.record(recorder, "passed passed", branch="main")
        self.record(recorder, "failed failed", branch="feature")
        assert self.rows(recorder) == []


class TestFailingTests:
    """View failing_tests."""

    def rows(self, recorder: Recorder) -> list[tuple[Any, ...]]:
        return recorder.query(
            "select name, branch, failing_since, first_failing_commit, runs from failing_tests order by 3"
        )

    @pytest.mark.parametrize(
        ("statuses", "since", "runs"),
        [
            ("failed", 1, 1),
            ("passed failed failed", 2, 2),
            ("failed passed failed", 3, 1),
            ("passed failed error", 2, 2),
            ("flaky failed", 2, 1),
            ("passed skipped failed skipped failed skipped", 3, 2),
        ],
    )
    def test_a_test_fails_since_its_first_failure_after_it_passed(
        self, recorder: Recorder, statuses: str, since: int, runs: int
    ) -> None:
        """Runs that skipped it say nothing."""
        for day, status in enumerate(statuses.split(), start=1):
            recorder.record(case(status), commit=f"c{day}", days_ago=9 - day)
        assert self.rows(recorder) == [("adds", "main", ago(9 - since), f"c{since}", runs)]

    @pytest.mark.parametrize(
        "statuses", ["passed", "failed passed", "failed flaky", "failed passed skipped", "skipped"]
    )
    def test_a_test_that_passed_last_is_not_failing(self, recorder: Recorder, statuses: str) -> None:
        """A rerun that passed is enough."""
        for day, status in enumerate(statuses.split(), start=1):
            recorder.record(case(status), days_ago=9 - day)
        assert self.rows(recorder) == []

    def test_each_series_has_its_own_history(self, recorder: Recorder) -> None:
        """What passes on one platform may go on failing on another."""
        recorder.record(case("failed"), series="windows", days_ago=3)
        recorder.record(case("failed"), series="linux", days_ago=2)
        recorder.record(case("passed"), series="linux", days_ago=1)
        [row] = recorder.query("select name, series, failing_since, runs from failing_tests")
        assert row == ("adds", "windows", ago(3), 1)

    def test_a_test_that_did_not_run_for_30_days_is_forgotten(self, recorder: Recorder) -> None:
        """It was deleted, or its branch merged; one that still runs fails since long ago."""
        recorder.record(case("failed", "deleted"), case("failed", "alive"), days_ago=31)
        recorder.record(case("failed", "alive"), days_ago=1)
        assert self.rows(recorder) == [("alive", "main", ago(31), "c1", 2)]

    def test_each_branch_has_its_own_history(self, recorder: Recorder) -> None:
        """Uploads without one share theirs; what fails longest comes first."""
        recorder.record(case("failed"), branch=None, days_ago=4)
        recorder.record(case("failed"), branch="feature", days_ago=5)
        recorder.record(case("failed"), branch="main", days_ago=3)
        recorder.record(case("passed"), branch="main", days_ago=2)
        recorder.record(case("failed"), branch=None, days_ago=1)
        assert self.rows(recorder) == [("adds", "feature", ago(5), "c1", 1), ("adds", None, ago(4), "c1", 2)]

    def test_the_time_of_the_upload_counts_not_that_of_its_recording(self, recorder: Recorder) -> None:
        """Messages come in any order, and some a day late."""
        recorder.record(case("failed"), commit="c3", days_ago=1)
        recorder.record(case("passed"), commit="c1", days_ago=3)
        recorder.record(case("failed"), commit="c2", days_ago=2)
        assert self.rows(recorder) == [("adds", "main", ago(2), "c2", 2)]

    def test_a_run_without_the_test_says_nothing(self, recorder: Recorder) -> None:
        """A job may run only some of them."""
        recorder.record(case("failed"), days_ago=2)
        recorder.record(case("passed", "other"), days_ago=1)
        assert self.rows(recorder) == [("adds", "main", ago(2), "c1", 1)]

    def test_it_says_when_it_passed_last(self, recorder: Recorder) -> None:
        """However long ago; runs in between may have skipped it."""
        query = "select name, last_passed_at from failing_tests order by name"
        recorder.record(case("flaky"), days_ago=3)
        recorder.record(case("skipped"), days_ago=2)
        recorder.record(case("failed"), case("failed", "never"), days_ago=1)
        assert recorder.query(query) == [("adds", ago(3)), ("never", None)]

    def test_without_a_commit_the_time_is_all_that_is_known(self, recorder: Recorder) -> None:
        """The next commit is not taken for the first."""
        recorder.record(case("failed"), commit=None, days_ago=2)
        recorder.record(case("failed"), commit="c1", days_ago=1)
        assert self.rows(recorder) == [("adds", "main", ago(2), None, 2)]


class TestRunChange:
    """View run_change, and the function changes_between."""

    def record(self, recorder: Recorder) -> tuple[Run, Run]:
        before = {"a": "passed", "b": "failed", "c": "failed", "d": "passed", "e": "failed", "f": "skipped"}
        after = {"a": "error", "b": "failed", "c": "flaky", "e": "skipped", "f": "passed", "g": "passed", "h": "failed"}
        return (
            recorder.record(*(case(status, name) for name, status in before.items()), days_ago=2),
            recorder.record(*(case(status, name) for name, status in after.items()), days_ago=1),
        )

    CHANGES = (
        ("a", "newly failing", "error", "passed"),
        ("b", "still failing", "failed", "failed"),
        ("c", "fixed", "flaky", "failed"),
        ("d", "vanished", None, "passed"),
        ("g", "new", "passed", None),
        ("h", "newly failing", "failed", None),
    )

    def test_a_run_is_held_against_the_one_before(self, recorder: Recorder) -> None:
        """Of its branch and series."""
        before, after = self.record(recorder)
        recorder.record(case("passed", "z"), days_ago=1.5, branch="feature")
        recorder.record(case("passed", "z"), days_ago=1.5, series="other")
        rows = recorder.query(
            "select run_id, base_run_id, name, change, status, base_status from run_change"
            " join test on test.id = test_id order by name"
        )
        assert rows == [(after.id, before.id, *change) for change in self.CHANGES]

    def test_any_two_runs_can_be_compared(self, recorder: Recorder) -> None:
        """Whatever their branches."""
        before, after = self.record(recorder)
        query = (
            "select name, change, status, base_status from changes_between(%s, %s) join test on id = test_id order by 1"
        )
        assert tuple(recorder.connection.execute(query, [after.id, before.id])) == self.CHANGES

    def test_projects_have_nothing_in_common(self, recorder: Recorder) -> None:
        """The numbers of their tests mean nothing to each other."""
        shop = recorder.record(case("passed"), project="shop")
        bank = recorder.record(case("failed"), project="bank")
        assert list(recorder.connection.execute("select changes_between(%s, %s)", [shop.id, bank.id])) == []


def test_the_history_of_a_test_has_each_of_its_runs(recorder: Recorder) -> None:
    """With what it failed with."""
    recorder.record(case("passed", time=2), case("passed", "other"), branch="feature", commit="c1", days_ago=2)
    recorder.record('<testcase name="adds"><failure message="7"/></testcase>', commit="c2", days_ago=1)
    recorder.record(case("passed", "other"))
    [(test_id,)] = recorder.query("select id from test where name = 'adds'")
    columns = "project, series, branch, commit, uploaded_at, status, attempts, duration_seconds, message"
    query = f"select {columns} from test_history where test_id = %s order by uploaded_at"
    assert recorder.connection.execute(query.encode(), [test_id]).fetchall() == [
        ("shop", "report.xml", "feature", "c1", ago(2), "passed", 1, 2.0, None),
        ("shop", "report.xml", "main", "c2", ago(1), "failed", 1, None, "7"),
    ]


class TestBranchGrid:
    """View branch_grid."""

    def rows(self, recorder: Recorder) -> list[tuple[Any, ...]]:
        return recorder.query("select name, run_ids, statuses::text[] from branch_grid where branch = 'main'")

    def test_it_has_a_row_for_each_test_and_a_column_for_each_run(self, recorder: Recorder) -> None:
        """The latest run comes last."""
        last = recorder.record(case("failed", "a"), case("flaky", "b"), days_ago=1)
        first = recorder.record(case("passed", "a"), case("error", "c"), case("skipped", "d"), days_ago=2)
        recorder.record(case("failed", "b"), branch="feature")
        assert sorted(self.rows(recorder)) == [
            ("a", [first.id, last.id], ["passed", "failed"]),
            ("b", [first.id, last.id], [None, "flaky"]),
            ("c", [first.id, last.id], ["error", None]),
            ("d", [first.id, last.id], ["skipped", None]),
        ]

    def test_thirty_runs_and_two_hundred_tests_are_shown(self, recorder: Recorder) -> None:
        """Of the tests, those that failed most, and then the flaky ones."""
        many = [case("passed", f"test {number}") for number in range(300)]
        for nth in range(31):
            recorder.record(*many, case("passed" if nth else "failed", "long ago"), days_ago=31 - nth)
        recorder.record(case("flaky", "flaky"), case("failed", "failed"))
        rows = self.rows(recorder)
        assert len(rows) == 200
        assert {len(statuses) for _, _, statuses in rows} == {30}
        assert {"flaky", "failed"} < {name for name, _, _ in rows}
        assert "long ago" not in {name for name, _, _ in rows}


class TestProjectSummary:
    """View project_summary."""

    def main_branch(self, recorder: Recorder) -> object:
        [(name,)] = recorder.query("select main_branch from project_summary")
        return name

    def test_it_says_how_the_main_branch_does(self, recorder: Recorder) -> None:
        """And where tests are flaky, anywhere."""
        recorder.record(case("passed", "a"), case("passed", "b"), days_ago=3)
        last = recorder.record(case("failed", "a"), case("error", "b"), case("flaky", "c"), days_ago=2)
        recorder.record(case("failed", "b"), branch="feature", commit="c9", days_ago=1)
        assert recorder.query("select * from project_summary") == [
            ("shop", "main", last.id, ago(2), 3, 2, 3, [2, 3], [0, 2])
        ]

    @pytest.mark.parametrize(
        ("branches", "main"), [("feature", None), ("master feature", "master"), ("master main", "main")]
    )
    def test_the_main_branch_is_known_by_its_name(self, recorder: Recorder, branches: str, main: str | None) -> None:
        """As most projects have it."""
        for branch in branches.split():
            recorder.record(case("passed"), branch=branch)
        assert self.main_branch(recorder) == main

    def test_an_upload_may_say_which_branch_is_the_main_one(self, recorder: Recorder) -> None:
        """The latest that does so is right, unless nothing ran there."""
        for days_ago, main_branch in [(2, "trunk"), (3, "master"), (1, None)]:
            recorder.record(case("passed"), branch="trunk", main_branch=main_branch, days_ago=days_ago)
            recorder.record(case("passed"), branch="main", days_ago=days_ago)
        assert self.main_branch(recorder) == "trunk"
        recorder.record(case("passed"), branch="trunk", main_branch="elsewhere")
        assert self.main_branch(recorder) == "main"


@pytest.mark.parametrize(("part", "found"), [("adds", 1), ("cart > adds", 1), ("größe", 1), ("ADDS", 0), ("none", 0)])
def test_a_test_is_found_by_a_part_of_its_names(recorder: Recorder, part: str, found: int) -> None:
    """In lower case, as people type."""
    recorder.record(case("passed", "Adds", classname="Cart"), case("passed", "GRÖSSE", classname="Größe"))
    query = "select count(*) from test where search_text like %s"
    assert recorder.connection.execute(query, [f"%{part}%"]).fetchone() == (found,)
