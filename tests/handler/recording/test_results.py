"""What PostgreSQL keeps of a report: runs, results and tests."""

import time
from concurrent.futures import ThreadPoolExecutor
from xml.sax.saxutils import quoteattr

import pytest

from handler.errors import NotXml
from handler.reading.identity import test_id as identity
from handler.recording.results import Run
from tests.handler.helpers.recorder import Recorder, case
from tests.handler.helpers.surroundings import Postgres


@pytest.mark.parametrize(
    ("attempts", "status"),
    [
        ("passed", "passed"),
        ("skipped", "skipped"),
        ("flaky", "flaky"),
        ("failed", "failed"),
        ("error", "error"),
        ("passed passed", "passed"),
        ("failed passed", "flaky"),
        ("error passed", "flaky"),
        ("error failed passed", "flaky"),
        ("failed flaky", "flaky"),
        ("flaky passed", "flaky"),
        ("passed flaky", "flaky"),
        ("passed failed", "failed"),
        ("flaky failed", "failed"),
        ("failed failed", "failed"),
        ("failed passed failed", "failed"),
        ("failed error", "error"),
        ("error failed", "error"),
        ("passed error", "error"),
        ("failed skipped", "failed"),
        ("failed passed skipped", "failed"),
        ("skipped passed", "skipped"),
        ("passed skipped", "skipped"),
    ],
)
def test_attempts_of_a_test_become_one_result(recorder: Recorder, attempts: str, status: str) -> None:
    """The most severe speaks for it, unless the last one passed after a failure."""
    recorder.record(*map(case, attempts.split()))
    assert recorder.query("select status::text from result") == [(status,)]


def test_attempts_and_durations_add_up(recorder: Recorder) -> None:
    """Those that one case sums up as well; an unknown duration counts for nothing."""
    rerun = "<testcase name='adds' time='1'><failure/><rerunFailure/><rerunError/></testcase>"
    recorder.record(rerun, case("failed"), case("passed", time="0.25"))
    assert recorder.query("select attempts, duration_seconds from result") == [(5, 1.25)]


def test_a_duration_that_no_attempt_knows_is_null(recorder: Recorder) -> None:
    """It is not zero."""
    recorder.record(case("failed"), case("passed"))
    assert recorder.query("select duration_seconds from result") == [(None,)]


def said(status: str, who: str) -> str:
    """A case all of whose texts tell who said them."""
    outcome = f"<{status} type='{who}' message='{who}'>{who}</{status}>" if status else ""
    return f"<testcase name='adds'>{outcome}<system-out>{who}</system-out><system-err>{who}</system-err></testcase>"


@pytest.mark.parametrize(
    "cases",
    [
        [said("failure", "expected")],
        [said("failure", "other"), said("error", "expected")],
        [said("error", "expected"), said("failure", "other")],
        [said("failure", "expected"), said("failure", "other")],
        [said("failure", "expected"), said("", "other")],
        [said("failure", "other"), said("error", "expected"), said("", "other")],
        [said("", "other"), said("failure", "expected"), said("skipped", "other")],
    ],
)
def test_the_most_severe_attempt_leaves_its_texts(recorder: Recorder, cases: list[str]) -> None:
    """The first of them, and none of another attempt's."""
    recorder.record(*cases)
    rows = recorder.query("select type, message, details, system_out, system_err from result")
    assert rows == [("expected",) * 5]


def test_a_namesake_in_another_suite_is_another_test(recorder: Recorder) -> None:
    """Or the pass of one browser, or of another file, would hide a failure; its history is its own as well."""
    suites = [f"<testsuite name='login'>{case(status)}</testsuite>" for status in ("failed", "passed", "skipped")]
    recorder.record(*suites)
    recorder.record(*suites)
    results = "select suite, status::text, count(*) from result join test on test.id = test_id group by 1, 2 order by 1"
    assert recorder.query(results) == [("login", "failed", 2), ("login #2", "passed", 2), ("login #3", "skipped", 2)]


def test_a_namesake_without_a_named_suite_has_its_number_alone(recorder: Recorder) -> None:
    """The number is all that there is to tell."""
    recorder.record(case("passed"), f"<testsuite>{case('failed')}</testsuite>")
    assert recorder.query("select suite from test order by suite nulls first") == [(None,), ("#2",)]


def test_a_run_counts_each_test_once(recorder: Recorder) -> None:
    """Whatever the report itself says of its counts."""
    statuses = ["passed"] * 5 + ["failed"] * 4 + ["error"] * 3 + ["skipped"] * 2 + ["flaky"]
    cases = [case(status, str(number)) for number, status in enumerate(statuses)]
    run = recorder.record(*cases, case("failed", "again"), case("passed", "again"))
    assert run.totals == {"tests": 16, "passed": 5, "failed": 4, "error": 3, "skipped": 2, "flaky": 2}
    assert recorder.query("select tests, passed, failed, error, skipped, flaky from run") == [(16, 5, 4, 3, 2, 2)]


def test_a_report_without_cases_is_a_run(recorder: Recorder) -> None:
    """Of nothing."""
    run = recorder.record()
    totals = {"tests": 0, "passed": 0, "failed": 0, "error": 0, "skipped": 0, "flaky": 0}
    assert run == Run(id=run.id, totals=totals, duration=None)
    assert recorder.query("select id, tests, started_at, duration_seconds from run") == [(run.id, 0, None, None)]


def test_a_run_has_the_times_of_its_report(recorder: Recorder) -> None:
    """What is known of them only at its end as well."""
    late = "<testsuite time='3' timestamp='2026-01-02T03:04:05'/><testsuite time='1'/>"
    assert recorder.record(case("passed", time=2), late).duration == 4
    rows = recorder.query("select started_at at time zone 'UTC', duration_seconds from run")
    assert [(str(started_at), seconds) for started_at, seconds in rows] == [("2026-01-02 03:04:05", 4)]


def test_a_test_is_the_same_one_in_every_run(recorder: Recorder) -> None:
    """Its row stays as the first run wrote it."""
    recorder.record(case("passed", file="/build/1/cart.py", classname="Cart"))
    recorder.record(case("failed", file="/build/2/cart.py", classname="Cart"))
    assert recorder.query("select project, file, suite, classname, name from test") == [
        ("shop", "/build/1/cart.py", None, "Cart", "adds")
    ]
    assert recorder.query("select count(distinct run_id), count(distinct test_id) from result") == [(2, 1)]


def test_projects_share_no_tests(recorder: Recorder) -> None:
    """Even if they are called alike."""
    recorder.record(case("passed"), project="shop")
    recorder.record(case("passed"), project="blog")
    assert recorder.query("select project from test order by project") == [("blog",), ("shop",)]


@pytest.mark.parametrize(
    "text",
    [
        "\\",
        "\\N",
        "\\.",
        "\\t",
        "a\tb",
        "a\nb",
        "a\r\nb",
        "'\"",
        "null",
        "{a,b}",
        "%s %(a)s",
        "\ufeff\ufffd\U0001f600",
        "\x85\u2028",
    ],
)
def test_texts_arrive_as_they_are(recorder: Recorder, text: str) -> None:
    """COPY gives a meaning to some of them."""
    quoted = quoteattr(text, {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
    recorder.record(f"<testcase name={quoted}><failure message={quoted}/></testcase>")
    assert recorder.query("select name, message from test join result on test_id = test.id") == [(text, text)]


def test_an_empty_name_is_no_null(recorder: Recorder) -> None:
    """Everything else that is empty is."""
    recorder.record("<testcase classname='' file=''><failure type='' message=''/><system-out/></testcase>")
    assert recorder.query("select name, classname, file, suite from test") == [("", None, None, None)]
    assert recorder.query("select type, message, details, system_out from result") == [(None,) * 4]


def test_a_report_that_breaks_off_leaves_nothing_behind(recorder: Recorder) -> None:
    """Nor does it disturb the next one on the same connection."""
    with pytest.raises(NotXml):
        recorder.record(case("failed", "broken"), "</broken>")
    assert recorder.query("select count(*) from upload") == [(0,)]
    recorder.record(case("passed", "whole"))
    assert recorder.query("select name from test join result on test_id = test.id") == [("whole",)]


def test_other_statements_keep_their_timeout(recorder: Recorder) -> None:
    """Only recording takes longer."""
    recorder.connection.execute("set statement_timeout = '7s'")
    recorder.record(case("passed"))
    assert recorder.query("show statement_timeout") == [("7s",)]


def test_a_deleted_upload_takes_its_results_along(recorder: Recorder) -> None:
    """And its event; the test and its other results stay."""
    old, new = recorder.record(case("passed")), recorder.record(case("failed"))
    recorder.connection.execute("insert into outbox (event_id, detail) values (%s, '{}')", [old.id])
    recorder.connection.execute("delete from upload where event_id = %s", [old.id])
    assert recorder.query("select id from run") == [(new.id,)]
    assert recorder.query("select run_id, status::text from result") == [(new.id, "failed")]
    assert recorder.query("select count(*) from test") == [(1,)]
    assert recorder.query("select * from outbox") == []


def wait_for_locks(postgres: Postgres, sessions: int) -> None:
    """Returns when so many sessions wait for another one."""
    deadline = time.monotonic() + 10
    while postgres.query("select count(distinct pid) from pg_locks where not granted") != [(sessions,)]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_reports_with_the_same_new_tests_wait_for_each_other(postgres: Postgres) -> None:
    """However their cases are ordered, that is no deadlock."""
    names = [str(number) for number in range(9)]
    ids = {name: identity(project="shop", file=None, suite=None, classname=None, name=name) for name in names}
    in_order = sorted(names, key=lambda name: ids[name])
    with (
        postgres.connect() as blocking,
        postgres.connect() as one,
        postgres.connect() as other,
        ThreadPoolExecutor() as threads,
    ):
        recorders = [Recorder(one), Recorder(other)]
        with blocking.transaction(force_rollback=True):
            blocking.execute("insert into test (id, project, name) values (%s, 'shop', '')", [ids[in_order[4]]])
            reports = [in_order, in_order[::-1]]
            runs = [
                threads.submit(recorder.record, *(case("passed", name) for name in report))
                for recorder, report in zip(recorders, reports, strict=True)
            ]
            wait_for_locks(postgres, 2)
        assert [run.result().totals["tests"] for run in runs] == [9, 9]
    assert postgres.query("select count(*) from test") == [(9,)]
    assert postgres.query("select count(*) from result") == [(18,)]
