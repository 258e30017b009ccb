"""What the database says about runs and tests, as tables for a terminal."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from handler.recording.projects import ALL_OTHERS, MAX_SERIES
from local.running import running_platform

Row = dict[str, Any]

_STYLES = {"passed": "green", "failed": "red", "error": "red", "skipped": "yellow", "flaky": "magenta"}
_SHORT_COMMIT = 8  # characters
_MESSAGE = 120  # characters
_MINUTE = 60  # seconds


def run_results(console: Console, platform: Path, *, project: str | None, limit: int) -> None:
    """Show what the platform that `platform` announces has recorded. Raises NothingRunsError."""
    with running_platform(platform) as access, access.connect() as connection:
        show_results(console, connection, project=project, limit=limit)


def show_results(console: Console, connection: psycopg.Connection[Any], *, project: str | None, limit: int) -> None:
    """The latest runs, and the slowest, flaky and failing tests: at most `limit` of each, of all projects or one."""
    read = _View(connection, project=project, limit=limit)
    _show(
        console,
        "Latest runs",
        [
            _short("uploaded"),
            _long("project"),
            _long("series"),
            _long("branch"),
            _short("commit"),
            "tests",
            _number("duration"),
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
    _show(
        console,
        "Slowest tests of the last 30 days",
        [_long("project"), _long("test"), _number("mean"), _number("95 %"), _number("runs")],
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
    _show(
        console,
        "Flaky tests of the last 30 days",
        [_long("project"), _long("test"), _number("commits"), _number("reruns"), _short("last seen")],
        (
            [plain(test["project"]), _name(test), test["commits"], test["reruns"], _time(test["last_seen_at"])]
            for test in read.rows("flaky_tests", order="last_seen_at desc")
        ),
    )
    _show(
        console,
        "Failing tests",
        [
            _long("project"),
            _long("test"),
            _long("series"),
            _long("branch"),
            _short("since"),
            _short("first commit"),
            _number("runs"),
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
    _show(
        console,
        "Failed tests",
        [_short("status"), _long("test"), _long("message")],
        ([_status(test["status"]), _name(test), plain(test["message"] or test["type"], _MESSAGE)] for test in failed),
    )
    if outputs:
        _show(
            console,
            "Output of their suites",
            [_long("suite"), _long("ends with")],
            ([plain(output["suite"]), _end(output["system_err"] or output["system_out"])] for output in outputs),
        )
    if flaky:
        _show(
            console,
            "Flaky tests",
            [_number("attempts"), _long("test"), _long("first failed with")],
            ([test["attempts"], _name(test), plain(test["message"] or test["type"], _MESSAGE)] for test in flaky),
        )
    _show(
        console,
        "Slowest tests",
        [_number("duration"), _short("status"), _long("test")],
        ([_seconds(test["duration_seconds"]), _status(test["status"]), _name(test)] for test in slowest),
    )


def plain(text: str | None, limit: int | None = None) -> str:
    """Text of strangers in one line, at most `limit` characters of it, and no character that a terminal would obey."""
    if text is None:
        return "-"
    line = " ".join(text.split())
    if limit and len(line) > limit:
        line = line[:limit] + "…"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)


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


def _show(
    console: Console, title: str, columns: Sequence[Column | str], rows: Iterable[Sequence[str | int | Text]]
) -> None:
    table = Table(*columns, box=None, padding=(0, 2, 0, 0), header_style="dim")
    for row in rows:
        # Text, since a plain string would be read as markup.
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    console.print(Text.assemble("\n", (title, "bold"), "" if table.row_count else ": none"))
    if table.row_count:
        console.print(Padding(table, (0, 0, 0, 2)))


def _number(name: str) -> Column:
    return Column(name, justify="right", no_wrap=True)


def _short(name: str) -> Column:
    return Column(name, no_wrap=True)


def _long(name: str) -> Column:
    return Column(name, overflow="fold")


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
