"""One test in one run: all that the report says of it."""

from __future__ import annotations

from uuid import uuid4
from xml.sax.saxutils import escape, quoteattr

import pytest

from handler.recording import upkeep
from tests.handler.helpers.markup import HOSTILE, assert_harmless, first, links, section, words
from tests.handler.helpers.recorder import Recorder, at, case, failing
from tests.handler.helpers.reports import report_of
from tests.handler.helpers.results import Results


def path_of(recorder: Recorder, *cases: str, days_ago: float = 1, name: str = "adds") -> str:
    """That of the result of this test in a run with these cases."""
    run = recorder.record(*cases, days_ago=days_ago)
    return f"/runs/{run.id}/tests/{recorder.test_ids()[name]}"


def opening(page: str) -> str:
    """The words between the name and the facts, without the sparkline."""
    return words(page.partition("</h1>")[2].partition("<dl")[0]).removesuffix(" History of this test")


def test_it_says_all_that_the_report_says(results: Results, recorder: Recorder) -> None:
    xml = (
        "<testsuites><testsuite name='shop'><system-out>of the suite</system-out><system-err>oh</system-err>"
        "<testcase classname='Cart' file='tests/cart.py' line='12' name='adds[1]' time='1.5'>"
        "<failure type='AssertionError' message='no'>at a:1</failure>"
        "<properties><property name='owner' value='cart team'/></properties>"
        "<system-out>out [[ATTACHMENT|build/shot.png]] [[ATTACHMENT|https://ci.example/trace.zip]]</system-out>"
        "<system-err>err</system-err></testcase></testsuite></testsuites>"
    )
    before = recorder.record(case("passed"), commit="c1", days_ago=2)
    run = recorder.record_report(report_of(xml), branch="main", commit="c2", days_ago=1, build_url=None)
    test_id = recorder.test_ids()["adds[1]"]
    path = f"/runs/{run.id}/tests/{test_id}"
    assert results.data(path) == {
        "run": {
            "tests": 1,
            "passed": 0,
            "failed": 1,
            "error": 0,
            "skipped": 0,
            "flaky": 0,
            "id": str(run.id),
            "project": "shop",
            "series": "report.xml",
            "branch": "main",
            "commit": "c2",
            "build_url": None,
            "uploaded_at": at(1),
            "duration_seconds": 1.5,
        },
        "result": {
            "test_id": test_id,
            "file": "tests/cart.py",
            "suite": "shop",
            "classname": "Cart",
            "name": "adds[1]",
            "variant": None,
            "status": "failed",
            "attempts": 1,
            "duration_seconds": 1.5,
            "line": 12,
            "type": "AssertionError",
            "message": "no",
            "details": "at a:1",
            "system_out": "out [[ATTACHMENT|build/shot.png]] [[ATTACHMENT|https://ci.example/trace.zip]]",
            "system_err": "err",
            "outcomes": [],
            "properties": {"owner": "cart team"},
            "attachments": ["build/shot.png", "https://ci.example/trace.zip"],
            "suite_system_out": "of the suite",
            "suite_system_err": "oh",
        },
        "statuses": [None, "failed"],
        "since": {"id": str(run.id), "branch": "main", "commit": "c2", "uploaded_at": at(1)},
    }
    page = results.page(path)
    assert "<title>adds[1] failed · shop · TAP test</title>" in page
    assert first(page, "h1") == "adds[1]"
    assert words(page).startswith("tests/cart.py › Cart")
    assert "File tests/cart.py:12 Suite shop" in words(page)
    assert section(page, "said").startswith("What the report says AssertionError no at a:1 Standard output out [[")
    assert section(page, "properties") == "Properties owner cart team"
    assert "Output of its suite what was written outside the tests Standard output of the suite" in words(page)
    assert "<code><bdi>build/<wbr>shot.<wbr>png</bdi></code>" in page
    assert [link for link in links(page) if link.startswith("https")] == ["https://ci.example/trace.zip"]
    assert {f"/runs/{run.id}", f"/tests/{test_id}", "/project?project=shop"} <= set(links(page))
    assert f"/runs/{before.id}" not in links(page)


class TestOpening:
    @pytest.mark.parametrize(
        ("status", "says"),
        [
            ("passed", "Passed."),
            ("skipped", "Skipped."),
            ("flaky", "Passed only after a rerun in 2 attempts."),
            ("failed", "Failed, for the first time in a row."),
            ("error", "Ended in an error, for the first time in a row."),
        ],
    )
    def test_says_how_it_came_out(self, status: str, says: str, results: Results, recorder: Recorder) -> None:
        recorder.record(case("passed"), days_ago=2)
        page = results.page(path_of(recorder, case(status)))
        assert opening(page) == says

    def test_says_since_when_it_fails(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("passed"), days_ago=9)
        began = recorder.record(case("error"), commit="0123456789", days_ago=8)
        recorder.record(case("skipped"), days_ago=7)
        path = path_of(recorder, case("failed"))
        assert results.data(path)["since"]["id"] == str(began.id)
        assert results.data(path)["statuses"] == ["passed", "error", "skipped", "failed"]
        page = results.page(path)
        assert opening(page) == "Failed, since 01234567, 8 days ago."
        assert f"/runs/{began.id}" in links(page)

    def test_looks_no_further_than_the_run(self, results: Results, recorder: Recorder) -> None:
        path = path_of(recorder, case("failed"), days_ago=3)
        recorder.record(case("passed"), days_ago=2)
        recorder.record(case("failed"), branch="feature", days_ago=4)
        recorder.record(case("failed"), series="browser", days_ago=4)
        assert results.data(path)["statuses"] == ["failed"]

    def test_says_nothing_of_what_began_before_thirty_runs(self, results: Results, recorder: Recorder) -> None:
        for nth in range(30):
            recorder.record(case("failed"), days_ago=50 - nth)
        path = path_of(recorder, case("failed"))
        answer = results.data(path)
        assert (answer["statuses"], answer["since"]) == (["failed"] * 30, None)
        assert opening(results.page(path)) == "Failed."


class TestAttempts:
    CASE = (
        "<testcase name='adds'><flakyFailure type='E' message='first'>at a:1<system-out>one</system-out></flakyFailure>"
        "<flakyError message='second'>at b:2</flakyError><system-out>in the end</system-out></testcase>"
    )

    def test_have_their_own_texts(self, results: Results, recorder: Recorder) -> None:
        path = path_of(recorder, self.CASE)
        answer = results.data(path)["result"]
        assert (answer["status"], answer["attempts"]) == ("flaky", 3)
        told = {"system_out": None, "system_err": None}
        assert answer["outcomes"] == [
            {**told, "status": "failed", "type": "E", "message": "first", "details": "at a:1", "system_out": "one"},
            {**told, "status": "error", "type": None, "message": "second", "details": "at b:2"},
        ]
        page = results.page(path)
        assert opening(page) == "Passed only after a rerun in 3 attempts."
        said = section(page, "attempts")
        assert "1. failed E first at a:1 Standard output one 2. error second at b:2" in said
        assert section(page, "output") == "Output of the test Standard output in the end"
        assert section(page, "said") == ""

    def test_without_output_of_the_test_have_none(self, results: Results, recorder: Recorder) -> None:
        path = path_of(recorder, "<testcase name='adds'><rerunFailure/><failure message='x'/></testcase>")
        page = results.page(path)
        assert section(page, "attempts")
        assert section(page, "output") == ""


class TestWithLittleToSay:
    def test_a_pass_has_nothing_more(self, results: Results, recorder: Recorder) -> None:
        path = path_of(recorder, case("passed"))
        answer = results.data(path)["result"]
        assert (answer["outcomes"], answer["properties"], answer["attachments"]) == ([], {}, [])
        assert "The report says nothing more of it." in words(results.page(path))

    def test_a_failure_may_have_lost_its_texts(self, results: Results, recorder: Recorder) -> None:
        path = path_of(recorder, failing("adds"), days_ago=40)
        upkeep.keep_up(recorder.connection, text_retention=30, outcome_retention=90, seconds_left=lambda: 1)
        answer = results.data(path)["result"]
        assert (answer["status"], answer["message"], answer["details"]) == ("failed", None, None)
        page = results.page(path)
        assert "The report says nothing more of it, or its texts are past their retention." in words(page)

    def test_what_is_missing_is_left_out(self, results: Results, recorder: Recorder) -> None:
        report = report_of(f"<testsuite>{case('passed', '')}</testsuite>")
        run = recorder.record_report(report, build_url=None, days_ago=2)
        [test_id] = recorder.test_ids().values()
        page = results.page(f"/runs/{run.id}/tests/{test_id}")
        assert first(page, "h1") == "(without a name)"
        assert "Run no branch run, 2 days ago Duration –" in words(page)
        for left_out in ("File", "Suite", "Build", "Attachments", "Properties"):
            assert left_out not in words(page)

    @pytest.mark.parametrize(
        ("kind", "message", "said"),
        [
            ("E", "no", "E no"),
            ("E", "E: no", "E: no"),
            ("E", "", "E"),
            ("", "no", "no"),
        ],
    )
    def test_a_type_is_not_said_twice(
        self, kind: str, message: str, said: str, results: Results, recorder: Recorder
    ) -> None:
        path = path_of(recorder, failing("adds", message, kind=kind, details=""))
        assert section(results.page(path), "said") == f"What the report says {said}"


class TestNotRecorded:
    def test_is_a_test_of_another_run(self, results: Results, recorder: Recorder) -> None:
        path = path_of(recorder, case("passed"))
        other = recorder.record(case("passed", "pays"))
        test_id = recorder.test_ids()["adds"]
        answer = results.get(f"/api/runs/{other.id}/tests/{test_id}")
        assert (answer.status, answer.json["detail"]) == (404, f"The run {other.id} has no test {test_id}.")
        assert results.get(path).status == 200

    def test_is_a_test_of_another_project(self, results: Results, recorder: Recorder) -> None:
        run = recorder.record(case("passed"))
        test_id = recorder.test_ids()["adds"]
        recorder.record(case("passed"), project="other")
        others = [other for other in map(str, self.ids(recorder)) if other != test_id]
        assert len(others) == 1
        assert results.get(f"/api/runs/{run.id}/tests/{others[0]}").status == 404

    def ids(self, recorder: Recorder) -> list[str]:
        return [test_id for (test_id,) in recorder.query("select id from history.test")]

    def test_is_anything_else(self, results: Results, recorder: Recorder) -> None:
        run = recorder.record(case("passed"))
        assert results.get(f"/api/runs/{run.id}/tests/{uuid4()}").status == 404
        answer = results.get(f"/api/runs/{uuid4()}/tests/{recorder.test_ids()['adds']}")
        assert (answer.status, answer.headers["retry-after"]) == (404, "5")
        assert results.get(f"/api/runs/{run.id}/tests/x").status == 400


def test_hostile_texts_stay_texts(results: Results, recorder: Recorder) -> None:
    attribute, text = quoteattr(HOSTILE), escape(HOSTILE)
    outcome = (
        f"type={attribute} message={attribute}>{text}<system-out>{text}</system-out><system-err>{text}</system-err>"
    )
    said = (
        f"<properties><property name={attribute} value={attribute}/></properties>"
        f"<system-out>{text} [[ATTACHMENT|javascript:{text}]] [[ATTACHMENT|https://evil.example/{text}]]</system-out>"
        f"<system-err>{text}</system-err>"
    )
    for element in ("failure", "flakyFailure"):
        xml = (
            f"<testsuite name={attribute}><system-out>{text}</system-out><testcase classname={attribute} "
            f"file={attribute} name={attribute}><{element} {outcome}</{element}>"
            f"<flakyError {outcome}</flakyError>{said}</testcase></testsuite>"
        )
        run = recorder.record_report(
            report_of(xml, project=HOSTILE),
            project=HOSTILE,
            branch=HOSTILE,
            commit=HOSTILE,
            build_url=f"https://ci.example/{HOSTILE}",
        )
        [test_id] = recorder.test_ids().values()
        page = results.page(f"/runs/{run.id}/tests/{test_id}")
        assert_harmless(page)
        assert words(page).count(HOSTILE) > 8
        assert f"https://ci.example/{HOSTILE}" in links(page)
        assert f"https://evil.example/{HOSTILE}" in links(page)
