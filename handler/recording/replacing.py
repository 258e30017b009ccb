"""Replaces the run of an upload by what another reading of its report says.

Most of the two is the same. So what is kept up of the history is brought up to date by the difference alone: a project
may have thousands of reports to be read again, and each of them the totals of all later days.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from handler.origin import Origin
from handler.reading.report import Report
from handler.recording.projects import take_turn
from handler.recording.results import SETTINGS, ReadRun, Run, free_key, keep_up, read_run, write_run

# A connection keeps its tables, as those of results.py.
_CREATE_FORMER = """
create temporary table if not exists former_plane (like history.plane) on commit delete rows;
create temporary table if not exists former_durations (like history.durations) on commit delete rows
"""
_FORMER = "select id, project_id, branch_id, series_id from history.run where event_id = %s"
_KEEP_PLANE = "insert into former_plane select * from history.plane where run_id = %s"
_KEEP_DURATIONS = "insert into former_durations select * from history.durations where run_id = %s"
_DELETE_RUN = "delete from history.run where id = %s"
_DELETE_SUITE_OUTPUT = "delete from suite_output where run_id = %s"

# What a run came to before counts against it, and what it comes to now for it.
_CHANGE_TOTALS = """
with measured as (
    select -1 as times, tile, nth, round(value * 1e6)::bigint as microseconds
    from former_durations
    cross join (select skipped || '' as bits from former_plane offset 0) as skipped
    cross join lateral unnest(seconds) with ordinality as slot (value, nth)
    where value is not null and not history.has(bits, (tile * 256 + nth - 1)::integer)
    union all
    select 1, tile, nth, round(value * 1e6)::bigint
    from history.durations
    cross join (select skipped || '' as bits from history.plane where run_id = %(key)s offset 0) as skipped
    cross join lateral unnest(seconds) with ordinality as slot (value, nth)
    where run_id = %(key)s and %(is_replaced)s
      and value is not null and not history.has(bits, (tile * 256 + nth - 1)::integer)
), difference as (
    select tile, nth, sum(times) as runs, sum(times * microseconds) as microseconds
    from measured
    group by tile, nth
    having sum(times) <> 0 or sum(times * microseconds) <> 0
), changed as materialized (
    select tile, (history.time_of(%(key)s) at time zone 'UTC')::date as day,
           array_agg(coalesce(runs, 0)::integer order by nth) as runs,
           array_agg(coalesce(microseconds, 0)::bigint order by nth) as microseconds
    from (select distinct tile from difference) as tile
    cross join generate_series(1, 256) as nth
    left join difference using (tile, nth)
    group by tile
), began as (
    -- A day on which nothing of the tile was measured begins as the day before it ended.
    insert into history.running_total (project_id, tile, day, runs, microseconds)
    select %(project_id)s, tile, changed.day, plus.runs, plus.microseconds
    from changed
    left join lateral (
        select runs, microseconds
        from history.running_total as total
        where (total.project_id, total.tile) = (%(project_id)s, changed.tile) and total.day < changed.day
        order by total.day desc
        limit 1
    ) as so_far on true
    cross join lateral (
        select array_agg(slot.runs + slot.more_runs) as runs,
               array_agg(slot.microseconds + slot.more_microseconds) as microseconds
        from (
            select unnest(coalesce(so_far.runs, array_fill(0, array[256]))) as runs, unnest(changed.runs) as more_runs,
                   unnest(coalesce(so_far.microseconds, array_fill(0::bigint, array[256]))) as microseconds,
                   unnest(changed.microseconds) as more_microseconds
        ) as slot
    ) as plus
    where not exists (
        select from history.running_total as total
        where (total.project_id, total.tile, total.day) = (%(project_id)s, changed.tile, changed.day)
    )
)
update history.running_total as total
set (runs, microseconds) = (
    select array_agg(slot.runs + slot.more_runs), array_agg(slot.microseconds + slot.more_microseconds)
    from (
        select unnest(total.runs) as runs, unnest(changed.runs) as more_runs,
               unnest(total.microseconds) as microseconds, unnest(changed.microseconds) as more_microseconds
    ) as slot
)
from changed
where (total.project_id, total.tile) = (%(project_id)s, changed.tile) and total.day >= changed.day
"""

# Of each of these tests one outcome changed, and what it comes to with it.
_CHANGE_FAILING = """
select history.renew_failing(
    %(branch_id)s, %(series_id)s,
    (history.padded(former_plane.good, size) # history.padded(coalesce(plane.good, ''), size))
    | (history.padded(former_plane.bad, size) # history.padded(coalesce(plane.bad, ''), size))
)
from former_plane
left join history.plane on plane.run_id = %(key)s and %(is_replaced)s
cross join lateral (select greatest(length(former_plane.good), length(plane.good)) as size) as both_runs
"""


class _Former(NamedTuple):
    """The run that is replaced: its key, and where it stands."""

    key: int
    project_id: int
    branch_id: int
    series_id: int


def replace_run(
    connection: Connection[Any], event_id: UUID, report: Report | None, *, origin: Origin, uploaded_at: datetime
) -> Run | None:
    """Reads the report and records it in the place of what was recorded of its upload; None if there is no report now.

    Within the transaction that is open and holds the upload. Raises what reading the report raises.
    """
    read = read_run(connection, report, origin) if report else None
    former = _take_out(connection, event_id, read)
    if read is None:
        if former:
            _settle(connection, former, is_replaced=False)
        return None
    # With its old key, what is kept up of other tests still holds.
    key = former.key if former else free_key(connection, event_id, uploaded_at)
    run = write_run(connection, event_id, key, read)
    stays = former is not None and former[1:] == (read.project_id, read.branch_id, read.series.id)
    if former:
        _settle(connection, former, is_replaced=stays)
    if not stays:
        keep_up(connection, key)
    return run


def _take_out(connection: Connection[Any], event_id: UUID, read: ReadRun | None) -> _Former | None:
    """Takes out the run of the upload, if it has one, once it is the turn of the transaction in all that it changes.

    What is kept up still counts it then.
    """
    # A fault takes them back that the reading made.
    connection.execute(SETTINGS)
    former = next((_Former(*row) for row in connection.execute(_FORMER, [event_id])), None)
    # In one order, or two that do the same would wait for each other.
    for project_id in sorted({run.project_id for run in (former, read) if run}):
        take_turn(connection, project_id)
    if former:
        connection.execute(_CREATE_FORMER)
        connection.execute(_KEEP_PLANE, [former.key])
        connection.execute(_KEEP_DURATIONS, [former.key])
        connection.execute(_DELETE_RUN, [former.key])
        connection.execute(_DELETE_SUITE_OUTPUT, [event_id])
    return former


def _settle(connection: Connection[Any], former: _Former, *, is_replaced: bool) -> None:
    """Brings what is kept up, where the former run stood, to what it is without it.

    `is_replaced`: to what it is with the one that now stands there under the same key.
    """
    parameters = {**former._asdict(), "is_replaced": is_replaced}
    connection.execute(_CHANGE_TOTALS, parameters)
    connection.execute(_CHANGE_FAILING, parameters)
