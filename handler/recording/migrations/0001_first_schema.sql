-- oldest function: 1

create table upload (
    event_id      uuid        primary key,
    bucket        text        not null,
    key           text        not null,
    version_id    text        not null,
    etag          text        not null,
    size          bigint      not null,
    kind          text        not null check (kind in ('junit', 'artifact')),
    project       text        not null,
    branch        text,
    commit        text,
    build_url     text,
    uploaded_at   timestamptz not null,
    status        text        not null check (status in ('success', 'error')),
    error_code    text,
    error_message text,
    processed_at  timestamptz not null,
    unique (bucket, key, version_id),
    check ((status = 'error') = (error_code is not null)),
    check ((error_code is null) = (error_message is null))
);

create index on upload (uploaded_at);
create index on upload (project, uploaded_at);

comment on table upload is 'One version of one object of the upload bucket, once processed.';
comment on column upload.event_id is 'UUIDv5 of bucket, key and version; the event of the upload carries it.';
comment on column upload.size is 'In bytes, as stored in S3.';
comment on column upload.project is 'From the object''s metadata, or else the first folder of its key.';
comment on column upload.uploaded_at is 'When S3 finished the upload: what comes first in the history of a test.';

create table outbox (
    event_id uuid  primary key references upload on delete cascade,
    detail   jsonb not null,
    sent_at  timestamptz
);

comment on table outbox is 'The events of uploads; one without sent_at is put on the bus when its message is delivered again.';

create table invalid_message (
    message_id   text        primary key,
    body         text        not null,
    set_aside_at timestamptz not null default clock_timestamp()
);

comment on table invalid_message is
    'Messages of the ingest queue that were no notifications of uploads; the latest thousand, for an operator to look at.';
comment on column invalid_message.message_id is 'SQS''s; the log has it as well.';
comment on column invalid_message.body is 'As it came; of a long one the beginning and the end.';

create type test_status as enum ('passed', 'skipped', 'flaky', 'failed', 'error');

comment on type test_status is 'From the least to the most severe. Flaky: passed, but only after a rerun.';

-- The history: docs/history.md explains it. What people may rely on are the views further below.
create schema history;

create table history.project (
    id    integer generated always as identity primary key,
    name  text    not null unique,
    tests integer not null default 0
);

comment on column history.project.tests is 'How many numbers its tests have had so far: the next test gets this one.';

create table history.branch (
    id         integer generated always as identity primary key,
    project_id integer not null references history.project,
    name       text,
    unique nulls not distinct (project_id, name)
);

create table history.series (
    id         integer generated always as identity primary key,
    project_id integer not null references history.project,
    name       text    not null,
    unique (project_id, name)
);

comment on table history.series is
    'A job of a project''s builds, again and again: a report is held against its own series.';
comment on column history.series.name is
    'From the object''s metadata, or else the last name of its key; `*` for all that come when a project has a thousand.';

-- Without a foreign key to the project, whose check would take as long as the rows themselves: whoever numbers a test holds
-- the lock of the project.
create table history.test (
    project_id integer not null,
    number     integer not null,
    id         uuid    not null unique,
    file       text,
    suite      text,
    classname  text,
    name       text    not null,
    variant    text,
    primary key (project_id, number)
);

comment on column history.test.number is 'From 0 within the project, in the order of their first appearance.';

create table history.run (
    id                bigint  primary key,
    event_id          uuid    not null unique references upload on delete cascade,
    project_id        integer not null references history.project,
    branch_id         integer not null references history.branch,
    series_id         integer not null references history.series,
    commit            text,
    started_at        timestamptz,
    duration_seconds  double precision,
    tests             integer not null,
    passed            integer not null,
    failed            integer not null,
    error             integer not null,
    skipped           integer not null,
    flaky             integer not null,
    incomplete_suites integer not null,
    hostnames         text[]  not null,
    properties        jsonb   not null,
    check (tests = passed + failed + error + skipped + flaky)
);

create index on history.run (project_id, id);

comment on column history.run.id is
    'The milliseconds of uploaded_at, and 20 bits of the event''s id: the order of ids is the order of time.';

create table history.plane (
    run_id  bigint    primary key references history.run on delete cascade,
    good    varbit    not null,
    bad     varbit    not null,
    skipped varbit    not null,
    flaky   integer[] not null,
    error   integer[] not null
);

comment on table history.plane is
    'The outcomes of a run: the bit at the number of a test says whether it passed (flaky ones too), failed (errors too) or
     was skipped. All are of one length; a test beyond it, or in none of them, did not take part.';
comment on column history.plane.flaky is 'The numbers of those in `good` that are flaky, as `error` has those in `bad`.';

create table history.durations (
    run_id  bigint  references history.run on delete cascade,
    tile    integer,
    seconds real[]  not null,
    primary key (run_id, tile)
);

comment on table history.durations is
    'In seconds, those of 256 tests: tile 0 has the numbers from 0 to 255. A row of more would be moved out of line.';

create table history.notable (
    run_id       bigint      references history.run on delete cascade,
    number       integer,
    status       test_status not null,
    attempts     integer     not null check (attempts > 0),
    suite_number integer,
    line         integer,
    primary key (run_id, number)
);

comment on table history.notable is 'A result that is more than a pass: any other status, several attempts, or texts.';

create table history.texts (
    run_id      bigint references history.run on delete cascade,
    number      integer,
    type        text,
    message     text,
    details     text,
    system_out  text,
    system_err  text,
    outcomes    jsonb,
    properties  jsonb,
    attachments text[],
    primary key (run_id, number)
);

comment on table history.texts is 'What a report says of a test, in texts.';

create table suite_output (
    run_id       uuid    not null references upload on delete cascade,
    suite_number integer not null,
    suite        text,
    system_out   text,
    system_err   text,
    primary key (run_id, suite_number)
);

comment on table suite_output is 'What a suite wrote outside its tests; look at it beside its failed tests.';
comment on column suite_output.suite is 'The names of its suites, from the outermost.';

create view test as
select test.id, project.name as project, file, suite, classname, test.name, variant
from history.test
join history.project on project.id = project_id;

comment on view test is 'A test of a project, the same one in every run.';
comment on column test.id is 'Of project, file (or else suites), classname, name and variant: docs/reading.md has the rule.';
comment on column test.suite is 'The names of its suites, from the outermost.';
comment on column test.variant is
    'What tells it from others of the same names: its host, its number in the order of the report, or both.';

create view run as
select event_id as id, series.name as series, started_at, duration_seconds, tests, passed, failed, error, skipped, flaky,
       incomplete_suites, hostnames, properties
from history.run
join history.series on series.id = series_id;

comment on view run is 'What one report says as a whole. Its id is the event_id of the upload.';
comment on column run.started_at is 'The earliest timestamp in the report; one without an offset is taken for UTC.';
comment on column run.duration_seconds is
    'As the report says for the whole; else the sum over its suites, and over the cases of those that do not say it.';
comment on column run.tests is 'Counted, never taken from the report; a test counts once, whatever its attempts.';
comment on column run.incomplete_suites is
    'How many suites count tests, failures or errors of which the report tells nothing: their job may have failed.';
comment on column run.hostnames is 'The machines, as its suites name them; at most 20.';
comment on column run.properties is 'Of its suites, by name; at most 100. Of one that several suites have, the first value.';

-- Two halves, so that whoever asks for what failed reads no plane. A bit string is expanded once for each run, not once
-- for each of its tests.
create view result as
select run.event_id as run_id, test.id as test_id, notable.suite_number, notable.line, notable.status, notable.attempts,
       -- By way of text, which has the shortest digits that are this number.
       durations.seconds[test.number % 256 + 1]::text::double precision as duration_seconds,
       type, message, details, system_out, system_err, outcomes, texts.properties, attachments
from history.run
join history.notable on notable.run_id = run.id
join history.test on (test.project_id, test.number) = (run.project_id, notable.number)
left join history.durations on durations.run_id = run.id and durations.tile = test.number / 256
left join history.texts on texts.run_id = run.id and texts.number = test.number
union all
select run.event_id, test.id, null, null, 'passed', 1,
       durations.seconds[test.number % 256 + 1]::text::double precision,
       null, null, null, null, null, null, null, null
from history.run
join history.plane on plane.run_id = run.id
cross join lateral (select plane.good || '' as bits offset 0) as good
join history.test on test.project_id = run.project_id
                  and case when test.number < length(good.bits) then get_bit(good.bits, test.number) = 1 else false end
left join history.durations on durations.run_id = run.id and durations.tile = test.number / 256
where not exists (select from history.notable where notable.run_id = run.id and notable.number = test.number);

comment on view result is 'The outcome of one test in one run. Ask for one run or one test: all of it is long.';
comment on column result.suite_number is
    'Which testsuite element of the report it stands in, from 1; see suite_output. Not known of what simply passed.';
comment on column result.line is 'Of the file, as the report says. Not known of what simply passed.';
comment on column result.duration_seconds is 'All attempts together, to seven digits; null if the report does not say.';
comment on column result.type is 'The exception or kind of failure, as the report names it.';
comment on column result.message is 'Of the first of its most severe outcomes, as are type and details; see outcomes for the others.';
comment on column result.outcomes is
    'Each reason why an attempt did not pass, in order, where there are several or one has an output of its own: an array
     of at most 20 objects with status, type, message, details, system_out and system_err, as far as known.';
comment on column result.properties is 'By name; at most 20.';
comment on column result.attachments is 'Files that belong to the test, as the report refers to them; at most 20.';

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

create view run_summary as
select run.id, upload.project, run.series, upload.branch, upload.commit, upload.build_url, upload.key,
       upload.uploaded_at, run.started_at, run.duration_seconds,
       run.tests, run.passed, run.failed, run.error, run.skipped, run.flaky, run.incomplete_suites
from run
join upload on upload.event_id = run.id;

comment on view run_summary is 'Every run with its totals and where it came from.';

create view build_summary as
select project, commit, build_url, min(branch) as branch, min(uploaded_at) as first_uploaded_at,
       max(uploaded_at) as last_uploaded_at, count(*) as reports, sum(duration_seconds) as duration_seconds,
       sum(tests) as tests, sum(passed) as passed, sum(failed) as failed, sum(error) as error,
       sum(skipped) as skipped, sum(flaky) as flaky, sum(incomplete_suites) as incomplete_suites
from (
    select distinct on (project, commit, build_url, series) *
    from run_summary
    where commit is not null or build_url is not null
    order by project, commit, build_url, series, uploaded_at desc, id
) as latest
group by project, commit, build_url;

comment on view build_summary is
    'Every build, which uploads several reports: the sum of them, of each series the latest. A build is a project''s
     commit and build URL, as far as both are known.';

create view slowest_tests as
select test.id as test_id, test.project, test.file, test.suite, test.classname, test.name,
       count(*) as runs,
       avg(result.duration_seconds) as mean_seconds,
       max(result.duration_seconds) as max_seconds
from result
join upload on upload.event_id = result.run_id
join test on test.id = result.test_id
where upload.uploaded_at > now() - interval '30 days'
  and result.status <> 'skipped'
  and result.duration_seconds is not null
group by test.id, test.project, test.file, test.suite, test.classname, test.name
order by mean_seconds desc;

comment on view slowest_tests is 'The mean duration of every test that ran in the last 30 days, the slowest first.';

create view flaky_tests as
with on_one_commit as (
    select result.test_id,
           upload.commit is not null
               and bool_or(result.status in ('passed', 'flaky'))
               and bool_or(result.status in ('failed', 'error')) as outcome_changed,
           count(*) filter (where result.status = 'flaky') as reruns,
           max(upload.uploaded_at) filter (where result.status in ('flaky', 'failed', 'error')) as last_failed_at,
           upload.commit
    from result
    join run on run.id = result.run_id
    join upload on upload.event_id = result.run_id
    where upload.uploaded_at > now() - interval '30 days'
    group by result.test_id, upload.commit, run.series
)
select test.id as test_id, test.project, test.file, test.suite, test.classname, test.name,
       count(distinct on_one_commit.commit) filter (where outcome_changed) as commits,
       sum(reruns)::bigint as reruns,
       max(last_failed_at) as last_seen_at
from on_one_commit
join test on test.id = on_one_commit.test_id
where outcome_changed or reruns > 0
group by test.id, test.project, test.file, test.suite, test.classname, test.name
order by last_seen_at desc;

comment on view flaky_tests is
    'Tests that, in the last 30 days, both passed and failed on one commit in one series, or passed only after a rerun; the
     latest first.';
comment on column flaky_tests.commits is 'On how many commits the outcome changed.';
comment on column flaky_tests.reruns is 'In how many runs it passed only after a rerun.';

create view failing_since as
with since_last_pass as (
    select result.test_id, upload.branch, run.series, upload.commit, upload.uploaded_at,
           max(upload.uploaded_at) filter (where result.status in ('passed', 'flaky'))
               over (partition by result.test_id, upload.branch, run.series) as last_passed_at
    from result
    join run on run.id = result.run_id
    join upload on upload.event_id = result.run_id
    where result.status <> 'skipped'
)
select test.id as test_id, test.project, test.file, test.suite, test.classname, test.name, branch,
       series,
       min(uploaded_at) as failing_since,
       (array_agg(commit order by uploaded_at))[1] as first_failing_commit,
       count(*) as runs
from since_last_pass
join test on test.id = test_id
where last_passed_at is null or uploaded_at > last_passed_at
group by test.id, test.project, test.file, test.suite, test.classname, test.name, branch, series
having max(uploaded_at) > now() - interval '30 days'
order by failing_since;

comment on view failing_since is
    'Tests that did not pass in the latest runs of a branch and series, and since when; runs that skipped them do not count.
     One that did not run for 30 days is forgotten: it was deleted, or its branch merged.';
