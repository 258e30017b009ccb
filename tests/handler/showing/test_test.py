"""A test: what kind of trouble it makes, since when, and where."""

from __future__ import annotations

import statistics
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape, quoteattr

import pytest

from handler.recording import upkeep
from handler.recording.results import Run
from tests.handler.helpers.markup import HOSTILE, assert_harmless, first, links, section, words
from tests.handler.helpers.recorder import Recorder, at, case, failing
from tests.handler.helpers.reports import report_of
from tests.handler.helpers.results import Results


def record(recorder: Recorder, *statuses: str, start: float | None = None, **named: Any) -> list[Run]:
    """Runs of the test `adds`, one a day; `-` is one without it. `start`: so many days ago, or else up to a day ago."""
    begin = len(statuses) if start is None else start
    return [
        recorder.record(
            *([case(status, time=1)] if status != "-" else []),
            **{"commit": f"c{nth}", "days_ago": begin - nth, **named},
        )
        for nth, status in enumerate(statuses)
    ]


def path_of(recorder: Recorder, name: str = "adds") -> str:
    return f"/tests/{recorder.test_ids()[name]}"


def opening(page: str) -> str:
    return words(page.partition('<p class="opening">')[2].partition("</p>")[0])


def test_it_says_all_that_is_known_of_a_test(results: Results, recorder: Recorder) -> None:
    [passed] = [
        recorder.record(
            "<testcase name='adds' classname='Cart' file='cart.py' time='2'/>",
            commit="c1",
            days_ago=2,
            series="unit",
        )
    ]
    failed = recorder.record(
        "<testcase name='adds' classname='Cart' file='cart.py' time='4'>"
        "<failure type='E' message='no'>at a:1</failure></testcase>",
        commit="c2",
        days_ago=1,
        series="unit",
    )
    test_id = recorder.test_ids()["adds"]
    reference = {"id": str(failed.id), "branch": "main", "commit": "c2", "uploaded_at": at(1)}
    assert results.data(f"/tests/{test_id}") == {
        "test": {
            "test_id": test_id,
            "file": "cart.py",
            "suite": None,
            "classname": "Cart",
            "name": "adds",
            "variant": None,
        },
        "project": "shop",
        "failing_on": [
            {
                "branch": "main",
                "series": "unit",
                "failing_since": at(1),
                "first_failing_run_id": str(failed.id),
                "first_failing_commit": "c2",
                "runs": 1,
                "last_passed_at": at(2),
            }
        ],
        "flip_rate": 0.5,
        "pass_rate": 0.5,
        "median_seconds": 3,
        "p95_seconds": 2,
        "lost_seconds": 0,
        "changed_commits": [],
        "failures": [
            {
                "type": "E",
                "message": "no",
                "details": "at a:1",
                "count": 1,
                "failed": 1,
                "flaky": 0,
                "branches": 1,
                "first": reference,
                "last": reference,
                "statuses": ["skipped", "failed"],
            }
        ],
        "runs": [
            {
                **reference,
                "series": "unit",
                "status": "failed",
                "attempts": 1,
                "duration_seconds": 4,
                "type": "E",
                "message": "no",
            },
            {
                "id": str(passed.id),
                "branch": "main",
                "series": "unit",
                "commit": "c1",
                "uploaded_at": at(2),
                "status": "passed",
                "attempts": 1,
                "duration_seconds": 2,
                "type": None,
                "message": None,
            },
        ],
    }
    page = results.page(f"/tests/{test_id}")
    assert "<title>adds · shop · TAP test</title>" in page
    assert first(page, "h1") == "adds"
    assert "Flip rate 50 % Pass rate 50 % Different failures 1 Median duration 3.0 s" in words(page)
    assert "Lost to reruns" not in words(page)


class TestOpening:
    @pytest.mark.parametrize(
        ("statuses", "says"),
        [
            ("passed", "Passes. It did not fail in the only run."),
            ("passed passed", "Passes. It did not fail in the last 2 runs."),
            ("failed passed passed", "Passes. It failed in 1 of these 3 runs."),
            ("failed error passed", "Passes. It failed in 2 of these 3 runs."),
            ("passed skipped", "Skipped in the latest run."),
            ("failed", "Fails on main since commit c0, 24 h ago, 1 run in a row. It never passed there."),
            (
                "passed failed skipped error",
                "Fails on main since commit c1, 3 days ago, 2 runs in a row. It passed last 4 days ago.",
            ),
            (
                "passed flaky",
                "Flaky. In these runs it passed 1 time only after a rerun. In the latest run it passed after a rerun.",
            ),
            (
                "flaky flaky passed",
                "Flaky. In these runs it passed 2 times only after a rerun. In the latest run it passed.",
            ),
            (
                "flaky skipped",
                "Flaky. In these runs it passed 1 time only after a rerun. In the latest run it was skipped.",
            ),
        ],
    )
    def test_says_what_kind_of_trouble_it_makes(
        self, statuses: str, says: str, results: Results, recorder: Recorder
    ) -> None:
        record(recorder, *statuses.split())
        assert opening(results.page(path_of(recorder))) == says

    @pytest.mark.parametrize(
        ("statuses", "says"),
        [
            (
                "failed passed",
                "Flaky. In these runs it passed and failed on 1 commit. In the latest run it passed.",
            ),
            (
                "failed flaky",
                "Flaky. In these runs it passed and failed on 1 commit, and passed 1 time only after a rerun."
                " In the latest run it passed after a rerun.",
            ),
        ],
    )
    def test_says_that_it_came_out_otherwise_on_one_commit(
        self, statuses: str, says: str, results: Results, recorder: Recorder
    ) -> None:
        record(recorder, *statuses.split(), commit="c7")
        assert opening(results.page(path_of(recorder))) == says

    @pytest.mark.parametrize(("status", "word"), [("failed", "failed"), ("error", "ended in an error")])
    def test_says_how_the_latest_run_ended_where_it_fails_nowhere(
        self, status: str, word: str, results: Results, recorder: Recorder
    ) -> None:
        """What failed more than thirty days ago, and not since, is forgotten."""
        record(recorder, "flaky", status, start=40)
        assert opening(results.page(path_of(recorder))).endswith(f"In the latest run it {word}.")

    def test_of_what_failed_last_long_ago_is_not_that_it_passes(self, results: Results, recorder: Recorder) -> None:
        record(recorder, "passed", "failed", start=40)
        path = path_of(recorder)
        assert opening(results.page(path)) == "Failed in its latest run, 39 days ago, and did not run since."
        record(recorder, "error", start=35, commit="c9")
        assert opening(results.page(path)) == "Ended in an error in its latest run, 35 days ago, and did not run since."

    def test_of_a_failure_without_a_commit_leads_to_the_run(self, results: Results, recorder: Recorder) -> None:
        [run] = record(recorder, "failed", commit=None)
        page = results.page(path_of(recorder))
        assert opening(page) == "Fails on main since this run, 24 h ago, 1 run in a row. It never passed there."
        assert f"/runs/{run.id}" in links(page)

    def test_of_several_places_counts_them(self, results: Results, recorder: Recorder) -> None:
        record(recorder, "failed", "failed", start=9, series="browser")
        record(recorder, "passed", "failed", start=5, series="unit")
        record(recorder, "failed", start=2, branch=None)
        page = results.page(path_of(recorder))
        assert opening(page).startswith("Fails on 3 branches and jobs since commit c0, 9 days ago, 2 runs in a row.")
        found = results.data(path_of(recorder))["failing_on"]
        assert [(each["branch"], each["series"], each["runs"]) for each in found] == [
            ("main", "browser", 2),
            ("main", "unit", 1),
            (None, "report.xml", 1),
        ]
        assert "main browser 2 c0 9 days ago main unit 1 c1 4 days ago no branch report.xml 1 c0" in section(
            page, "failing"
        )


class TestFigures:
    def test_are_those_of_a_plain_computation(self, results: Results, recorder: Recorder) -> None:
        seconds = [5, 1, 4, 2, 3, 9, 8, 7, 6, 10]
        statuses = ["passed", "failed", "failed", "passed", "error", "flaky", "skipped", "passed", "passed", "failed"]
        for nth, (status, time) in enumerate(zip(statuses, seconds, strict=True)):
            recorder.record(case(status, time=time), days_ago=20 - nth, commit=None)
        found = results.data(path_of(recorder))
        ran = [(status, time) for status, time in zip(statuses, seconds, strict=True) if status != "skipped"]
        times = sorted(time for _, time in ran)
        assert found["median_seconds"] == statistics.median(times)
        assert found["p95_seconds"] == times[int(0.95 * (len(times) - 1))]
        assert found["pass_rate"] == 5 / 9
        # After the first: failed, passed, error, flaky, failed; what is flaky counts once.
        assert found["flip_rate"] == 5 / 9
        # Two attempts in nine seconds.
        assert found["lost_seconds"] == 4.5
        assert "Lost to reruns 4.5 s" in words(results.page(path_of(recorder)))

    def test_of_flips_are_within_a_branch_and_a_series(self, results: Results, recorder: Recorder) -> None:
        for nth in range(4):
            record(recorder, "passed", start=20 - nth, series="unit")
            record(recorder, "failed", start=20.1 - nth, series="browser")
            record(recorder, "passed", start=20.2 - nth, branch="feature", series="browser")
        found = results.data(path_of(recorder))
        assert (found["flip_rate"], found["pass_rate"], len(found["runs"])) == (0, 8 / 12, 12)

    def test_of_flips_count_the_first_run_if_it_was_flaky(self, results: Results, recorder: Recorder) -> None:
        record(recorder, "flaky", "passed")
        assert results.data(path_of(recorder))["flip_rate"] == 0.5

    def test_of_nothing_are_none(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("skipped"))
        found = results.data(path_of(recorder))
        figures = ("flip_rate", "pass_rate", "median_seconds", "p95_seconds", "lost_seconds")
        assert [found[name] for name in figures] == [None, None, None, None, 0]
        assert "Flip rate – Pass rate – Different failures 0 Median duration – 95th percentile –" in words(
            results.page(path_of(recorder))
        )


class TestChangedCommits:
    def test_are_those_on_which_it_both_passed_and_failed_in_one_series(
        self, results: Results, recorder: Recorder
    ) -> None:
        record(recorder, "failed", "passed", start=9, commit="a" * 40)
        record(recorder, "failed", "flaky", start=7, commit="b" * 40, branch="feature")
        record(recorder, "failed", "error", start=5, commit="c" * 40)
        record(recorder, "failed", "passed", start=3, commit=None)
        record(recorder, "failed", start=0.9, commit="d" * 40, series="unit")
        record(recorder, "passed", start=0.8, commit="d" * 40, series="browser")
        record(recorder, "skipped", "failed", start=0.7, commit="e" * 40)
        assert results.data(path_of(recorder))["changed_commits"] == ["b" * 40, "a" * 40]
        page = results.page(path_of(recorder))
        assert "It both passed and failed on bbbbbbbb, aaaaaaaa." in words(page)

    def test_of_many_name_ten(self, results: Results, recorder: Recorder) -> None:
        for nth in range(12):
            record(recorder, "failed", "passed", start=28 - nth, commit=f"c{nth}")
        said = words(results.page(path_of(recorder)))
        assert "It both passed and failed on c11, c10, c9, c8, c7, c6, c5, c4, c3, c2 and 2 more." in said


class TestFailures:
    def test_with_one_message_are_one(self, results: Results, recorder: Recorder) -> None:
        def fails(message: str, details: str, **named: Any) -> Run:
            return recorder.record(failing("adds", message, details=details), **named)

        oldest = fails("order 17", "oldest", days_ago=6, branch="feature", commit="c1")
        fails("other", "of another", days_ago=5)
        recorder.record(case("passed", classname="Cart"), days_ago=4)
        latest = fails("order 18", "latest " + "x" * 20_000 + " end", days_ago=3, commit="c4")
        recorder.record(
            "<testcase name='adds' classname='Cart'><flakyFailure type='AssertionError' message='order 3'/></testcase>",
            days_ago=7,
        )
        first_failure, second = results.data(path_of(recorder))["failures"]
        assert {**first_failure, "details": ...} == {
            "type": "AssertionError",
            "message": "order 18",
            "details": ...,
            "count": 3,
            "failed": 2,
            "flaky": 1,
            "branches": 2,
            "first": {**first_failure["first"], "uploaded_at": at(7)},
            "last": {"id": str(latest.id), "branch": "main", "commit": "c4", "uploaded_at": at(3)},
            "statuses": ["flaky", "failed", "skipped", "skipped", "failed"],
        }
        details = first_failure["details"]
        assert len(details) == 12_000 + len("\n[…]\n")
        assert details.startswith("latest xxx")
        assert details.endswith("xxx end")
        assert "\n[…]\n" in details
        assert (second["message"], second["count"], second["details"]) == ("other", 1, "of another")
        said = section(results.page(path_of(recorder)), "failures")
        assert "3 times · 2 failed, 1 passed after a rerun · on 2 branches · first 7 days ago, last 3 days ago" in said
        assert "1 time · 1 failed · on 1 branch · last 5 days ago" in said
        assert f"/runs/{latest.id}/tests/" in results.page(path_of(recorder))
        assert oldest.id != latest.id

    def test_of_reruns_alone_are_told_too(self, results: Results, recorder: Recorder) -> None:
        record(recorder, "flaky", "flaky")
        said = section(results.page(path_of(recorder)), "failures")
        assert "2 times · 2 passed after a rerun · on 1 branch" in said
        assert "The report gives no message." in said

    def test_past_their_retention_have_no_texts(self, results: Results, recorder: Recorder) -> None:
        recorder.record(failing("adds"), days_ago=40)
        recorder.record(failing("adds"), days_ago=35)
        upkeep.keep_up(recorder.connection, text_retention=30, outcome_retention=90, seconds_left=lambda: 1)
        [failure] = results.data(path_of(recorder))["failures"]
        assert (failure["message"], failure["details"], failure["count"]) == (None, None, 2)
        page = results.page(path_of(recorder))
        assert "The report has none, or it is past its retention." in section(page, "failures")


class TestRuns:
    def test_are_the_last_sixty_of_all_branches_and_series(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed"), days_ago=70)
        for nth in range(61):
            recorder.record(
                case("passed"),
                branch=[None, "main", "feature"][nth % 3],
                series=["unit", "browser"][nth % 2],
                days_ago=65 - nth,
            )
        recorder.record(case("passed", "pays"))
        found = results.data(path_of(recorder))
        assert [run["uploaded_at"] for run in found["runs"]] == [at(5 + nth) for nth in range(60)]
        assert found["failures"] == []
        assert "60 runs, the newest on the right" in words(results.page(path_of(recorder)))

    def test_are_in_the_order_of_time_whatever_came_first(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("passed"), days_ago=1)
        recorder.record(case("failed"), days_ago=3)
        recorder.record(case("skipped"), days_ago=2)
        found = results.data(path_of(recorder))
        assert [run["status"] for run in found["runs"]] == ["passed", "skipped", "failed"]
        assert found["failing_on"] == []

    def test_without_the_test_are_left_out(self, results: Results, recorder: Recorder) -> None:
        record(recorder, "passed", "-", "failed")
        found = results.data(path_of(recorder))
        assert [run["commit"] for run in found["runs"]] == ["c2", "c0"]

    def test_have_a_lane_for_each_branch(self, results: Results, recorder: Recorder) -> None:
        record(recorder, "passed", "failed", start=9, commit="c7")
        record(recorder, "passed", start=3, branch=None)
        page = results.page(path_of(recorder))
        assert 'aria-label="main: 1 failed, 1 passed; the last 2 runs"' in page
        assert 'aria-label="no branch: 1 passed; the last 1 run"' in page
        assert page.count('<line class="same"') == 1
        assert "other branches" not in page
        for nth in range(9):
            record(recorder, "passed", start=2, branch=f"b{nth}")
        page = results.page(path_of(recorder))
        # Eight have one of their own.
        assert page.count('class="track lane"') == 9
        assert 'aria-label="other branches: 3 passed; the last 3 runs"' in page

    def test_without_durations_have_no_bars(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("passed"))
        page = results.page(path_of(recorder))
        assert 'class="median"' not in page
        assert 'class="b-duration"' not in page


class TestNotRecorded:
    def test_is_a_test_that_never_ran(self, results: Results) -> None:
        test_id = uuid4()
        answer = results.get(f"/api/tests/{test_id}")
        sentence = f"There is no test {test_id}: it ran in no run that is kept."
        assert (answer.status, answer.json["detail"]) == (404, sentence)
        assert "retry-after" not in answer.headers

    def test_is_one_whose_runs_are_gone(self, results: Results, recorder: Recorder) -> None:
        """Until the daily upkeep removes the test itself, its page says so."""
        [run] = record(recorder, "failed")
        path = path_of(recorder)
        recorder.connection.execute("delete from upload where event_id = %s", [run.id])
        found = results.data(path)
        assert (found["runs"], found["failures"], found["flip_rate"]) == ([], [], None)
        page = results.page(path)
        assert opening(page).startswith("No run that is kept has this test. It was renamed or removed, or did not run")
        assert section(page, "runs") == section(page, "history") == ""
        upkeep.keep_up(recorder.connection, text_retention=30, outcome_retention=90, seconds_left=lambda: 1)
        assert results.get(path).status == 404


def test_a_test_belongs_to_its_project(results: Results, recorder: Recorder) -> None:
    recorder.record(case("failed"))
    path = path_of(recorder)
    recorder.record(case("passed"), project="other")
    found = results.data(path)
    assert (found["project"], [run["status"] for run in found["runs"]]) == ("shop", ["failed"])


def test_hostile_texts_stay_texts(results: Results, recorder: Recorder) -> None:
    attribute, text = quoteattr(HOSTILE), escape(HOSTILE)
    for element in ("failure", "flakyFailure"):
        xml = (
            f"<testsuite name={attribute}><testcase classname={attribute} file={attribute} name={attribute} time='1'>"
            f"<{element} type={attribute} message={attribute}>{text}</{element}></testcase></testsuite>"
        )
        for branch in (HOSTILE, f"{HOSTILE}2"):
            recorder.record_report(
                report_of(xml, project=HOSTILE), project=HOSTILE, branch=branch, commit=HOSTILE, series=HOSTILE
            )
    page = results.page(path_of(recorder, HOSTILE))
    assert_harmless(page)
    assert words(page).count(HOSTILE) > 8
