"""The tables say what the database holds, and obey nothing that stands in it."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from rich.console import Console

from handler.origin import Origin
from handler.reading.identity import Identities
from handler.reading.report import Attempt, Repeats, Status, Summary
from handler.recording.projects import ALL_OTHERS
from handler.recording.results import record_run
from local.layout import plain
from local.postgres import PostgresServer
from local.tables import show_address, show_results, show_run
from tests.postgres import make_empty, migrate, temporary_server

NOW = datetime.now(UTC).replace(second=0, microsecond=0)

Outcome = tuple[str, float | None]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with temporary_server(password="tap") as running:
        yield running


@pytest.fixture
def database(server: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(
        host=server.hostname,
        hostaddr="127.0.0.1",
        port=server.port,
        user="tap",
        password="tap",
        dbname="tap",
        sslmode="verify-full",
        sslrootcert=str(server.ca_file),
        autocommit=True,
    ) as connection:
        make_empty(connection)
        migrate(connection)
        yield connection


@dataclass(frozen=True)
class Said:
    """A report with a test for each name, which came to a status after some seconds."""

    outcomes: Mapping[str, Outcome]
    project: str
    message: str | None

    def read(self) -> Iterator[Attempt]:
        nothing = Attempt(**dict.fromkeys(Attempt._fields))  # type: ignore[arg-type]
        for name, (status, seconds) in self.outcomes.items():
            yield nothing._replace(
                test_id=Identities(self.project).test_id(None, None, "tests.cart", name),
                suite_number=1 if status == "failed" else 2,
                repeats=Repeats.other_tests,
                classname="tests.cart",
                name=name,
                status=Status[status],
                attempts=3 if status == "flaky" else 1,
                duration=seconds,
                message=self.message,
                outcomes=[],
                properties={},
                attachments=[],
            )

    def summary(self) -> Summary:
        return Summary(
            started_at=None,
            duration=sum(seconds or 0.0 for _, seconds in self.outcomes.values()),
            duration_unit=1,
            incomplete_suites=0,
            hostnames=[],
            properties={},
        )


def record(
    database: psycopg.Connection[Any],
    outcomes: Mapping[str, Outcome],
    *,
    project: str = "shop",
    commit: str | None = None,
    minutes_ago: int = 0,
    message: str | None = None,
    series: str = "report.xml",
) -> uuid.UUID:
    """A run with the status and seconds of each test, by name."""
    run = uuid.uuid4()
    uploaded_at = NOW - timedelta(minutes=minutes_ago)
    database.execute(
        """
        insert into upload (event_id, bucket, key, version_id, etag, size, kind, status, processed_at, uploaded_at,
                            project, branch, commit)
        values (%s, 'bucket', 'key', %s, '', 0, 'junit', 'success', now(), %s, %s, 'main', %s)
        """,
        [run, str(run), uploaded_at, project, commit],
    )
    origin = Origin(project=project, series=series, branch="main", commit=commit)
    with database.transaction():
        record_run(database, run, Said(outcomes, project, message), origin=origin, uploaded_at=uploaded_at)
    return run


def results(database: psycopg.Connection[Any], *, project: str | None = None, limit: int = 10) -> list[str]:
    """The lines that `results` prints, without their layout."""
    output = StringIO()
    show_results(Console(file=output, width=140), database, project=project, limit=limit)
    return lines(output)


def report(database: psycopg.Connection[Any], run: uuid.UUID, *, limit: int = 10) -> list[str]:
    """The lines that are printed of one report, without their layout."""
    output = StringIO()
    show_run(Console(file=output, width=140), database, run, limit=limit)
    return lines(output)


def lines(output: StringIO) -> list[str]:
    return [" ".join(line.split()) for line in output.getvalue().splitlines() if line.strip(" ─")]


def local_time(minutes_ago: int) -> str:
    return f"{(NOW - timedelta(minutes=minutes_ago)).astimezone():%Y-%m-%d %H:%M}"


def test_latest_runs_come_first(database: psycopg.Connection[Any]) -> None:
    """With their totals by status; a status that no test has is left out."""
    record(database, {"one": ("passed", 90.0), "two": ("failed", 0.5)}, commit="0123456789abcdef", minutes_ago=9)
    record(database, {"one": ("skipped", None), "two": ("flaky", 0.5), "three": ("error", 1.0)})
    assert results(database)[:4] == [
        "Latest runs",
        "uploaded project series branch commit tests duration",
        f"{local_time(0)} shop report.xml main - 1 error, 1 skipped, 1 flaky 1.500 s",
        f"{local_time(9)} shop report.xml main 01234567 1 passed, 1 failed 1 min 30 s",
    ]


def test_namesakes_are_told_apart(database: psycopg.Connection[Any]) -> None:
    """And a test without a name has none."""
    run = record(database, {"adds": ("failed", 1.0)})
    database.execute("update history.test set name = '', variant = '@mac #2'")
    assert "failed tests.cart > (without a name) @mac #2 -" in report(database, run)
    assert "shop tests.cart > (without a name) @mac #2 1.000 s 1.000 s 1" in results(database)


def test_slowest_tests_come_first(database: psycopg.Connection[Any]) -> None:
    """By the mean over all runs."""
    record(database, {"quick": ("passed", 1.0), "slow": ("passed", 3.0), "off": ("skipped", 60.0)})
    record(database, {"quick": ("passed", 2.0), "slow": ("passed", 9.0)})
    printed = results(database)
    start = printed.index("Slowest tests of the last 30 days")
    assert printed[start + 1 : start + 4] == [
        "project test mean 95 % runs",
        "shop tests.cart > slow 6.000 s 9.000 s 2",
        "shop tests.cart > quick 1.500 s 2.000 s 2",
    ]


def test_flaky_and_failing_tests(database: psycopg.Connection[Any]) -> None:
    """A test that both passes and fails on one commit is flaky; one that did not pass since fails."""
    record(database, {"moody": ("failed", 1.0), "broken": ("passed", 1.0)}, commit="aaaa", minutes_ago=9)
    record(database, {"moody": ("passed", 1.0), "broken": ("failed", 1.0)}, commit="aaaa", minutes_ago=8)
    record(database, {"moody": ("flaky", 1.0), "broken": ("error", 1.0)}, commit="bbbb", minutes_ago=7)
    printed = results(database)
    start = printed.index("Flaky tests of the last 30 days")
    assert printed[start + 1 :] == [
        "project test commits reruns last seen",
        f"shop tests.cart > moody 1 1 {local_time(7)}",
        f"shop tests.cart > broken 1 0 {local_time(8)}",
        "Failing tests",
        "project test series branch since first commit runs",
        f"shop tests.cart > broken report.xml main {local_time(8)} aaaa 2",
    ]


def test_one_project_alone(database: psycopg.Connection[Any]) -> None:
    for project in ("shop", "bank"):
        record(database, {"one": ("failed", 1.0), "two": ("flaky", 1.0)}, project=project)
    printed = results(database, project="bank")
    assert sum(line.startswith("bank ") or " bank " in line for line in printed) == 5
    assert not [line for line in printed if "shop" in line]


def test_limit(database: psycopg.Connection[Any]) -> None:
    for _ in range(3):
        record(database, dict.fromkeys(("one", "two", "three"), ("failed", 1.0)))
    assert sum("tests.cart > " in line for line in results(database, limit=2)) == 4
    assert sum("3 failed" in line for line in results(database, limit=2)) == 2


def test_nothing_recorded_yet(database: psycopg.Connection[Any]) -> None:
    assert results(database) == [
        "Latest runs: none",
        "Slowest tests of the last 30 days: none",
        "Flaky tests of the last 30 days: none",
        "Failing tests: none",
    ]


def test_report_with_failed_and_slowest_tests(database: psycopg.Connection[Any]) -> None:
    """Of the tests that failed, the errors come first."""
    outcomes = {"a": ("failed", 0.25), "b": ("error", 2.0), "c": ("passed", 1.0), "d": ("skipped", 0.0)}
    run = record(database, outcomes, message="assert 1 == 2\n  at line 7")
    assert report(database, run, limit=2) == [
        "shop: 4 tests in 3.250 s: 1 passed, 1 failed, 1 error, 1 skipped",
        "Failed tests",
        "status test message",
        "error tests.cart > b assert 1 == 2 at line 7",
        "failed tests.cart > a assert 1 == 2 at line 7",
        "Slowest tests",
        "duration status test",
        "2.000 s error tests.cart > b",
        "1.000 s passed tests.cart > c",
    ]


def test_report_without_tests(database: psycopg.Connection[Any]) -> None:
    run = record(database, {})
    assert report(database, run) == ["shop: 0 tests in 0.000 s: no tests", "Failed tests: none", "Slowest tests: none"]


def test_names_and_messages_are_no_markup(database: psycopg.Connection[Any]) -> None:
    run = record(database, {"total[red]": ("failed", 1.0)}, message="[/bold] [link=https://x.example]no[/link]")
    assert "failed tests.cart > total[red] [/bold] [link=https://x.example]no[/link]" in report(database, run)


def test_terminal_gets_no_control_characters(database: psycopg.Connection[Any]) -> None:
    """Neither of a report nor of an upload's metadata: they could clear the screen, set a title or hide a line."""
    hostile = "\x1b[2J\x1b]0;title\x07\x9b31m\r\u202eover\u2066"
    run = record(database, {f"name{hostile}": ("failed", 1.0)}, message=hostile, project=hostile, commit="\x1b[2J")
    output = StringIO()
    console = Console(file=output, width=140)
    show_run(console, database, run, limit=10)
    show_results(console, database, project=None, limit=10)
    printed = output.getvalue()
    assert "over" in printed
    assert [character for character in printed if not character.isprintable() and character != "\n"] == []


def test_a_project_with_too_many_series_is_told(database: psycopg.Connection[Any]) -> None:
    run = record(database, {"adds": ("passed", 1.0)}, series=ALL_OTHERS)
    assert "The project has 1000 series and more: name the job, or its histories mix." in report(database, run)


def test_long_text_is_cut() -> None:
    assert plain("x" * 300, limit=10) == "xxxxxxxxxx…"


def test_a_report_tells_what_its_suites_leave_open(database: psycopg.Connection[Any]) -> None:
    """What they counted and did not hold, and what they wrote beside the tests that failed."""
    run = record(database, {"adds": ("failed", 1.0), "pays": ("passed", 1.0)})
    database.execute("update history.run set incomplete_suites = 2")
    database.execute(
        "insert into suite_output (run_id, suite_number, suite, system_out, system_err)"
        " values (%(run)s, 1, 'cart', 'out', %(err)s), (%(run)s, 2, 'till', 'of no failed test', null)",
        {"run": run, "err": "x" * 200 + "\nno\x1b database"},
    )
    printed = report(database, run)
    assert printed[1] == (
        "2 suites count tests, failures or errors of which the report tells nothing: its job may have failed."
    )
    start = printed.index("Output of their suites")
    assert printed[start + 1] == "suite ends with"
    assert printed[start + 2].startswith("cart …xxx")
    assert printed[start + 2].endswith("x no� database")
    assert not any("of no failed test" in line for line in printed)


def test_a_report_tells_how_its_flaky_tests_failed_at_first(database: psycopg.Connection[Any]) -> None:
    """Though they passed at last."""
    run = record(database, {"adds": ("flaky", 1.0), "pays": ("passed", 1.0)}, message="declined")
    database.execute("update history.run set incomplete_suites = 1")
    printed = report(database, run)
    assert printed[1].startswith("1 suite counts tests, failures")
    start = printed.index("Flaky tests")
    assert printed[start + 1 : start + 3] == ["attempts test first failed with", "3 tests.cart > adds declined"]


def test_address_is_never_folded() -> None:
    """It is for copying."""
    output = StringIO()
    show_address(Console(file=output, width=20), "http://127.0.0.1:8027/project?project=[red]")
    assert output.getvalue() == "\nIn your browser: http://127.0.0.1:8027/project?project=[red]\n"


def test_eighty_columns(database: psycopg.Connection[Any]) -> None:
    """Whatever the names are, no line is longer, and no column is squeezed."""
    long = "tests_of_the_payment_providers/test_is_retried_after_a_timeout"
    outcomes: dict[str, Outcome] = {long: ("failed", 61.0), f"{long}[3ds]": ("flaky", 3600.0)}
    run = record(
        database, outcomes, project="team-payments/checkout-service", commit="9d2c41ab", series=long, message=long
    )
    output = StringIO()
    console = Console(file=output, width=80)
    show_run(console, database, run, limit=10)
    show_results(console, database, project=None, limit=10)
    printed = output.getvalue().splitlines()
    assert max(map(len, printed)) <= 80
    words = {word for line in printed for word in line.split()}
    assert words >= {"team-payments/", "checkout-service", "9d2c41ab", "1", "failed,", "flaky"}
    assert {line for line in printed if "a wider terminal" in line} == {
        "Latest runs (a wider terminal also shows: series, duration)",
        "Failing tests (a wider terminal also shows: series, first commit)",
    }
