"""The runs of a project, or of all."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest

from tests.handler.helpers.markup import HOSTILE, assert_harmless, links, words
from tests.handler.helpers.recorder import NOW, Recorder, ago, at, case
from tests.handler.helpers.results import Results


def commits(results: Results, **query: object) -> list[str]:
    return [run["commit"] for run in results.data("/runs", **query)["runs"]]


def test_the_latest_comes_first_whatever_came_first(results: Results, recorder: Recorder) -> None:
    recorder.record(case("passed"), commit="c2", days_ago=2)
    latest = recorder.record(
        case("failed", time=3), case("skipped", "pays"), commit="c3", branch="feature", series="unit", days_ago=1
    )
    recorder.record(case("passed"), commit="c1", days_ago=3)
    recorder.record(case("passed"), commit="o", project="other", days_ago=4)
    answer = results.data("/runs", project="shop")
    assert {**answer, "runs": ...} == {
        "project": "shop",
        "branches": ["feature", "main"],
        "runs": ...,
        "has_more": False,
    }
    assert [run["commit"] for run in answer["runs"]] == ["c3", "c2", "c1"]
    assert answer["runs"][0] == {
        "tests": 2,
        "passed": 0,
        "failed": 1,
        "error": 0,
        "skipped": 1,
        "flaky": 0,
        "id": str(latest.id),
        "project": "shop",
        "series": "unit",
        "branch": "feature",
        "commit": "c3",
        "build_url": "https://ci.example/7",
        "uploaded_at": at(1),
        "duration_seconds": 3,
    }
    of_all = results.data("/runs")
    assert {**of_all, "runs": [run["project"] for run in of_all["runs"]]} == {
        "project": None,
        "branches": [],
        "runs": ["shop", "shop", "shop", "other"],
        "has_more": False,
    }
    said = words(results.page("/runs", project="shop"))
    assert "c3 feature unit 1 failed 3.0 s 24 h ago" in said
    assert "c2 main report.xml 1 passed – 2 days ago" in said
    assert "No older runs." in said
    assert "other o main report.xml 1 passed" in words(results.page("/runs"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["e5", "d4", "c3", "b2", "a1"]),
        ({"branch": "main"}, ["d4", "b2", "a1"]),
        ({"branch": "mai"}, []),
        ({"branch": "%"}, []),
        ({"commit": "b"}, ["b2"]),
        ({"commit": "b2"}, ["b2"]),
        ({"commit": "2"}, []),
        ({"commit": "_"}, []),
        ({"series": "unit"}, ["e5", "b2"]),
        ({"outcome": "failed"}, ["c3", "b2"]),
        ({"outcome": "passed"}, ["e5", "d4", "a1"]),
        ({"outcome": "failed", "branch": "main"}, ["b2"]),
        ({"since": 2}, ["e5", "d4"]),
        ({"until": 2}, ["d4", "c3", "b2", "a1"]),
        ({"since": 2, "until": 2}, ["d4"]),
        ({"since": 9, "until": 8}, []),
        ({"since": "1970-01-01", "until": "2199-12-31"}, ["e5", "d4", "c3", "b2", "a1"]),
        ({"until": "1970-01-01"}, []),
        ({"since": "2199-12-31"}, []),
    ],
)
def test_they_are_narrowed(query: dict[str, object], found: list[str], results: Results, recorder: Recorder) -> None:
    """`since` and `until` are days, as many ago."""
    recorder.record(case("passed"), case("flaky", "b"), commit="a1", days_ago=5)
    recorder.record(case("failed"), commit="b2", series="unit", days_ago=4)
    recorder.record(case("error"), commit="c3", branch="feature", days_ago=3)
    recorder.record(case("passed"), commit="d4", days_ago=2)
    recorder.record(case("skipped"), commit="e5", branch=None, series="unit", days_ago=1)
    recorder.record(case("failed"), commit="b9", project="other", days_ago=6)
    asked = {name: f"{ago(value):%Y-%m-%d}" if isinstance(value, int) else value for name, value in query.items()}
    assert commits(results, project="shop", **asked) == found
    page = results.page("/runs", project="shop", **asked)
    assert ("No run matches. Show all runs" in words(page)) == (not found)


def test_a_day_is_one_of_utc(results: Results, recorder: Recorder) -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0) - timedelta(days=3)
    for nth, moment in enumerate([midnight - timedelta(milliseconds=1), midnight, midnight + timedelta(days=1)]):
        recorder.record(case("passed"), commit=f"c{nth}", days_ago=(NOW - moment) / timedelta(days=1))
    day = f"{midnight:%Y-%m-%d}"
    assert commits(results, project="shop", since=day, until=day) == ["c1"]
    assert commits(results, project="shop", since=day) == ["c2", "c1"]
    assert commits(results, project="shop", until=day) == ["c1", "c0"]


def test_the_form_keeps_what_is_asked(results: Results, recorder: Recorder) -> None:
    recorder.record(case("passed"), branch="feature")
    asked = {
        "branch": "main",
        "commit": "c",
        "series": "unit",
        "outcome": "failed",
        "since": "2026-01-02",
        "until": "2026-01-03",
    }
    page = results.page("/runs", project="shop", **asked)
    assert '<input type="hidden" name="project" value="shop">' in page
    assert '<option value="feature">feature</option><option value="main" selected>main</option></select>' in page
    assert '<input name="commit" size="10" value="c" maxlength="100">' in page
    assert '<input name="series" size="14" value="unit" maxlength="300">' in page
    assert '<option value="failed" selected>with failures</option>' in page
    assert '<input type="date" name="since" value="2026-01-02">' in page
    assert '<input type="date" name="until" value="2026-01-03">' in page
    page = results.page("/runs", branch="main")
    assert '<input name="branch" value="main" maxlength="300">' in page
    assert 'name="project"' not in page
    assert '<option value="feature" selected>feature</option>' in results.page(
        "/runs", project="shop", branch="feature"
    )


def test_they_go_on_page_by_page_by_key(results: Results, recorder: Recorder) -> None:
    """What comes meanwhile moves nothing; also runs of one moment are told apart."""
    made = {str(recorder.record(case("passed"), days_ago=2 + nth // 60, commit="c").id) for nth in range(120)}
    recorder.record(case("passed"), branch="feature", days_ago=3)
    asked = {"project": "shop", "branch": "main", "commit": "c", "outcome": "passed", "since": "2020-01-01"}
    seen: list[str] = []
    query: dict[str, str] = asked
    for nth in range(3):
        answer, page = results.data("/runs", **query), results.page("/runs", **query)
        seen += [run["id"] for run in answer["runs"]]
        assert answer["has_more"] == (nth < 2)
        older = [link for link in links(page) if "before=" in link]
        assert len(older) == answer["has_more"]
        assert ("Latest runs" in words(page).split("Uploaded")[-1]) == (nth > 0)
        if older:
            query = dict(parse_qsl(urlsplit(older[0]).query))
            assert query == {**asked, "before": seen[-1]}
        recorder.record(case("passed"), commit="c", days_ago=1)
    assert len(seen) == 120
    assert set(seen) == made


def test_what_is_not_there_is_said(results: Results, recorder: Recorder) -> None:
    answer = results.get("/api/runs", project="shop")
    sentence = "There is no project 'shop': nothing was uploaded for it yet, or no report was read."
    assert (answer.status, answer.json["detail"]) == (404, sentence)
    assert len(results.get("/api/runs", project="x" * 2000).json["detail"]) < 300
    before = uuid4()
    answer = results.get("/api/runs", before=before)
    assert (answer.status, answer.json["detail"]) == (
        404,
        f"There is no run {before}: it is not recorded yet, or no more.",
    )
    assert results.data("/runs")["runs"] == []
    assert "No run matches." in words(results.page("/runs"))


def test_a_run_without_a_commit_or_a_branch_is_a_run(results: Results, recorder: Recorder) -> None:
    run = recorder.record(case("passed"), commit=None, branch=None)
    page = results.page("/runs", project="shop")
    assert f'href="/runs/{run.id}"><bdi>run</bdi>' in page
    assert "run no branch report.xml" in words(page)
    # There is no branch to choose.
    assert '<input name="branch"' in page


def test_hostile_texts_stay_texts(results: Results, recorder: Recorder) -> None:
    recorder.record(case("failed"), project=HOSTILE, branch=HOSTILE, commit=HOSTILE, series=HOSTILE)
    asked = {"project": HOSTILE, "branch": HOSTILE, "commit": HOSTILE[:50], "series": HOSTILE}
    for query in ({}, asked, {**asked, "branch": f"{HOSTILE}2"}):
        page = results.page("/runs", **query)
        assert_harmless(page)
        assert HOSTILE[:30] in words(page)
