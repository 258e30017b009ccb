"""What the database says about runs and tests, as tables for a terminal."""

from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from rich.console import Console
from rich.text import Text

from handler.addresses import project_address
from handler.recording.projects import ALL_OTHERS, MAX_SERIES
from local.layout import Column, listing, number, plain, show_table
from local.running import running_platform

Row = dict[str, Any]

_STYLES = {"passed": "green", "failed": "red", "error": "red", "skipped": "yellow", "flaky": "magenta"}
_SHORT_COMMIT = 8  # characters
_MESSAGE = 120  # characters
_MINUTE = 60  # seconds
# Characters that a column needs at least. A time has 16; these leave room for the others at 80.
_NAME, _TEST, _TOTALS = 16, 22, 20


def run_results(console: Console, platform: Path, *, project: str | None, limit: int) -> None:
    """Show what the platform that `platform` announces has recorded. Raises NothingRunsError."""
    with running_platform(platform) as access, access.connect() as connection:
        show_results(console, connection, project=project, limit=limit)
    base = access.results_address
    show_address(console, project_address(base, project) if project else base)


def show_results(console: Console, connection: psycopg.Connection[Any], *, project: str | None, limit: int) -> None:
    """The latest runs, and the slowest, flaky and failing tests: at most `limit` of each, of all projects or one."""
    read = _View(connection, project=project, limit=limit)
    show_table(
        console,
        "Latest runs",
        [
            Column("uploaded"),
            Column("project", least=_NAME),
            Column("series", least=_NAME, leaves=2),
            Column("branch", least=_NAME, leaves=3),
            Column("commit", leaves=4),
            listing("tests", least=_TOTALS),
            number("duration", leaves=1),
        ],
        (
            [
                _time(run["uploaded_at"]),
                plain(run["project"]),
                plain(run["series"]),
                plain(run["branch"]),
                _commit(run["commit"]),
                _totals(run),
                _seconds(run["duration_seconds"]),
            ]
            for run in read.rows("run_summary", order="uploaded_at desc")
        ),
    )
    show_table(
        console,
        "Slowest tests of the last 30 days",
        [
            Column("project", least=_NAME),
            Column("test", least=_TEST),
            number("mean"),
            number("95 %", leaves=2),
            number("runs", leaves=1),
        ],
        (
            [
                plain(test["project"]),
                _name(test),
                _seconds(test["mean_seconds"]),
                _seconds(test["p95_seconds"]),
                test["runs"],
            ]
            for test in read.rows("slowest_tests", order="mean_seconds desc")
        ),
    )
    show_table(
        console,
        "Flaky tests of the last 30 days",
        [
            Column("project", least=_NAME),
            Column("test", least=_TEST),
            number("commits", leaves=2),
            number("reruns", leaves=1),
            Column("last seen", leaves=3),
        ],
        (
            [plain(test["project"]), _name(test), test["commits"], test["reruns"], _time(test["last_seen_at"])]
            for test in read.rows("flaky_tests", order="last_seen_at desc")
        ),
    )
    show_table(
        console,
        "Failing tests",
        [
            Column("project", least=_NAME),
            Column("test", least=_TEST),
            Column("series", least=_NAME, leaves=2),
            Column("branch", least=_NAME, leaves=4),
            Column("since"),
            Column("first commit", leaves=3),
            number("runs", leaves=1),
        ],
        (
            [
                plain(test["project"]),
                _name(test),
                plain(test["series"]),
                plain(test["branch"]),
                _time(test["failing_since"]),
                _commit(test["first_failing_commit"]),
                test["runs"],
            ]
            for test in read.rows("failing_tests", order="failing_since")
        ),
    )


def show_run(console: Console, connection: psycopg.Connection[Any], run_id: UUID, *, limit: int) -> None:
    """The totals of one report, and what its readers look for first: at most `limit` rows of each."""
    with connection.cursor(row_factory=dict_row) as cursor:
        [run] = cursor.execute("select * from run_summary where id = %s", [run_id])
        results: LiteralString = "select * from result join test on test.id = test_id where run_id = %s "
        failed = cursor.execute(
            results + "and status in ('failed', 'error') order by status desc, name limit %s", [run_id, limit]
        ).fetchall()
        flaky = cursor.execute(results + "and status = 'flaky' order by name limit %s", [run_id, limit]).fetchall()
        outputs = cursor.execute(
            "select * from suite_output where run_id = %s and exists (select from result where result.run_id = %s"
            " and result.suite_number = suite_output.suite_number and status in ('failed', 'error'))"
            " order by suite_number limit %s",
            [run_id, run_id, limit],
        ).fetchall()
        slowest = cursor.execute(
            results + "and duration_seconds > 0 order by duration_seconds desc limit %s", [run_id, limit]
        ).fetchall()
    duration = "" if run["duration_seconds"] is None else f" in {_seconds(run['duration_seconds'])}"
    tests = "1 test" if run["tests"] == 1 else f"{run['tests']} tests"
    console.print(Text.assemble(f"\n{plain(run['project'])}: {tests}{duration}: ", _totals(run)))
    if run["incomplete_suites"]:
        suites = "1 suite counts" if run["incomplete_suites"] == 1 else f"{run['incomplete_suites']} suites count"
        told = f"{suites} tests, failures or errors of which the report tells nothing: its job may have failed."
        console.print(Text(told, "red"))
    if run["series"] == ALL_OTHERS:
        console.print(Text(f"The project has {MAX_SERIES} series and more: name the job, or its histories mix.", "red"))
    show_table(
        console,
        "Failed tests",
        [Column("status"), Column("test", least=_TEST), Column("message", least=_TEST)],
        ([_status(test["status"]), _name(test), plain(test["message"] or test["type"], _MESSAGE)] for test in failed),
    )
    if outputs:
        show_table(
            console,
            "Output of their suites",
            [Column("suite", least=_NAME), Column("ends with", least=_TEST)],
            ([plain(output["suite"]), _end(output["system_err"] or output["system_out"])] for output in outputs),
        )
    if flaky:
        show_table(
            console,
            "Flaky tests",
            [number("attempts", leaves=1), Column("test", least=_TEST), Column("first failed with", least=_TEST)],
            ([test["attempts"], _name(test), plain(test["message"] or test["type"], _MESSAGE)] for test in flaky),
        )
    show_table(
        console,
        "Slowest tests",
        [number("duration"), Column("status", leaves=1), Column("test", least=_TEST)],
        ([_seconds(test["duration_seconds"]), _status(test["status"]), _name(test)] for test in slowest),
    )


def show_address(console: Console, address: str) -> None:
    """Where there is more of it, in a line that is never folded: it is for copying."""
    console.print(f"\nIn your browser: {address}", markup=False, highlight=False, soft_wrap=True)


class _View:
    """Reads what a view says about one project, or about all of them."""

    def __init__(self, connection: psycopg.Connection[Any], *, project: str | None, limit: int) -> None:
        self._connection = connection
        self._parameters = {"project": project, "limit": limit}

    def rows(self, name: str, *, order: LiteralString) -> list[Row]:
        query = sql.SQL(
            "select * from {} where %(project)s::text is null or project = %(project)s order by {} limit %(limit)s"
        ).format(sql.Identifier(name), sql.SQL(order))
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, self._parameters).fetchall()


def _name(test: Row) -> str:
    """A test, and where it stands; some runners write the same into both."""
    place, name = test["classname"] or test["suite"] or test["file"], test["name"] or "(without a name)"
    named = name if place in (None, name) else f"{place} > {name}"
    return plain(" ".join(filter(None, [named, test["variant"]])))


def _status(status: str) -> Text:
    return Text(status, _STYLES[status])


def _end(text: str) -> str:
    """The end of a text, where it says what went wrong."""
    end = text[-_MESSAGE:]
    return plain(end) if end == text else "…" + plain(end)


def _totals(run: Row) -> Text:
    totals = [Text(f"{run[status]} {status}", style) for status, style in _STYLES.items() if run[status]]
    return Text(", ").join(totals) if totals else Text("no tests")


def _commit(commit: str | None) -> str:
    return plain(commit and commit[:_SHORT_COMMIT])


def _time(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:.3f} s" if seconds < _MINUTE else f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s"
