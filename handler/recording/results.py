"""What a report says, in PostgreSQL: its attempts go in by COPY, and become one run of the history there.

docs/history.md explains the tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from handler.origin import Origin
from handler.reading.limits import MAX_DURATION
from handler.reading.report import Attempt, Outcome, Report, SuiteOutput, Summary
from handler.recording.merging import CREATE_OUTCOME, merge
from handler.recording.numbering import ALL_KNOWN, SOME_NEW, Numbers, hold_numbers_for_new_tests, numbers_of
from handler.recording.projects import Series, branch_of, project_of, series_of, take_turn

TOTALS = ("tests", "passed", "failed", "error", "skipped", "flaky")

# For the transaction. A report with as many cases as may be takes longer than other statements; the next delivery of it
# comes only after six times the function's timeout. Its wait for the lock of another report with new tests of the same
# project is part of the statement, and may take as long. With the usual 4 MB, a report of 100,000 cases is sorted on
# disk again and again; a function sorts two or three things at once.
SETTINGS = "set local statement_timeout = '5min'; set local lock_timeout = 0; set local work_mem = '16MB'"

# Tests in one row of history.durations, as the view `result` and the functions have it.
_TILE = 256

# Seconds. What is shorter counts as nothing: 32-bit numbers have no room for it.
_SHORTEST = 1e-9

# A connection keeps its table, empty between reports: creating it anew each time would bloat the catalog. A row without
# a test is the output of a suite.
_CREATE_ATTEMPT = """
create temporary table if not exists attempt (
    position     bigint generated always as identity,
    test_id      uuid,
    suite_number integer,
    repeats      integer,
    hostname     text,
    file         text,
    line         integer,
    suite        text,
    classname    text,
    name         text,
    status       test_status,
    attempts     integer,
    duration     double precision,
    type         text,
    message      text,
    details      text,
    system_out   text,
    system_err   text,
    outcomes     jsonb,
    properties   jsonb,
    attachments  text[]
) on commit delete rows
"""
# In binary, which takes half of the time. What PostgreSQL takes as uuid, enum or jsonb are bytes and texts to psycopg.
_COPY_ATTEMPTS = sql.SQL("copy attempt ({}) from stdin (format binary)").format(
    sql.SQL(", ").join(map(sql.Identifier, Attempt._fields))
)
_COPIED_TYPES = {
    **dict.fromkeys(Attempt._fields, "text"),
    "test_id": "bytea",
    "duration": "float8",
    "attachments": "text[]",
    **dict.fromkeys(("suite_number", "repeats", "line", "attempts"), "int4"),
}
# The version of jsonb's binary format.
_JSONB = "\x01"

# The work is in proportion to the report, and not to the numbers that the project has given out: the bit strings are
# put together from a letter for each test, and the gaps between them. All else is for as few of the tests as possible.
_RECORD = """, numbered as materialized (
    select given as number, position, status, attempts, has_texts, is_merged, outcomes,
           case when duration < %(shortest)s then 0
                when duration * %(unit)s::double precision <= %(max_duration)s
                then duration * %(unit)s::double precision end as seconds
    from numbered_test
), letter as (
    select number, number - coalesce(lag(number) over (order by number), -1) - 1 as gap,
           case when status in ('passed', 'flaky') then 'g'
                when status in ('failed', 'error') then 'b'
                else 's' end as letter
    from numbered
), word as (
    select coalesce(string_agg(repeat('-', gap) || letter, '' order by number), '') as letters
    from letter
), new_plane as (
    insert into history.plane (run_id, good, bad, skipped, flaky, error)
    select %(run_id)s, translate(letters, 'gbs-', '1000')::varbit, translate(letters, 'gbs-', '0100')::varbit,
           translate(letters, 'gbs-', '0010')::varbit,
           array(select number from numbered where status = 'flaky' order by number),
           array(select number from numbered where status = 'error' order by number)
    from word
), tile as (
    select number / %(tile)s as tile, array_agg(seconds order by number) as seconds, count(*) = %(tile)s as is_full
    from numbered
    group by number / %(tile)s
    having count(seconds) > 0
), filled_tile as (
    select tile, array_agg(seconds order by slot) as seconds
    from (
        select tile, slot, max(seconds) as seconds
        from (
            select tile, number %% %(tile)s as slot, numbered.seconds
            from tile
            join numbered on number / %(tile)s = tile
            where not is_full
            union all
            select tile, generate_series(0, %(tile)s - 1), null
            from tile
            where not is_full
        ) as value
        group by tile, slot
    ) as slot
    group by tile
), new_durations as (
    insert into history.durations (run_id, tile, seconds)
    select %(run_id)s, tile, seconds from tile where is_full
    union all
    select %(run_id)s, tile, seconds from filled_tile
), new_suite_output as (
    insert into suite_output (run_id, suite_number, suite, system_out, system_err)
    select %(event_id)s, suite_number, suite, system_out, system_err from attempt where test_id is null
), notable as materialized (
    select number, numbered.status, numbered.attempts, suite_number, line, has_texts,
           type, message, details, system_out, system_err,
           case when is_merged then numbered.outcomes else attempt.outcomes end as outcomes, properties, attachments
    from numbered
    join attempt using (position)
    where numbered.status <> 'passed' or numbered.attempts > 1 or has_texts
), new_notable as (
    insert into history.notable (run_id, number, status, attempts, suite_number, line)
    select %(run_id)s, number, status, attempts, suite_number, line from notable
), new_texts as (
    insert into history.texts (run_id, number, type, message, details, system_out, system_err, outcomes, properties,
                               attachments)
    select %(run_id)s, number, type, message, details, system_out, system_err, outcomes, properties, attachments
    from notable
    where has_texts
)
insert into history.run (id, event_id, project_id, branch_id, series_id, commit, main_branch, started_at,
                         duration_seconds, incomplete_suites, hostnames, properties,
                         tests, passed, failed, error, skipped, flaky)
select %(run_id)s, %(event_id)s, %(project_id)s, %(branch_id)s, %(series_id)s, %(commit)s, %(main_branch)s,
       %(started_at)s, %(duration)s, %(incomplete_suites)s, %(hostnames)s, %(properties)s, count(*),
       count(*) filter (where status = 'passed'),
       count(*) filter (where status = 'failed'),
       count(*) filter (where status = 'error'),
       count(*) filter (where status = 'skipped'),
       count(*) filter (where status = 'flaky')
from numbered
returning tests, passed, failed, error, skipped, flaky
"""

_KEEP_UP = "select history.keep_failing(%(run_id)s), history.add_to_totals(%(run_id)s)"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A recorded report. `duration` in seconds, None if unknown; `totals` by status, and `tests` for all of them.

    `series`: the one that it went on.
    `incomplete_suites`: how many suites count tests, failures or errors of which the report tells nothing.
    """

    id: UUID
    series: str
    totals: dict[str, int]
    duration: float | None
    incomplete_suites: int


@dataclass(frozen=True, kw_only=True)
class ReadRun:
    """A report that was read within the transaction that is open: its tests are numbered, and its outcomes at hand.

    From here on its project, branch and series are there, and no number of the project's tests is taken back.
    """

    project_id: int
    branch_id: int
    series: Series
    numbers: Numbers | None
    origin: Origin
    summary: Summary


def record_run(
    connection: Connection[Any], event_id: UUID, report: Report, *, origin: Origin, uploaded_at: datetime
) -> Run:
    """Reads the report and records it within the transaction that is open, in constant memory.

    Raises what reading the report raises.
    """
    read = read_run(connection, report, origin)
    key = free_key(connection, event_id, uploaded_at)
    run = write_run(connection, event_id, key, read)
    take_turn(connection, read.project_id)
    keep_up(connection, key)
    return run


def read_run(connection: Connection[Any], report: Report, origin: Origin) -> ReadRun:
    """Reads the report into the connection's own tables, and numbers its tests.

    Raises what reading the report raises.
    """
    connection.execute(_CREATE_ATTEMPT)
    connection.execute(CREATE_OUTCOME)
    with connection.cursor() as cursor:
        cursor.execute(SETTINGS)
        with cursor.copy(_COPY_ATTEMPTS) as copy:
            copy.set_types(list(_COPIED_TYPES.values()))
            for row in _rows(report):
                copy.write_row(row)
        # After the report was read, for which whoever makes the same project or series would wait, and before its tests
        # are known by their numbers, which are theirs from here on.
        project_id = project_of(connection, origin.project)
        seen = numbers_of(cursor, project_id)
        merge(cursor)
        summary = report.summary()
        return ReadRun(
            project_id=project_id,
            branch_id=branch_of(connection, project_id, origin.branch),
            series=series_of(connection, project_id, origin.series),
            numbers=hold_numbers_for_new_tests(cursor, project_id, seen),
            origin=origin,
            summary=summary,
        )


def free_key(connection: Connection[Any], event_id: UUID, uploaded_at: datetime) -> int:
    """Of a run: the order of keys is that of time, in whatever order reports arrive."""
    key = int(uploaded_at.timestamp() * 1000) << 20 | event_id.int & 0xFFFFF
    while connection.execute("select 1 from history.run where id = %s", [key]).fetchone():
        key += 1
    return key


def write_run(connection: Connection[Any], event_id: UUID, key: int, read: ReadRun) -> Run:
    """Writes what was read. What fails now, and how long tests take, is not kept up by that."""
    summary, origin = read.summary, read.origin
    parameters = {
        "run_id": key,
        "event_id": event_id,
        "project_id": read.project_id,
        "tests": read.numbers.given if read.numbers else None,
        "branch_id": read.branch_id,
        "series_id": read.series.id,
        "commit": origin.commit,
        "main_branch": origin.main_branch,
        "tile": _TILE,
        "shortest": _SHORTEST,
        "started_at": summary.started_at,
        "duration": summary.duration,
        "unit": summary.duration_unit,
        "max_duration": MAX_DURATION,
        "incomplete_suites": summary.incomplete_suites,
        "hostnames": list(summary.hostnames),
        "properties": Jsonb(summary.properties),
    }
    [counts] = connection.execute((SOME_NEW if read.numbers else ALL_KNOWN) + _RECORD, parameters)
    return Run(
        id=event_id,
        series=read.series.name,
        totals=dict(zip(TOTALS, counts, strict=True)),
        duration=summary.duration,
        incomplete_suites=summary.incomplete_suites,
    )


def keep_up(connection: Connection[Any], key: int) -> None:
    """Adds the run to what fails now and to how long tests take, once it is the turn of whoever wrote it."""
    connection.execute(_KEEP_UP, {"run_id": key})


def _rows(report: Report) -> Iterator[tuple[Any, ...]]:
    """The rows of the table `attempt`."""
    nothing = Attempt(**dict.fromkeys(Attempt._fields))  # type: ignore[arg-type]
    for said in report.read():
        if isinstance(said, SuiteOutput):
            yield nothing._replace(**said._asdict())
        else:
            yield (
                *said[:_STATUS],
                said.status.name,
                *said[_STATUS + 1 : _OUTCOMES],
                _JSONB + json.dumps([_as_json(outcome) for outcome in said.outcomes]) if said.outcomes else None,
                _JSONB + json.dumps(said.properties) if said.properties else None,
                list(said.attachments) if said.attachments else None,
            )


_STATUS = Attempt._fields.index("status")
_OUTCOMES = Attempt._fields.index("outcomes")


def _as_json(outcome: Outcome) -> dict[str, str]:
    named = {**outcome._asdict(), "status": outcome.status.name}
    return {name: value for name, value in named.items() if value is not None}
