"""The views that answer what teams ask."""

from datetime import datetime
from typing import Any

import pytest

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
        return recorder.query("select name, runs, mean_seconds, max_seconds from slowest_tests")

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
        """What was slow before may have been mended."""
        recorder.record(case("passed", time=4), days_ago=29.9)
        recorder.record(case("passed", time=9), case("passed", "gone", time=9), days_ago=30.1)
        assert self.rows(recorder) == [("adds", 1, 4, 4)]


class TestFlakyTests:
    """View flaky_tests."""

    def rows(self, recorder: Recorder) -> list[tuple[Any, ...]]:
        return recorder.query("select name, commits, reruns, last_seen_at from flaky_tests")

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


class TestFailingSince:
    """View failing_since."""

    def rows(self, recorder: Recorder) -> list[tuple[Any, ...]]:
        return recorder.query("select name, branch, failing_since, first_failing_commit, runs from failing_since")

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
        [row] = recorder.query("select name, series, failing_since, runs from failing_since")
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

    def test_without_a_commit_the_time_is_all_that_is_known(self, recorder: Recorder) -> None:
        """The next commit is not taken for the first."""
        recorder.record(case("failed"), commit=None, days_ago=2)
        recorder.record(case("failed"), commit="c1", days_ago=1)
        assert self.rows(recorder) == [("adds", "main", ago(2), None, 2)]
