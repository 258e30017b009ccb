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

from psycopg import Connection, Cursor, sql
from psycopg.types.json import Jsonb

from handler.origin import Origin
from handler.reading.limits import MAX_DURATION
from handler.reading.report import Attempt, Outcome, Report, SuiteOutput
from handler.recording.merging import CREATE_OUTCOME, merge
from handler.recording.projects import branch_of, project_of, series_of, take_turn

TOTALS = ("tests", "passed", "failed", "error", "skipped", "flaky")

# Milliseconds. A report with as many cases as may be takes longer than other statements; the next delivery of it
# comes only after six times the function's timeout. Its wait for the lock of another report with new tests of the same
# project is part of the statement, and may take as long.
_STATEMENT_TIMEOUT = 300_000

# Tests in one row of history.durations, as the view `result` has it.
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
_COPY_ATTEMPTS = sql.SQL("copy attempt ({}) from stdin").format(
    sql.SQL(", ").join(map(sql.Identifier, Attempt._fields))
)


# The lock that whoever gives out numbers holds until the transaction ends. Not the stronger `for update`: with the key
# shares that the foreign keys take, it deadlocks.
_LOCK_PROJECT = "select tests from history.project where id = %(project_id)s for no key update"

_HAS_NEW_TESTS = "select exists (select from outcome where number is null)"

# What another report has numbered meanwhile.
_FIND_NUMBERS = (
    "update outcome set number = test.number from history.test where outcome.number is null and id = test_id"
)

_NUMBER_NEW_TESTS = """
with free as (
    select number, row_number() over (order by number) as nth
    from history.free_number
    where project_id = %(project_id)s
), wanted as (
    select position, test_id, variant, row_number() over (order by position) as nth
    from outcome
    where number is null
), given as (
    select wanted.*, coalesce(free.number, %(tests)s + nth - (select count(*) from free) - 1) as number
    from wanted
    left join free using (nth)
), taken as (
    delete from history.free_number using given
    where (free_number.project_id, free_number.number) = (%(project_id)s, given.number)
), new_test as (
    insert into history.test (project_id, number, id, file, suite, classname, name, variant)
    select %(project_id)s, given.number, given.test_id, file, suite, classname, name, given.variant
    from given
    join attempt using (position)
    returning id, number
), numbered as (
    update outcome set number = new_test.number from new_test where id = test_id
)
update history.project set tests = greatest(tests, (select max(number) + 1 from new_test)) where id = %(project_id)s
"""

# The work is in proportion to the report, and not to the numbers that the project has given out: a bit string is put
# together from its set bits and the gaps between them.
_RECORD = """
with numbered as materialized (
    select outcome.*,
           case when duration < %(shortest)s then 0
                when duration * %(unit)s::double precision <= %(max_duration)s
                then duration * %(unit)s::double precision end as seconds,
           case when status in ('passed', 'flaky') then 'good'
                when status in ('failed', 'error') then 'bad'
                else 'skipped' end as plane
    from outcome
), bit as (
    select plane, number, number - coalesce(lag(number) over (partition by plane order by number), -1) - 1 as zeros
    from numbered
), bits as (
    select plane, string_agg(repeat('0', zeros) || '1', '' order by number) as ones
    from bit
    group by plane
), new_plane as (
    insert into history.plane (run_id, good, bad, skipped, flaky, error)
    select %(run_id)s,
           rpad(coalesce((select ones from bits where plane = 'good'), ''), size, '0')::varbit,
           rpad(coalesce((select ones from bits where plane = 'bad'), ''), size, '0')::varbit,
           rpad(coalesce((select ones from bits where plane = 'skipped'), ''), size, '0')::varbit,
           array(select number from numbered where status = 'flaky' order by number),
           array(select number from numbered where status = 'error' order by number)
    from (select coalesce(max(number) + 1, 0) as size from numbered) as measured
), new_durations as (
    insert into history.durations (run_id, tile, seconds)
    select %(run_id)s, tile, array_agg(seconds order by slot)
    from (select distinct number / %(tile)s as tile from numbered where seconds is not null) as measured
    cross join generate_series(0, %(tile)s - 1) as slot
    left join numbered on number = tile * %(tile)s + slot
    group by tile
), new_suite_output as (
    insert into suite_output (run_id, suite_number, suite, system_out, system_err)
    select %(event_id)s, suite_number, suite, system_out, system_err from attempt where test_id is null
), said as (
    select number, numbered.status, numbered.attempts, suite_number, line,
           type, message, details, system_out, system_err,
           case when is_merged then numbered.outcomes else attempt.outcomes end as outcomes, properties, attachments
    from numbered
    join attempt using (position)
), notable as materialized (
    select *
    from said
    cross join lateral (select num_nonnulls(
        type, message, details, system_out, system_err, outcomes, properties, attachments
    ) > 0 as has_texts) as counted
    where status <> 'passed' or attempts > 1 or has_texts
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

_KEEP_UP = "select history.keep_failing(%(run_id)s), history.add_to_totals(%(run_id)s, 1)"


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


def record_run(
    connection: Connection[Any], event_id: UUID, report: Report, *, origin: Origin, uploaded_at: datetime
) -> Run:
    """Reads the report and records it within the transaction that is open, in constant memory.

    Raises what reading the report raises.
    """
    connection.execute(_CREATE_ATTEMPT)
    connection.execute(CREATE_OUTCOME)
    with connection.cursor() as cursor:
        cursor.execute(f"set local statement_timeout = {_STATEMENT_TIMEOUT}; set local lock_timeout = 0")
        with cursor.copy(_COPY_ATTEMPTS) as copy:
            for row in _rows(report):
                copy.write_row(row)
        # After the report was read, for which whoever makes the same project or series would wait, and before its tests
        # are known by their numbers, which are theirs from here on.
        project_id = project_of(connection, origin.project)
        merge(cursor)
        summary = report.summary()
        branch_id = branch_of(connection, project_id, origin.branch)
        series = series_of(connection, project_id, origin.series)
        _number_new_tests(cursor, project_id)
        parameters = {
            "run_id": _run_id(cursor, event_id, uploaded_at),
            "event_id": event_id,
            "project_id": project_id,
            "branch_id": branch_id,
            "series_id": series.id,
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
        [counts] = cursor.execute(_RECORD, parameters)
        take_turn(connection, project_id)
        cursor.execute(_KEEP_UP, parameters)
    return Run(
        id=event_id,
        series=series.name,
        totals=dict(zip(TOTALS, counts, strict=True)),
        duration=summary.duration,
        incomplete_suites=summary.incomplete_suites,
    )


def _number_new_tests(cursor: Cursor[Any], project_id: int) -> None:
    [(has_new_tests,)] = cursor.execute(_HAS_NEW_TESTS)
    if has_new_tests:
        [(tests,)] = cursor.execute(_LOCK_PROJECT, {"project_id": project_id})
        cursor.execute(_FIND_NUMBERS)
        cursor.execute(_NUMBER_NEW_TESTS, {"project_id": project_id, "tests": tests})


def _run_id(cursor: Cursor[Any], event_id: UUID, uploaded_at: datetime) -> int:
    """The order of ids is that of time, in whatever order reports arrive."""
    run_id = int(uploaded_at.timestamp() * 1000) << 20 | event_id.int & 0xFFFFF
    while cursor.execute("select 1 from history.run where id = %s", [run_id]).fetchone():
        run_id += 1
    return run_id


def _rows(report: Report) -> Iterator[tuple[Any, ...]]:
    """The rows of the table `attempt`."""
    nothing = Attempt(**dict.fromkeys(Attempt._fields))  # type: ignore[arg-type]
    for said in report.read():
        if isinstance(said, SuiteOutput):
            yield nothing._replace(**said._asdict())
        else:
            yield (
                *said[:_OUTCOMES],
                json.dumps([_as_json(outcome) for outcome in said.outcomes]) if said.outcomes else None,
                json.dumps(said.properties) if said.properties else None,
                list(said.attachments) if said.attachments else None,
            )


_OUTCOMES = Attempt._fields.index("outcomes")


def _as_json(outcome: Outcome) -> dict[str, str]:
    named = {**outcome._asdict(), "status": outcome.status.name}
    return {name: value for name, value in named.items() if value is not None}
