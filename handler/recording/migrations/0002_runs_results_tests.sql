alter table upload
    add column project     text,
    add column branch      text,
    add column commit      text,
    add column build_url   text,
    add column uploaded_at timestamptz;

comment on column upload.project is 'From the object''s metadata, or else the first folder of its key.';
comment on column upload.uploaded_at is 'When S3 finished the upload: what comes first in the history of a test.';

create index on upload (uploaded_at);

-- Whoever deletes old uploads deletes what hangs on them.
alter table outbox
    drop constraint outbox_event_id_fkey,
    add foreign key (event_id) references upload on delete cascade;

create type test_status as enum ('passed', 'skipped', 'flaky', 'failed', 'error');

comment on type test_status is 'From the least to the most severe. Flaky: passed, but only after a rerun.';

create table run (
    id               uuid    primary key references upload on delete cascade,
    started_at       timestamptz,
    duration_seconds double precision,
    tests            integer not null,
    passed           integer not null,
    failed           integer not null,
    error            integer not null,
    skipped          integer not null,
    flaky            integer not null,
    check (tests = passed + failed + error + skipped + flaky)
);

comment on table run is 'What one report says as a whole. Its id is the event_id of the upload.';
comment on column run.started_at is 'The earliest timestamp in the report; one without an offset is taken for UTC.';
comment on column run.duration_seconds is 'As the report says for the whole; else the sum over its suites, or over its cases.';
comment on column run.tests is 'Counted, never taken from the report; a test counts once, whatever its attempts.';

create table test (
    id        uuid primary key,
    project   text not null,
    file      text,
    suite     text,
    classname text,
    name      text not null
);

comment on table test is 'A test of a project, the same one in every run.';
comment on column test.id is 'UUIDv5 of project, file (or else suites), classname and name, made in handler/junit.py.';
comment on column test.suite is 'The names of its suites, from the outermost.';

create table result (
    run_id           uuid        not null references run on delete cascade,
    test_id          uuid        not null references test,
    status           test_status not null,
    attempts         integer     not null check (attempts > 0),
    duration_seconds double precision,
    type             text,
    message          text,
    details          text,
    system_out       text,
    system_err       text,
    primary key (run_id, test_id)
);

create index on result (test_id);

comment on table result is 'The outcome of one test in one run.';
comment on column result.duration_seconds is 'All attempts together; null if the report does not say.';
comment on column result.type is 'The exception or kind of failure, as the report names it.';

create view run_summary as
select run.id, upload.project, upload.branch, upload.commit, upload.build_url, upload.key, upload.uploaded_at,
       run.started_at, run.duration_seconds, run.tests, run.passed, run.failed, run.error, run.skipped, run.flaky
from run
join upload on upload.event_id = run.id;

comment on view run_summary is 'Every run with its totals and where it came from.';

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
group by test.id
order by mean_seconds desc;

comment on view slowest_tests is 'The mean duration of every test that ran in the last 30 days, the slowest first.';

create view flaky_tests as
with on_one_commit as (
    select result.test_id,
           upload.commit is not null
               and bool_or(result.status in ('passed', 'flaky'))
               and bool_or(result.status in ('failed', 'error')) as outcome_changed,
           count(*) filter (where result.status = 'flaky') as reruns,
           max(upload.uploaded_at) filter (where result.status in ('flaky', 'failed', 'error')) as last_failed_at
    from result
    join upload on upload.event_id = result.run_id
    where upload.uploaded_at > now() - interval '30 days'
    group by result.test_id, upload.commit
)
select test.id as test_id, test.project, test.file, test.suite, test.classname, test.name,
       count(*) filter (where outcome_changed) as commits,
       sum(reruns)::bigint as reruns,
       max(last_failed_at) as last_seen_at
from on_one_commit
join test on test.id = on_one_commit.test_id
where outcome_changed or reruns > 0
group by test.id
order by last_seen_at desc;

comment on view flaky_tests is
    'Tests that, in the last 30 days, both passed and failed on one commit, or passed only after a rerun; the latest first.';
comment on column flaky_tests.commits is 'On how many commits the outcome changed.';
comment on column flaky_tests.reruns is 'In how many runs it passed only after a rerun.';

create view failing_since as
with since_last_pass as (
    select result.test_id, upload.branch, upload.commit, upload.uploaded_at,
           max(upload.uploaded_at) filter (where result.status in ('passed', 'flaky'))
               over (partition by result.test_id, upload.branch) as last_passed_at
    from result
    join upload on upload.event_id = result.run_id
    where result.status <> 'skipped'
)
select test.id as test_id, test.project, test.file, test.suite, test.classname, test.name, branch,
       min(uploaded_at) as failing_since,
       (array_agg(commit order by uploaded_at))[1] as first_failing_commit,
       count(*) as runs
from since_last_pass
join test on test.id = test_id
where last_passed_at is null or uploaded_at > last_passed_at
group by test.id, branch
having max(uploaded_at) > now() - interval '30 days'
order by failing_since;

comment on view failing_since is
    'Tests that did not pass in the latest runs of a branch, and since when; runs that skipped them do not count.
     One that did not run for 30 days is forgotten: it was deleted, or its branch merged.';
