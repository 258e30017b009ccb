"""What several cases of one name in a report come to: the rules of docs/reading.md."""

from __future__ import annotations

from typing import Any

from psycopg import Cursor

from handler.reading.limits import MAX_OUTCOME_TEXTS, MAX_OUTCOMES
from handler.reading.report import Repeats

# A connection keeps its tables, empty between reports: creating them anew each time would bloat the catalog. An outcome
# is what a test came to, with the attempt that speaks for it, and whether that has anything to say; of a new test, the
# number is not known yet.
CREATE_OUTCOME = """
create temporary table if not exists outcome (
    position  bigint      not null,
    test_id   uuid        not null,
    number    integer,
    variant   text,
    status    test_status not null,
    attempts  integer     not null,
    duration  double precision,
    has_texts boolean     not null,
    is_merged boolean     not null,
    outcomes  jsonb
) on commit delete rows
"""

# Most reports have each test once: then there is nothing to tell apart.
_HAS_NAMESAKES = "select exists (select from attempt where test_id is not null group by test_id having count(*) > 1)"

_EACH_ONCE = """
insert into outcome (position, test_id, number, status, attempts, duration, has_texts, is_merged)
select position, test_id, number, status, attempts, duration,
       num_nonnulls(type, message, details, system_out, system_err, outcomes, properties, attachments) > 0, false
from attempt
left join history.test on test.id = test_id
where test_id is not null
"""

# Who is who is found out in rows without texts, which would be sorted again and again.
_TOLD_APART = """
with
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
), told_apart as (
    select position,
           case when first.host = '' and nth is null then first.test_id
                else left(encode(sha256(convert_to(
                         concat(first.test_id, replace(replace(first.host, '\\', '\\\\'), '#', '\\#'), nth), 'UTF8'
                     )), 'hex'), 32)::uuid
           end as test_id,
           nullif(concat_ws(' ', nullif(nullif(first.host, ''), '@'), nth), '') as variant,
           coalesce(rerun.status, attempt.status) as status,
           coalesce(rerun.attempts, attempt.attempts) as attempts,
           coalesce(rerun.duration, attempt.duration) as duration,
           are_reruns, num_nonnulls(
               type, message, details, system_out, system_err, properties, attachments,
               case when not are_reruns then attempt.outcomes end
           ) > 0 as has_texts,
           case when jsonb_array_length(outcomes_of_rerun.outcomes) > 1 or attempt.status = 'passed'
                then outcomes_of_rerun.outcomes end as outcomes
    from first
    join attempt using (position)
    left join (rerun left join outcomes_of_rerun using (test_id, host, number))
         on (rerun.test_id, rerun.host, rerun.number) = (first.test_id, first.host, first.number)
)
insert into outcome (position, test_id, number, variant, status, attempts, duration, has_texts, is_merged, outcomes)
select position, test_id, test.number, told_apart.variant, status, attempts, duration,
       has_texts or outcomes is not null, are_reruns, outcomes
from told_apart
left join history.test on test.id = test_id
"""


def merge(cursor: Cursor[Any]) -> None:
    """Fills the table `outcome` from the table `attempt`: one row for each test."""
    [(has_namesakes,)] = cursor.execute(_HAS_NAMESAKES)
    if not has_namesakes:
        cursor.execute(_EACH_ONCE)
        return
    # Of what comes out of a step PostgreSQL knows nothing, and takes it for so little that it reads it again and again.
    cursor.execute("set local enable_nestloop = off")
    limits = {"max_outcomes": MAX_OUTCOMES, "max_outcome_texts": MAX_OUTCOME_TEXTS}
    cursor.execute(_TOLD_APART, {**limits, **{repeats.name: repeats.value for repeats in Repeats}})
    cursor.execute("set local enable_nestloop to default")
