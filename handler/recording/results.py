"""The results of a report, in PostgreSQL: its attempts go in by COPY, and become one result for each test there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import dict_row

from handler.reading.report import Attempt, Report

# Milliseconds. A report with as many cases as may be takes longer than other statements; the next delivery of it
# comes only after six times the function's timeout. Its wait for the lock of another report with the same new tests is
# part of the statement, and may take as long.
_STATEMENT_TIMEOUT = 300_000

# A connection keeps its table, empty between reports: creating it anew each time would bloat the catalog.
_CREATE_ATTEMPT = """
create temporary table if not exists attempt (
    position         bigint generated always as identity,
    test_id          uuid not null,
    suite_number     integer,
    file             text,
    suite            text,
    classname        text,
    name             text,
    status           test_status,
    attempts         integer,
    duration_seconds double precision,
    type             text,
    message          text,
    details          text,
    system_out       text,
    system_err       text
) on commit delete rows
"""
_COPY_ATTEMPTS = sql.SQL("copy attempt ({}) from stdin").format(
    sql.SQL(", ").join(map(sql.Identifier, Attempt._fields))
)

# The most severe attempt speaks for the test, unless the last one passed: then it is flaky. A namesake in another suite
# is another test: the second suite's gets an id and a suite that say so. (jest-junit calls all suites "undefined";
# Playwright has one for each browser.) Tests are always inserted in the same order, so that reports with the same new
# tests wait for each other without a deadlock.
_RECORD = """
with in_suite as (
    select distinct on (test_id, suite_number)
           test_id, file, suite, classname, name,
           dense_rank() over (partition by test_id order by suite_number) as namesake,
           case when status >= 'failed' and last_value(status) over of_test in ('passed', 'flaky')
                then 'flaky' else status end as status,
           sum(attempts) over of_test as attempts,
           sum(duration_seconds) over of_test as duration_seconds,
           type, message, details, system_out, system_err
    from attempt
    window of_test as (partition by test_id, suite_number order by position
                       rows between unbounded preceding and unbounded following)
    order by test_id, suite_number, attempt.status desc, position
), merged as materialized (
    select case when namesake = 1 then test_id
                else left(encode(sha256(convert_to(test_id || '#' || namesake, 'UTF8')), 'hex'), 32)::uuid
           end as test_id,
           file, case when namesake = 1 then suite else concat_ws(' ', suite, '#' || namesake) end as suite,
           classname, name, status, attempts, duration_seconds, type, message, details, system_out, system_err
    from in_suite
), new_test as (
    insert into test (id, project, file, suite, classname, name)
    select test_id, %(project)s, file, suite, classname, name from merged
    on conflict do nothing
), new_result as (
    insert into result (run_id, test_id, status, attempts, duration_seconds,
                        type, message, details, system_out, system_err)
    select %(run_id)s, test_id, status, attempts, duration_seconds,
           type, message, details, system_out, system_err
    from merged
    returning status
)
insert into run (id, started_at, duration_seconds, tests, passed, failed, error, skipped, flaky)
select %(run_id)s, %(started_at)s, %(duration)s, count(*),
       count(*) filter (where status = 'passed'),
       count(*) filter (where status = 'failed'),
       count(*) filter (where status = 'error'),
       count(*) filter (where status = 'skipped'),
       count(*) filter (where status = 'flaky')
from new_result
returning tests, passed, failed, error, skipped, flaky
"""


TOTALS = ("tests", "passed", "failed", "error", "skipped", "flaky")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A recorded report. `duration` in seconds, None if unknown; `totals` by status, and `tests` for all of them."""

    id: UUID
    totals: dict[str, int]
    duration: float | None


def record_run(connection: Connection[Any], run_id: UUID, report: Report) -> Run:
    """Records the report within the transaction that is open, in constant memory.

    Raises what reading the report raises.
    """
    connection.execute(_CREATE_ATTEMPT)
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(f"set local statement_timeout = {_STATEMENT_TIMEOUT}; set local lock_timeout = 0")
        with cursor.copy(_COPY_ATTEMPTS) as copy:
            for attempt in report:
                copy.write_row(attempt)
        parameters = {
            "run_id": run_id,
            "project": report.project,
            "started_at": report.started_at,
            "duration": report.duration,
        }
        [totals] = cursor.execute(_RECORD, parameters)
    return Run(id=run_id, totals=totals, duration=report.duration)
