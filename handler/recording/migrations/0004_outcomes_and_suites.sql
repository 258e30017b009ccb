alter table run
    add column incomplete_suites integer not null default 0,
    add column hostnames            text[]  not null default '{}',
    add column properties           jsonb   not null default '{}';

comment on column run.incomplete_suites is
    'How many suites count tests, failures or errors of which the report tells nothing: their job may have failed.';
comment on column run.hostnames is 'The machines, as its suites name them; at most 20.';
comment on column run.properties is 'Of its suites, by name; at most 100. Of one that several suites have, the first value.';
comment on column run.duration_seconds is
    'As the report says for the whole; else the sum over its suites, and over the cases of those that do not say it.';

alter table test
    add column variant text;

comment on column test.variant is
    'What tells it from others of the same names: its host, its number in the order of the report, or both.';
comment on column test.id is 'Of project, file (or else suites), classname, name and variant: docs/reading.md has the rule.';

alter table result
    add column suite_number integer,
    add column line         integer,
    add column outcomes     jsonb,
    add column properties   jsonb,
    add column attachments  text[];

comment on column result.suite_number is 'Which testsuite element of the report it stands in, from 1; see suite_output.';
comment on column result.line is 'Of the file, as the report says.';
comment on column result.message is 'Of the first of its most severe outcomes, as are type and details; see outcomes for the others.';
comment on column result.outcomes is
    'Each reason why an attempt did not pass, in order, where there are several or one has an output of its own: an array
     of at most 20 objects with status, type, message, details, system_out and system_err, as far as known.';
comment on column result.properties is 'By name; at most 20.';
comment on column result.attachments is 'Files that belong to the test, as the report refers to them; at most 20.';

create table suite_output (
    run_id       uuid    not null references run on delete cascade,
    suite_number integer not null,
    suite        text,
    system_out   text,
    system_err   text,
    primary key (run_id, suite_number)
);

comment on table suite_output is 'What a suite wrote outside its tests; look at it beside its failed tests.';
comment on column suite_output.suite is 'The names of its suites, from the outermost.';

-- Attempts of one test, in order. What was skipped says nothing if the test ran as well; then the last attempt says
-- whether it passed, and the others whether it did so at once. Where it did not pass, an error is worse than a failure.
create function status_of(attempts test_status[]) returns test_status
language sql immutable parallel safe
return (
    with ran as (
        select status, position
        from unnest(attempts) with ordinality as attempt (status, position)
        where status <> 'skipped'
    ), last as (
        select status from ran order by position desc limit 1
    )
    select case
        when not exists (select from ran) then 'skipped'::test_status
        when (select status from last) > 'flaky' then (select max(status) from ran)
        else (select case max(status) when 'passed' then 'passed' else 'flaky' end::test_status from ran)
    end
);

comment on function status_of is 'What several attempts at one test come to: docs/reading.md has the table.';

create or replace view run_summary as
select run.id, upload.project, upload.branch, upload.commit, upload.build_url, upload.key, upload.uploaded_at,
       run.started_at, run.duration_seconds, run.tests, run.passed, run.failed, run.error, run.skipped, run.flaky,
       run.incomplete_suites
from run
join upload on upload.event_id = run.id;
