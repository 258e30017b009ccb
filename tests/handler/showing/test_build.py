"""A build: its reports, the sum of them, and what is new in it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handler.helpers.markup import HOSTILE, assert_harmless, first, links, section, words
from tests.handler.helpers.recorder import Recorder, at, case
from tests.handler.helpers.results import Results

URL = "https://ci.example/7"


def of_build(results: Results, **query: object) -> Any:
    return results.data("/builds", **{"project": "shop", "commit": "c1", "build_url": URL, **query})


def page_of(results: Results, **query: object) -> str:
    return results.page("/builds", **{"project": "shop", "commit": "c1", "build_url": URL, **query})


def jobs(answer: Any) -> list[str]:
    return [report["run"]["series"] for report in answer["reports"]]


def test_it_is_the_sum_of_its_reports(results: Results, recorder: Recorder) -> None:
    before = recorder.record(
        case("passed", "a"),
        case("passed", "b"),
        series="unit",
        commit="c0",
        build_url="https://ci.example/6",
        days_ago=9,
    )
    recorder.record(case("passed", "a", time=1), case("failed", "b", time=2), series="unit", days_ago=3)
    recorder.record(case("skipped", "c"), series="docs", days_ago=2)
    browser = recorder.record(
        case("flaky", "d", time=4), case("error", "e"), case("failed", "f"), series="browser", days_ago=1
    )
    answer = of_build(results)
    assert {**answer, "reports": ...} == {
        "project": "shop",
        "branch": "main",
        "commit": "c1",
        "build_url": URL,
        "first_uploaded_at": at(3),
        "last_uploaded_at": at(1),
        "duration_seconds": 7,
        "totals": {"tests": 6, "passed": 1, "failed": 2, "error": 1, "skipped": 1, "flaky": 1},
        "reports": ...,
    }
    # What failed most comes first.
    assert jobs(answer) == ["browser", "unit", "docs"]
    assert answer["reports"][0]["run"] == {
        "tests": 3,
        "passed": 0,
        "failed": 1,
        "error": 1,
        "skipped": 0,
        "flaky": 1,
        "id": str(browser.id),
        "project": "shop",
        "series": "browser",
        "branch": "main",
        "commit": "c1",
        "build_url": URL,
        "uploaded_at": at(1),
        "duration_seconds": 4,
    }
    assert [report["comparison"] is None for report in answer["reports"]] == [True, False, True]
    against = answer["reports"][1]["comparison"]
    assert (against["against"], against["base"]["id"]) == ("previous", str(before.id))
    assert against["counts"] == {"newly failing": 1, "still failing": 0, "fixed": 0, "new": 0, "vanished": 0}
    page = page_of(results)
    assert first(page, "h1") == "3 of 6 tests failed, 1 of them new"
    assert "<title>3 of 6 tests failed in a build of c1 · shop · TAP test</title>" in page
    assert "Runs 3 Uploaded 24 h ago" in words(page)
    assert "browser 1 failed 1 error 1 flaky – – 3 4.0 s 24 h ago" in section(page, "reports")
    assert "unit 1 failed 1 0 2 3.0 s 3 days ago" in section(page, "reports")
    assert "docs 1 skipped – – 1 – 2 days ago" in section(page, "reports")
    assert section(page, "failed").endswith("Outcome Test Job b unit")
    assert section(page, "passed") == ""
    assert f"/runs/{browser.id}" in links(page)


class TestReports:
    def test_of_one_series_count_once_the_latest(self, results: Results, recorder: Recorder) -> None:
        """A job was run again, or a report was late."""
        latest = recorder.record(case("passed", "a"), days_ago=1)
        recorder.record(case("failed", "a"), case("failed", "b"), days_ago=2)
        answer = of_build(results)
        assert [report["run"]["id"] for report in answer["reports"]] == [str(latest.id)]
        assert answer["totals"]["tests"] == 1
        assert answer["first_uploaded_at"] == answer["last_uploaded_at"] == at(1)

    def test_of_other_builds_and_projects_do_not_count(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("passed"), series="mine")
        recorder.record(case("failed"), series="a", commit="c2")
        recorder.record(case("failed"), series="b", build_url="https://ci.example/8")
        recorder.record(case("failed"), series="c", commit=None)
        recorder.record(case("failed"), series="d", build_url=None)
        recorder.record(case("failed"), series="e", project="other")
        assert jobs(of_build(results)) == ["mine"]
        assert jobs(of_build(results, commit=None)) == ["c"]
        assert jobs(of_build(results, build_url=None)) == ["d"]

    def test_are_held_against_the_build_before_and_not_against_another_run_of_it(
        self, results: Results, recorder: Recorder
    ) -> None:
        base = recorder.record(case("failed", "a"), case("failed", "b"), commit="c0", days_ago=5)
        recorder.record(case("failed", "a"), case("passed", "b"), branch="feature", commit="c0", days_ago=4)
        recorder.record(case("passed", "a"), case("failed", "b"), days_ago=3)
        recorder.record(case("passed", "a"), case("passed", "b"), days_ago=2)
        recorder.record(case("failed", "a"), case("failed", "b"), commit="c2", days_ago=1)
        [report] = of_build(results)["reports"]
        assert report["comparison"]["base"]["id"] == str(base.id)
        assert report["comparison"]["counts"]["fixed"] == 2
        page = page_of(results)
        assert first(page, "h1") == "Nothing failed"
        assert section(page, "passed").startswith("Fixed against the build before; the first eight of each job")
        assert "a report.xml b report.xml" in section(page, "passed").replace("Job ", "")

    def test_of_many_are_compared_for_the_worst_alone(self, results: Results, recorder: Recorder) -> None:
        for nth in range(31):
            recorder.record(case("failed"), series=f"{nth:02}", commit="c0", days_ago=2)
            recorder.record(case("failed"), series=f"{nth:02}", days_ago=1)
        reports = of_build(results)["reports"]
        assert [report["comparison"] is not None for report in reports] == [True] * 30 + [False]


class TestHeadline:
    @pytest.mark.parametrize(
        ("before", "now", "says"),
        [
            ("passed", "failed", "The only test failed, it is new"),
            ("failed", "failed", "The only test failed"),
            ("passed passed", "failed error", "2 of 2 tests failed, all of them new"),
            ("passed", "passed", "Nothing failed"),
            ("passed", "skipped", "Nothing failed"),
            ("passed", "", "No tests"),
        ],
    )
    def test_says_how_the_build_came_out(
        self, before: str, now: str, says: str, results: Results, recorder: Recorder
    ) -> None:
        for days_ago, commit, statuses in [(2, "c0", before), (1, "c1", now)]:
            cases = [case(status, str(nth)) for nth, status in enumerate(statuses.split())]
            recorder.record(*cases, commit=commit, days_ago=days_ago)
        assert first(page_of(results), "h1") == says


class TestErrors:
    def test_a_build_is_known_by_its_commit_or_its_address(self, results: Results) -> None:
        answer = results.get("/api/builds", project="shop")
        sentence = "commit and build_url are missing: a build is known by one of them, or both."
        assert (answer.status, answer.json["detail"]) == (400, sentence)
        assert results.get("/builds", project="shop").status == 400

    def test_one_without_reports_may_have_some_later(self, results: Results) -> None:
        answer = results.get("/api/builds", project="shop", commit="c1")
        sentence = "There is no such build: none of its reports is recorded yet, or none any more."
        assert (answer.status, answer.json["detail"], answer.headers["retry-after"]) == (404, sentence, "5")


def test_a_build_may_lack_its_commit_or_its_address(results: Results, recorder: Recorder) -> None:
    recorder.record(case("passed"), commit=None, branch=None)
    page = page_of(results, commit=None)
    assert "Branch no branch" in words(page)
    assert "Commit –" in words(page)
    assert "https://ci.example/7" in links(page)
    recorder.record(case("passed"), build_url=None)
    page = page_of(results, build_url=None)
    assert "Build" not in words(page)
    assert "Build c1" in page


def test_hostile_texts_stay_texts(results: Results, recorder: Recorder) -> None:
    for days_ago, url in [(2, "https://x"), (1, f"https://ci.example/{HOSTILE}")]:
        recorder.record(
            case("failed" if days_ago == 1 else "passed", HOSTILE, classname=HOSTILE, file=HOSTILE),
            case("passed" if days_ago == 1 else "failed", f"{HOSTILE}2"),
            project=HOSTILE,
            branch=HOSTILE,
            commit=HOSTILE,
            series=HOSTILE,
            build_url=url,
            days_ago=days_ago,
        )
    page = page_of(results, project=HOSTILE, commit=HOSTILE, build_url=f"https://ci.example/{HOSTILE}")
    assert_harmless(page)
    assert words(page).count(HOSTILE) == 4
    assert f"https://ci.example/{HOSTILE}" in links(page)
    recorder.record(case("passed"), commit="c1", build_url=f"javascript:{HOSTILE}")
    assert_harmless(page_of(results, build_url=f"javascript:{HOSTILE}"))
