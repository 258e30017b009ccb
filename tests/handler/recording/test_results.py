"""What PostgreSQL keeps of a report: runs, results and tests."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID
from xml.sax.saxutils import quoteattr

import pytest

from handler.errors import NotXml
from handler.recording import results
from handler.recording.projects import project_of
from handler.recording.results import Run
from tests.handler.helpers.recorder import Recorder, ago, case
from tests.handler.helpers.reports import report_of
from tests.handler.helpers.surroundings import Postgres

_STATUSES = ("passed", "skipped", "flaky", "failed", "error")

# A suite whose cases of one name are reruns of one test.
PYTEST = "<testsuite name='pytest'>{}</testsuite>"
GRADLE_ATTRIBUTES = "name='Cart' tests='9' skipped='0' failures='0' errors='0' timestamp='' hostname='' time=''"
GRADLE = f"<testsuite {GRADLE_ATTRIBUTES}>{{}}</testsuite>"
SUREFIRE = "<testsuite name='TestSuite'>{}</testsuite>"
OTHER = "<testsuite name='cart'>{}</testsuite>"

# The variants of a test, and in how many runs each came to what.
VARIANTS = (
    "select suite, variant, status::text, count(*) from result join test on test.id = test_id"
    " group by 1, 2, 3 order by 1, 2 nulls first"
)

STATUSES = ("passed", "skipped", "flaky", "failed", "error")


def came_to(attempts: tuple[str, ...]) -> str:
    """What attempts come to, in the words of docs/reading.md."""
    ran = [attempt for attempt in attempts if attempt != "skipped"]
    if not ran:
        return "skipped"
    if ran[-1] in {"passed", "flaky"}:
        return "passed" if set(ran) == {"passed"} else "flaky"
    return "error" if "error" in ran else "failed"


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_attempts_come_to_one_status(recorder: Recorder, length: int) -> None:
    """In every combination."""
    combinations = list(itertools.product(STATUSES, repeat=length))
    rows = recorder.connection.execute(
        "select status_of(attempts::test_status[])::text from unnest(%s::text[]) as attempts",
        [["{" + ",".join(combination) + "}" for combination in combinations]],
    )
    assert [row[0] for row in rows] == [came_to(combination) for combination in combinations]


@pytest.mark.parametrize(
    ("attempts", "status"),
    [
        ("skipped passed", "passed"),
        ("passed skipped", "passed"),
        ("skipped failed", "failed"),
        ("failed skipped", "failed"),
        ("failed passed", "flaky"),
        ("failed passed skipped", "flaky"),
        ("passed failed", "failed"),
        ("flaky failed", "failed"),
        ("failed error", "error"),
        ("error failed", "error"),
        ("error passed", "flaky"),
        ("passed passed", "passed"),
        ("skipped skipped", "skipped"),
    ],
)
def test_reruns_become_one_result(recorder: Recorder, attempts: str, status: str) -> None:
    """Once more in plain words."""
    recorder.record(PYTEST.format("".join(map(case, attempts.split()))))
    assert recorder.query("select status::text from result") == [(status,)]


@pytest.mark.parametrize(
    ("writer", "cases", "statuses"),
    [
        (PYTEST, "passed failed passed", ["flaky"]),
        (GRADLE, "failed passed", ["flaky"]),
        (GRADLE, "failed failed passed", ["flaky"]),
        (GRADLE, "error failed", ["error"]),
        (GRADLE, "skipped passed", ["passed"]),
        (GRADLE, "failed passed passed", ["failed", "passed", "passed"]),
        (GRADLE, "passed failed", ["passed", "failed"]),
        (GRADLE, "skipped skipped", ["skipped", "skipped"]),
        (GRADLE, "passed skipped", ["passed", "skipped"]),
        (GRADLE, "failed skipped", ["failed"]),
        (SUREFIRE, "passed skipped", ["passed"]),
        (SUREFIRE, "skipped passed", ["passed"]),
        (SUREFIRE, "skipped skipped failed", ["failed"]),
        (SUREFIRE, "failed skipped skipped", ["failed"]),
        (SUREFIRE, "failed passed", ["failed", "passed"]),
        (SUREFIRE, "skipped passed passed", ["skipped", "passed", "passed"]),
        (SUREFIRE, "skipped skipped", ["skipped", "skipped"]),
        (OTHER, "failed passed", ["failed", "passed"]),
        (OTHER, "failed passed passed", ["failed", "passed", "passed"]),
        (OTHER, "skipped passed", ["skipped", "passed"]),
        (OTHER, "passed passed", ["passed", "passed"]),
    ],
)
def test_cases_of_one_name_are_reruns_as_far_as_their_writer_is_trusted(
    recorder: Recorder, writer: str, cases: str, statuses: list[str]
) -> None:
    """Others are tests with other parameters: none of them is flaky for another's sake, and each has its number."""
    for _ in range(2):
        recorder.record_report(report_of(writer.format("".join(map(case, cases.split())))))
    recorded = recorder.query(
        "select status::text, count(*) from result join test on test.id = test_id"
        " group by test_id, status order by min(variant) nulls first"
    )
    assert [status for status, _ in recorded] == statuses
    assert {runs for _, runs in recorded} == {2}


@pytest.mark.parametrize("writer", [PYTEST, OTHER])
def test_cases_without_a_name_stay_different_tests(recorder: Recorder, writer: str) -> None:
    """Whoever wrote them."""
    run = recorder.record_report(report_of(writer.format("<testcase/>" * 3)))
    assert run.totals["tests"] == 3


def test_attempts_and_durations_add_up(recorder: Recorder) -> None:
    """Those that one case sums up as well; an unknown duration counts for nothing."""
    rerun = "<testcase name='adds' time='1'><failure/><rerunFailure/><rerunError/></testcase>"
    recorder.record(PYTEST.format(rerun + case("failed") + case("passed", time="0.25")))
    assert recorder.query("select attempts, duration_seconds from result") == [(5, 1.25)]


def test_a_duration_that_no_attempt_knows_is_null(recorder: Recorder) -> None:
    """It is not zero."""
    recorder.record(PYTEST.format(case("failed") + case("passed")))
    assert recorder.query("select duration_seconds from result") == [(None,)]


def test_durations_are_in_seconds_whatever_the_report_wrote(recorder: Recorder) -> None:
    """And what cannot be one is none."""
    milliseconds = "<testsuite time='3'><testcase name='a' time='1000'/><testcase name='b' time='2000'/></testsuite>"
    recorder.record_report(report_of(milliseconds))
    assert recorder.query("select duration_seconds from result order by 1") == [(1.0,), (2.0,)]
    recorder.record(case("passed", "c", time="7"), case("passed", "d", time="8"), case("passed", "e", time="1e9"))
    query = "select name, duration_seconds from result join test on id = test_id where name >= 'c' order by 1"
    assert recorder.query(query) == [("c", 7.0), ("d", 8.0), ("e", None)]
    nanoseconds = report_of("<testsuite><testcase name='f' time='1000000000000'/></testsuite>")
    assert recorder.record_report(nanoseconds).duration is None


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
    recorder.record(PYTEST.format("".join(cases)))
    rows = recorder.query("select type, message, details, system_out, system_err from result")
    assert rows == [("expected",) * 5]


def test_a_test_that_was_skipped_and_then_passed_has_the_texts_of_its_pass(recorder: Recorder) -> None:
    """Why it was skipped at first is kept among its outcomes."""
    passed = "<testcase name='adds'><system-out>x</system-out></testcase>"
    recorder.record(PYTEST.format(case("skipped") + passed))
    assert recorder.query("select message, system_out, outcomes from result") == [(None, "x", [{"status": "skipped"}])]


def test_every_rerun_keeps_its_texts(recorder: Recorder) -> None:
    """So that the failing attempts of a flaky test can be read; those of one case and those of several."""
    two = "<testcase name='adds'><failure message='c'/><error message='d'>at d</error></testcase>"
    recorder.record(PYTEST.format(said("failure", "a") + case("passed") + two + case("passed")))
    a = {"type": "a", "message": "a", "details": "a", "system_out": "a", "system_err": "a"}
    assert recorder.query("select status::text, attempts, outcomes from result") == [
        (
            "flaky",
            4,
            [
                {"status": "failed", **a},
                {"status": "failed", "message": "c"},
                {"status": "error", "message": "d", "details": "at d"},
            ],
        )
    ]


def test_what_a_rerun_wrote_stands_with_the_first_of_its_outcomes(recorder: Recorder) -> None:
    """Even if another speaks for the test."""
    first = "<failure message='a'/><failure message='b'/><system-out>put in</system-out>"
    recorder.record(PYTEST.format(f"<testcase name='adds'>{first}</testcase>{case('error')}"))
    assert recorder.query("select status::text, system_out, outcomes from result") == [
        (
            "error",
            None,
            [
                {"status": "failed", "message": "a", "system_out": "put in"},
                {"status": "failed", "message": "b"},
                {"status": "error"},
            ],
        )
    ]


def test_outcomes_of_reruns_have_one_limit(recorder: Recorder) -> None:
    """In number and in characters."""
    two = "<testcase name='adds'><failure/><failure/></testcase>"
    long = f"<testcase name='pays'><failure>{'x' * 60_000}</failure></testcase>"
    recorder.record(PYTEST.format(two * 15 + long * 15))
    query = "select name, attempts, jsonb_array_length(outcomes) from result join test on id = test_id order by name"
    assert recorder.query(query) == [("adds", 15, 20), ("pays", 15, 4)]


def test_reruns_stay_in_their_suite_element(recorder: Recorder) -> None:
    """Two suites of one name have a test each."""
    reruns = PYTEST.format(case("failed") + case("passed"))
    recorder.record(reruns, reruns)
    assert recorder.query(
        "select variant, status::text, attempts from result join test on id = test_id order by 1"
    ) == [
        ("#2", "flaky", 2),
        (None, "flaky", 2),
    ]


def test_a_case_is_a_rerun_only_if_all_of_its_name_are(recorder: Recorder) -> None:
    """Another parameter may have its name, and was run once."""
    repetition = "<properties><property name='repetition' value='Repetition 1 of 3'/></properties>"
    recorder.record(f"<testcase name='adds'>{repetition}<failure/></testcase>", case("passed"))
    assert recorder.query("select status::text from result order by 1") == [("failed",), ("passed",)]


def test_no_host_looks_like_a_number(recorder: Recorder) -> None:
    """Or two tests would share an id."""
    hosts = ("linux", "linux", "linux#2", "linux\\", "linux\\#2", "")
    suites = (f"<testsuite hostname='{host}'>{case('passed')}</testsuite>" for host in hosts)
    assert recorder.record(*suites).totals["tests"] == 6
    assert recorder.query("select count(*) from test") == [(6,)]


def test_of_very_many_reruns_the_first_are_kept(recorder: Recorder) -> None:
    """The number of attempts says how many there were."""
    recorder.record(PYTEST.format(case("failed") * 30))
    assert recorder.query("select attempts, jsonb_array_length(outcomes) from result") == [(30, 20)]


def test_a_case_keeps_its_line_properties_and_attachments(recorder: Recorder) -> None:
    """And what it does not have is null."""
    full = (
        "<testcase name='a' line='7'><properties><property name='owner' value='web'/></properties>"
        "<system-out>[[ATTACHMENT|a, b.png]] [[ATTACHMENT|c]]</system-out></testcase>"
    )
    recorder.record(full, case("passed", "b"))
    query = "select line, properties, attachments, outcomes from result join test on id = test_id order by name"
    assert recorder.query(query) == [(7, {"owner": "web"}, ["a, b.png", "c"], None), (None, None, None, None)]


def test_a_run_keeps_its_hosts_and_properties(recorder: Recorder) -> None:
    """Of all its suites."""
    recorder.record(
        "<testsuite hostname='ci-1'><properties><property name='seed' value='7'/></properties></testsuite>"
        "<testsuite hostname='ci-2' tests='3'/>"
    )
    assert recorder.query("select hostnames, properties, incomplete_suites from run") == [
        (["ci-1", "ci-2"], {"seed": "7"}, 1)
    ]


def test_the_output_of_a_suite_is_kept_once(recorder: Recorder) -> None:
    """Its tests lead to it."""
    recorder.record(
        f"<testsuite name='cart'>{case('failed', 'a')}{case('failed', 'b')}<system-out>o</system-out></testsuite>"
        f"<testsuite name='cart'>{case('failed', 'c')}<system-err>e</system-err></testsuite>"
    )
    query = (
        "select name, output.suite, output.system_out, output.system_err"
        " from result join test on id = test_id join suite_output as output using (run_id, suite_number) order by name"
    )
    assert recorder.query(query) == [("a", "cart", "o", None), ("b", "cart", "o", None), ("c", "cart", None, "e")]
    assert recorder.query("select count(*) from suite_output") == [(2,)]


def test_a_suite_that_failed_is_an_error_of_its_run(recorder: Recorder) -> None:
    """And a test with a history, like others."""
    suite = "<testsuite name='cart' errors='1'><error message='cannot load'/></testsuite>"
    assert recorder.record(suite).totals["error"] == 1
    assert recorder.record(suite).totals["error"] == 1
    query = "select suite, name, message, count(*) from result join test on id = test_id group by 1, 2, 3"
    assert recorder.query(query) == [("cart", "<suite>", "cannot load", 2)]


def test_a_namesake_in_another_suite_is_another_test(recorder: Recorder) -> None:
    """Or the pass of another file would hide a failure; its history is its own as well."""
    suites = [f"<testsuite name='login'>{case(status)}</testsuite>" for status in ("failed", "passed", "skipped")]
    recorder.record(*suites)
    recorder.record(*suites)
    assert recorder.query(VARIANTS) == [
        ("login", None, "failed", 2),
        ("login", "#2", "passed", 2),
        ("login", "#3", "skipped", 2),
    ]


def test_a_test_on_several_hosts_carries_their_names(recorder: Recorder) -> None:
    """In whatever order they come; its namesakes there have numbers."""
    linux, mac = (f"<testsuite name='login' hostname='{host}'>{{}}</testsuite>" for host in ("linux", "mac"))
    recorder.record(linux.format(case("passed")), mac.format(case("failed") * 2))
    recorder.record(mac.format(case("failed") * 2), linux.format(case("passed")))
    assert recorder.query(VARIANTS) == [
        ("login", "@linux", "passed", 2),
        ("login", "@mac", "failed", 2),
        ("login", "@mac #2", "failed", 2),
    ]


def test_a_host_alone_is_no_part_of_a_test(recorder: Recorder) -> None:
    """The next job runs on another machine."""
    for host in ("ci-1", "ci-2"):
        recorder.record(f"<testsuite name='login' hostname='{host}'>{case('passed')}</testsuite>")
    assert recorder.query("select suite, variant from test") == [("login", None)]


def test_a_browser_of_playwright_is_part_of_a_test(recorder: Recorder) -> None:
    """Even if only one of them ran."""
    attributes = "timestamp='' hostname='{}' tests='1' failures='0' skipped='0' time='1' errors='0'"
    for browsers in (["firefox", "chromium"], ["chromium"]):
        recorder.record(
            *(f"<testsuite name='a.spec.ts' {attributes.format(it)}>{case('passed')}</testsuite>" for it in browsers)
        )
    results = "select suite, count(*) from result join test on test.id = test_id group by 1 order by 1"
    assert recorder.query(results) == [("chromium > a.spec.ts", 2), ("firefox > a.spec.ts", 1)]


def test_the_identity_of_namesakes_never_changes(recorder: Recorder) -> None:
    """From one release to the next, or their tests would lose their history."""
    linux, mac = (f"<testsuite name='login' hostname='{host}'>{{}}</testsuite>" for host in ("linux", "mac"))
    recorder.record(case("passed") * 2, linux.format(case("passed") * 2), mac.format(case("passed")))
    assert recorder.query("select variant, id::text from test order by suite nulls first, variant nulls first") == [
        (None, "c1f9c107-c31f-5355-b33a-ee119fd19650"),
        ("#2", "9838f5d8-5981-046f-5325-ab8575a933b8"),
        ("@linux", "0cc7d7ba-d0e8-0a68-92d6-39a7591de5c6"),
        ("@linux #2", "027848d2-e390-0215-6daa-b155e11c3daa"),
        ("@mac", "f81f4a2b-26a6-760a-2c9a-3d8e7edffb2d"),
    ]


def test_a_run_counts_each_test_once(recorder: Recorder) -> None:
    """Whatever the report itself says of its counts."""
    statuses = ["passed"] * 5 + ["failed"] * 4 + ["error"] * 3 + ["skipped"] * 2 + ["flaky"]
    cases = [case(status, str(number)) for number, status in enumerate(statuses)]
    run = recorder.record(*cases, PYTEST.format(case("failed", "again") + case("passed", "again")))
    assert run.totals == {"tests": 16, "passed": 5, "failed": 4, "error": 3, "skipped": 2, "flaky": 2}
    assert recorder.query("select tests, passed, failed, error, skipped, flaky from run") == [(16, 5, 4, 3, 2, 2)]


def test_a_report_without_cases_is_a_run(recorder: Recorder) -> None:
    """Of nothing."""
    run = recorder.record()
    totals = {"tests": 0, "passed": 0, "failed": 0, "error": 0, "skipped": 0, "flaky": 0}
    assert run == Run(id=run.id, series="report.xml", totals=totals, duration=None, incomplete_suites=0)
    assert recorder.query("select id, tests, started_at, duration_seconds from run") == [(run.id, 0, None, None)]


def test_a_run_has_the_times_of_its_report(recorder: Recorder) -> None:
    """What is known of them only at its end as well."""
    late = "<testsuite time='3' timestamp='2026-01-02T03:04:05'/><testsuite time='1'/>"
    assert recorder.record(case("passed", time=2), late).duration == 6
    rows = recorder.query("select started_at at time zone 'UTC', duration_seconds from run")
    assert [(str(started_at), seconds) for started_at, seconds in rows] == [("2026-01-02 03:04:05", 6)]


def test_a_test_is_the_same_one_in_every_run(recorder: Recorder) -> None:
    """Its row stays as the first run wrote it."""
    for job in (1, 2):
        recorder.record(f"<testsuite file='/build/{job}/cart.py'>{case('passed', classname='Cart')}</testsuite>")
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
    suite = "<testsuite name='s'><testcase name='x'><failure/></testcase><system-out>y</system-out></testsuite>"
    old, new = recorder.record(case("failed", time=1), suite), recorder.record(case("failed"))
    recorder.announce(old.id)
    recorder.connection.execute("delete from upload where event_id = %s", [old.id])
    assert recorder.query("select id from run") == [(new.id,)]
    assert recorder.query("select run_id, status::text from result") == [(new.id, "failed")]
    assert recorder.query("select count(*) from test") == [(2,)]
    assert recorder.query("select * from outbox") == []
    left = "select (select count(*) from history.plane), (select count(*) from history.durations)"
    assert recorder.query(f"{left}, (select count(*) from history.notable), (select count(*) from suite_output)") == [
        (1, 0, 1, 0)
    ]


def wait_for_locks(postgres: Postgres, sessions: int) -> None:
    """Returns when so many sessions wait for another one."""
    deadline = time.monotonic() + 10
    while postgres.query("select count(distinct pid) from pg_locks where not granted") != [(sessions,)]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_reports_with_the_same_new_tests_wait_for_each_other(postgres: Postgres) -> None:
    """However their cases are ordered, that is no deadlock, and no test has two numbers."""
    names = [str(number) for number in range(9)]
    with (
        postgres.connect() as blocking,
        postgres.connect() as one,
        postgres.connect() as other,
        ThreadPoolExecutor() as threads,
    ):
        project = project_of(blocking, "shop")
        with blocking.transaction():
            blocking.execute("select from history.project where id = %s for no key update", [project])
            runs = [
                threads.submit(Recorder(connection).record, *(case("passed", name) for name in in_order))
                for connection, in_order in ((one, names), (other, names[::-1]))
            ]
            wait_for_locks(postgres, 2)
        assert [run.result().totals["tests"] for run in runs] == [9, 9]
    assert postgres.query("select count(*), min(number), max(number) from history.test") == [(9, 0, 8)]
    assert postgres.query("select tests from history.project") == [(9,)]
    assert postgres.query("select count(*) from result") == [(18,)]


def test_a_run_without_new_tests_waits_for_nobody(postgres: Postgres, recorder: Recorder) -> None:
    """Who gives out numbers may take long."""
    recorder.record(case("passed"))
    with postgres.connect() as blocking, blocking.transaction():
        blocking.execute("select from history.project for no key update")
        recorder.connection.execute("set statement_timeout = '10s'")
        assert recorder.record(case("failed")).totals["failed"] == 1


def test_a_run_is_a_row_of_bits_over_the_projects_numbers(recorder: Recorder) -> None:
    """Of one length; a test that came later has none in it, and one that did not take part is in none."""
    recorder.record(case("passed", "a"), case("failed", "b"), case("skipped", "c"))
    recorder.record(case("error", "d"), case("flaky", "b"), days_ago=-1)
    assert recorder.query(
        "select good::text, bad::text, skipped::text, flaky, error from history.plane order by run_id"
    ) == [("100", "010", "001", [], []), ("0100", "0001", "0000", [1], [3])]


def test_durations_stand_in_tiles(recorder: Recorder) -> None:
    """Of 256 tests each; one in which nobody measured is not there."""
    recorder.record(*(case("passed", str(number)) for number in range(256)), case("passed", "slow", time=4))
    recorder.record(case("passed", "0", time=1.5), days_ago=-1)
    tiles = recorder.query("select tile, cardinality(seconds), seconds[1] from history.durations order by run_id")
    assert tiles == [(1, 256, 4.0), (0, 256, 1.5)]
    query = "select name, duration_seconds from result join test on id = test_id where duration_seconds is not null"
    assert sorted(recorder.query(query)) == [("0", 1.5), ("slow", 4.0)]


@pytest.mark.parametrize(("written", "seconds"), [("1e-320", 0.0), ("1e-50", 0.0), ("0.000001", 1e-06), ("0.1", 0.1)])
def test_a_duration_has_seven_digits(recorder: Recorder, written: str, seconds: float) -> None:
    """What 32-bit numbers have no room for took no time."""
    recorder.record(case("passed", time=written))
    assert recorder.query("select duration_seconds from result") == [(seconds,)]


def test_what_passed_and_says_nothing_takes_no_row_of_its_own(recorder: Recorder) -> None:
    """That is nearly all."""
    recorder.record(
        case("passed", "a"),
        case("skipped", "b"),
        case("flaky", "c"),
        "<testcase name='d'><system-out>x</system-out></testcase>",
    )
    assert recorder.query("select number, status::text, attempts from history.notable order by 1") == [
        (1, "skipped", 1),
        (2, "flaky", 2),
        (3, "passed", 1),
    ]
    assert recorder.query("select number, system_out from history.texts where system_out is not null") == [(3, "x")]


def test_ten_reports_at_once_come_out_as_each_was_written(postgres: Postgres) -> None:
    """Of new tests that overlap, of new branches and series, in whatever order; each test has one number."""

    def write(number: int) -> tuple[UUID, dict[str, str]]:
        outcomes = {str(test): _STATUSES[(number + test) % 5] for test in range(number, number + 40)}
        cases = [case(status, name) for name, status in outcomes.items()]
        with postgres.connect() as connection:
            written = Recorder(connection)
            run = written.record(*cases, branch=str(number % 3), series=str(number % 2), days_ago=number % 4)
        return run.id, outcomes

    with ThreadPoolExecutor(10) as reports:
        runs = dict(reports.map(write, range(10)))
    read: dict[UUID, dict[str, str]] = {}
    for run_id, name, status in postgres.query(
        "select run_id, name, status::text from result join test on test.id = test_id"
    ):
        read.setdefault(run_id, {})[name] = status
    assert read == runs
    assert postgres.query("select count(*), max(number) from history.test") == [(49, 48)]
    assert postgres.query("select tests from history.project") == [(49,)]


def test_ids_of_runs_are_in_the_order_of_time(recorder: Recorder) -> None:
    """In whatever order they arrive, and also at one moment."""
    days = [3, 1, 2, 1]
    runs = [recorder.record(case("passed"), days_ago=day).id for day in days]
    in_order = [run for (run,) in recorder.query("select event_id from history.run order by id")]
    assert [days[runs.index(run)] for run in in_order] == [3, 2, 1, 1]


def test_two_runs_whose_ids_would_be_the_same_have_two(recorder: Recorder) -> None:
    """Twenty bits of the event's id leave that to chance."""
    event_id = recorder.record(case("passed"), days_ago=1).id
    [(run_id,)] = recorder.query("select id from history.run")
    assert results.free_key(recorder.connection, event_id, ago(1)) == run_id + 1
