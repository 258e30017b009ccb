"""The results of a report, in PostgreSQL: its attempts go in by COPY, and become one result for each test there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from handler.reading.limits import MAX_DURATION, MAX_OUTCOME_TEXTS, MAX_OUTCOMES
from handler.reading.report import Attempt, Outcome, Repeats, Report, SuiteOutput
from handler.recording.series import series_of

TOTALS = ("tests", "passed", "failed", "error", "skipped", "flaky")

# Milliseconds. A report with as many cases as may be takes longer than other statements; the next delivery of it
# comes only after six times the function's timeout. Its wait for the lock of another report with the same new tests is
# part of the statement, and may take as long.
_STATEMENT_TIMEOUT = 300_000

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

# Most reports have each test once: then there is nothing to tell apart.
_HAS_NAMESAKES = "select exists (select from attempt where test_id is not null group by test_id having count(*) > 1)"

_EACH_ONCE = """
result_of_test as not materialized (
    select test_id, suite_number, file, line, suite, null as variant, classname, name, status, attempts,
           duration * %(unit)s::double precision as seconds,
           type, message, details, system_out, system_err, outcomes, properties, attachments
    from attempt
    where test_id is not null
)
"""

# The rules of docs/reading.md. Who is who is found out in rows without texts, which would be sorted again and again.
_TOLD_APART = """
by_host as (
    -- The same test on several hosts is several tests.
    select position, test_id, suite_number, repeats, status, attempts, duration,
           case when min(coalesce(hostname, '')) over same_id < max(coalesce(hostname, '')) over same_id
                then concat('@', hostname) else '' end as host
    from attempt
    where test_id is not null
    window same_id as (partition by test_id)
), in_suite as (
    -- Whether the cases of one name are reruns of one test: see Repeats.
    select by_host.*, min(position) over of_name as first_position,
           count(*) over of_name > 1 and case min(repeats) over of_name
               when %(always_rerun)s then true
               when %(rerun_after_failure)s then
                    -- Some ran, and none but the last passed.
                    count(*) filter (where status <> 'skipped') over of_name > 0
                    and count(*) filter (where status in ('passed', 'flaky')) over of_name
                        = (last_value(status) over of_name in ('passed', 'flaky'))::integer
               when %(rerun_after_skip)s then
                    count(*) filter (where status <> 'skipped') over of_name = 1
               else false
           end as are_reruns
    from by_host
    window of_name as (partition by test_id, host, suite_number order by position
                       rows between unbounded preceding and unbounded following)
), numbered as (
    -- All others of one name are tests of their own, with a number.
    select in_suite.*,
           dense_rank() over (partition by test_id, host
                              order by case when are_reruns then first_position else position end) as number
    from in_suite
), rerun as (
    select test_id, host, number, status_of(array_agg(status order by position)) as status,
           sum(attempts) as attempts, sum(duration) as duration
    from numbered
    where are_reruns
    group by test_id, host, number
), unsuccessful as (
    select position, test_id, host, number,
           row_number() over (partition by test_id, host, number order by position) as nth_attempt
    from numbered
    where are_reruns and status <> 'passed'
), said as (
    select position, unsuccessful.test_id, host, number, nth,
           -- What a case wrote stands with the first of its outcomes.
           case when nth = 1 then jsonb_strip_nulls(jsonb_build_object(
                    'system_out', system_out, 'system_err', system_err
                )) else '{}' end || outcome as outcome
    from unsuccessful
    join attempt using (position)
    cross join lateral jsonb_array_elements(coalesce(outcomes, jsonb_build_array(jsonb_strip_nulls(
        jsonb_build_object('status', status, 'type', type, 'message', message, 'details', details)
    )))) with ordinality as each_outcome (outcome, nth)
    where nth_attempt <= %(max_outcomes)s
), outcomes_of_rerun as (
    select test_id, host, number, jsonb_agg(outcome order by position, nth) as outcomes
    from (
        select said.*, row_number() over so_far as place, sum(length(outcome::text)) over so_far as characters
        from said
        window so_far as (partition by test_id, host, number order by position, nth)
    ) as counted
    where place = 1 or (place <= %(max_outcomes)s and characters <= %(max_outcome_texts)s)
    group by test_id, host, number
), first as (
    -- The most severe case speaks for a test, and of several the first; one that was skipped, only if none ran.
    select distinct on (test_id, host, number)
           position, test_id, host, number, are_reruns, case when number > 1 then '#' || number end as nth
    from numbered
    order by test_id, host, number, (status <> 'skipped') desc, status desc, position
), result_of_test as materialized (
    select case when first.host = '' and nth is null then first.test_id
                else left(encode(sha256(convert_to(
                         concat(first.test_id, replace(replace(first.host, '\\', '\\\\'), '#', '\\#'), nth), 'UTF8'
                     )), 'hex'), 32)::uuid
           end as test_id,
           attempt.suite_number, file, line,
           suite, nullif(concat_ws(' ', nullif(nullif(first.host, ''), '@'), nth), '') as variant,
           classname, name,
           coalesce(rerun.status, attempt.status) as status,
           coalesce(rerun.attempts, attempt.attempts) as attempts,
           coalesce(rerun.duration, attempt.duration) * %(unit)s::double precision as seconds,
           type, message, details, system_out, system_err,
           case when not are_reruns then attempt.outcomes
                when jsonb_array_length(outcomes_of_rerun.outcomes) > 1 or attempt.status = 'passed'
                then outcomes_of_rerun.outcomes end as outcomes,
           properties, attachments
    from first
    join attempt using (position)
    left join (rerun left join outcomes_of_rerun using (test_id, host, number))
         on (rerun.test_id, rerun.host, rerun.number) = (first.test_id, first.host, first.number)
)
"""

# Tests are always inserted in the same order, so that reports with the same new tests wait for each other without a
# deadlock.
_RECORD = """
with {result_of_test}, new_test as (
    insert into test (id, project, file, suite, variant, classname, name)
    select test_id, %(project)s, file, suite, variant, classname, name from result_of_test order by test_id
    on conflict do nothing
), new_suite_output as (
    insert into suite_output (run_id, suite_number, suite, system_out, system_err)
    select %(run_id)s, suite_number, suite, system_out, system_err from attempt where test_id is null
), new_result as (
    insert into result (run_id, test_id, suite_number, line, status, attempts, duration_seconds,
                        type, message, details, system_out, system_err, outcomes, properties, attachments)
    select %(run_id)s, test_id, suite_number, line, status, attempts,
           case when seconds <= %(max_duration)s then seconds end,
           type, message, details, system_out, system_err, outcomes, properties, attachments
    from result_of_test
    returning status
)
insert into run (id, series_id, started_at, duration_seconds, incomplete_suites, hostnames, properties,
                 tests, passed, failed, error, skipped, flaky)
select %(run_id)s, %(series_id)s, %(started_at)s, %(duration)s, %(incomplete_suites)s, %(hostnames)s,
       %(properties)s, count(*),
       count(*) filter (where status = 'passed'),
       count(*) filter (where status = 'failed'),
       count(*) filter (where status = 'error'),
       count(*) filter (where status = 'skipped'),
       count(*) filter (where status = 'flaky')
from new_result
returning tests, passed, failed, error, skipped, flaky
"""


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


def record_run(connection: Connection[Any], run_id: UUID, report: Report, *, project: str, series: str) -> Run:
    """Reads the report and records it within the transaction that is open, in constant memory.

    Raises what reading the report raises.
    """
    connection.execute(_CREATE_ATTEMPT)
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            f"set local statement_timeout = {_STATEMENT_TIMEOUT}; set local lock_timeout = 0;"
            # Of a temporary table PostgreSQL knows nothing, and takes it for so small that it is read again and again.
            " set local enable_nestloop = off"
        )
        with cursor.copy(_COPY_ATTEMPTS) as copy:
            for row in _rows(report):
                copy.write_row(row)
        # After the report was read, for which whoever makes the same series would wait.
        known_series = series_of(connection, project, series)
        [namesakes] = cursor.execute(_HAS_NAMESAKES)
        told_apart = _TOLD_APART if namesakes["exists"] else _EACH_ONCE
        summary = report.summary()
        parameters = {
            "run_id": run_id,
            "series_id": known_series.id,
            "project": project,
            "started_at": summary.started_at,
            "duration": summary.duration,
            "unit": summary.duration_unit,
            "max_duration": MAX_DURATION,
            "max_outcomes": MAX_OUTCOMES,
            "max_outcome_texts": MAX_OUTCOME_TEXTS,
            **{repeats.name: repeats.value for repeats in Repeats},
            "incomplete_suites": summary.incomplete_suites,
            "hostnames": list(summary.hostnames),
            "properties": Jsonb(summary.properties),
        }
        [totals] = cursor.execute(_RECORD.format(result_of_test=told_apart), parameters)
    return Run(
        id=run_id,
        series=known_series.name,
        totals=totals,
        duration=summary.duration,
        incomplete_suites=summary.incomplete_suites,
    )


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
