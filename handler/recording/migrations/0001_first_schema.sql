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
    is_expired    boolean     not null default false,
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
comment on column upload.is_expired is 'It came when it was past its retention already, and was not read.';
comment on column upload.uploaded_at is 'When S3 finished the upload: what comes first in the history of a test.';

create table outbox (
    event_id    uuid   primary key,
    upload_id   uuid   not null references upload on delete cascade,
    position    bigint not null generated always as identity,
    detail_type text   not null,
    detail      jsonb  not null,
    sent_at     timestamptz
);

create index on outbox (upload_id);

comment on table outbox is
    'The events of uploads; one without sent_at is put on the bus when the message of its upload is delivered again.';
comment on column outbox.position is 'The order in which the events of an upload are put on the bus.';

create table uploader (
    role    text not null,
    project text not null,
    primary key (role, project)
);

create index on uploader (project);

comment on table uploader is
    'The roles of CI jobs, as they were deployed: each uploads to the folders of its projects, and sees these alone.';

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
create type test_change as enum ('newly failing', 'still failing', 'fixed', 'new', 'vanished');

comment on type test_status is 'From the least to the most severe. Flaky: passed, but only after a rerun.';

-- The history: docs/history.md explains it. What people may rely on are the views further below.
create schema history;

create table history.project (
    id    integer generated always as identity primary key,
    name  text    not null unique,
    tests integer not null default 0
);

comment on column history.project.tests is 'How many numbers there are; a new test gets the next, unless one is free.';

create table history.branch (
    id         integer generated always as identity primary key,
    project_id integer not null references history.project on delete cascade,
    name       text,
    unique nulls not distinct (project_id, name)
);

create table history.series (
    id         integer generated always as identity primary key,
    project_id integer not null references history.project on delete cascade,
    name       text    not null,
    unique (project_id, name)
);

comment on table history.series is
    'A job of a project''s builds, again and again: a report is held against its own series.';
comment on column history.series.name is
    'From the object''s metadata, or else the last name of its key; `*` for all that come when a project has a thousand.';

-- Many runners call a suite by its class. By a collation that PostgreSQL has everywhere: that of the database may know no
-- other letters than English ones.
create function history.search_text(file text, suite text, classname text, name text, variant text) returns text
language sql immutable parallel safe
return lower((
    coalesce(file || ' > ', '') || coalesce(nullif(suite, classname) || ' > ', '') || coalesce(classname || ' > ', '')
    || name || coalesce(' > ' || variant, '')
) collate pg_c_utf8);

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
    search_text text   not null generated always as (history.search_text(file, suite, classname, name, variant)) stored,
    primary key (project_id, number)
);

comment on column history.test.number is 'From 0 within the project; see free_number.';
comment on column history.test.search_text is 'Kept, since to make it takes three times as long as to look into it.';

create table history.free_number (
    project_id integer references history.project on delete cascade,
    number     integer,
    primary key (project_id, number)
);

comment on table history.free_number is 'That of a test which no run has any more: a new test gets the lowest of them.';

create table history.run (
    id                bigint  primary key,
    event_id          uuid    not null unique references upload on delete cascade,
    project_id        integer not null references history.project,
    branch_id         integer not null references history.branch,
    series_id         integer not null references history.series,
    commit            text,
    main_branch       text,
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
create index on history.run (branch_id, series_id, id);
create index on history.run (project_id, id) where main_branch is not null;

comment on column history.run.id is
    'The milliseconds of uploaded_at, and 20 bits of the event''s id: the order of ids is the order of time.';
comment on column history.run.main_branch is 'What the upload calls the main branch of its project.';

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

-- What fails now, and how long tests take: whoever adds or removes a run keeps them up, when it is their turn.

create table history.turn (
    project_id integer primary key references history.project on delete cascade
);

comment on table history.turn is
    'A row for each project, locked at the end of a transaction that changes what its runs come to. The row of the project
     is locked by whoever numbers tests, for longer. Readers cannot lock a row, as they could take an advisory lock.';

create table history.failing (
    branch_id       integer not null references history.branch on delete cascade,
    series_id       integer not null references history.series on delete cascade,
    number          integer not null,
    since_run       bigint  not null,
    last_run        bigint  not null,
    runs            integer not null,
    last_passed_run bigint,
    primary key (branch_id, series_id, number)
) with (fillfactor = 70);

comment on table history.failing is 'A test whose latest outcome on a branch and series was bad. Being skipped is no outcome.';
comment on column history.failing.since_run is 'The first in which it was bad, since it was good last; last_run is the latest.';
comment on column history.failing.runs is 'In how many it was bad since.';

create table history.running_total (
    project_id   integer   not null references history.project on delete cascade,
    tile         integer   not null,
    day          date      not null,
    runs         integer[] not null,
    microseconds bigint[]  not null,
    primary key (project_id, tile, day)
);

comment on table history.running_total is
    'What all runs up to the end of a day (UTC) come to, for each test of a tile: in how many runs it was measured and not
     skipped, and how long it took in all of them. The mean of any days is one subtraction, and the sum of whole numbers
     is the same in whatever order the runs arrive.';

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
select test.id, project.name as project, file, suite, classname, test.name, variant,
       search_text
from history.test
join history.project on project.id = project_id;

comment on view test is 'A test of a project, the same one in every run.';
comment on column test.id is 'Of project, file (or else suites), classname, name and variant: docs/reading.md has the rule.';
comment on column test.suite is 'The names of its suites, from the outermost.';
comment on column test.search_text is 'All of its names in lower case: `where search_text like ''%cart%''`.';
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


-- What people ask of the history, answered from its bit strings: docs/history.md explains how.

-- Bit strings over the numbers of a project's tests.

create function history.padded(bits varbit, size integer) returns varbit
language sql immutable strict parallel safe
return pg_catalog.bit(bits, size, true)::varbit;

comment on function history.padded is 'Those of several runs are brought to one length before they are combined.';

create function history.numbers(bits varbit) returns setof integer
language sql immutable strict parallel safe rows 100
begin atomic
    select (sum(length(gap) + 1) over (order by nth))::integer - 1
    from string_to_table(bits::text, '1') with ordinality as zeros (gap, nth)
    -- Counted once.
    cross join (select bit_count(bits) as ones offset 0) as counted
    where nth <= ones;
end;

comment on function history.numbers is 'Those whose bit is set.';

create function history.has(bits varbit, number integer) returns boolean
-- A strict function with a case in it is called for each row. This one is written into the query: a seventh of the time.
language sql immutable parallel safe
return case when number < length(bits) then get_bit(bits, number) = 1 when bits is not null then false end;

-- The key of a run, which has its time in it. A condition asks for that of now by a select of its own: else it would be
-- computed for each row, which takes longer than all the rest of it.

create function history.key_of(moment timestamptz) returns bigint
language sql immutable strict parallel safe
return (extract(epoch from moment) * 1000)::bigint << 20;

comment on function history.key_of is 'What was uploaded at this moment or later has this key or a higher one.';

create function history.time_of(key bigint) returns timestamptz
language sql immutable strict parallel safe
return to_timestamp((key >> 20) / 1000.0);

comment on function history.time_of is 'When the run with this key was uploaded.';


-- Keeping up what fails now.

create function history.streaks(of_branch integer, of_series integer, wanted varbit)
returns table (number integer, run_id bigint, is_good boolean)
language plpgsql stable rows 1000
as $$
declare
    -- Going back in time: those of which no good outcome was seen yet, and of these, those of which a bad one was.
    open    varbit := wanted;
    failing varbit := wanted & ~wanted;
    bad     varbit;
    ended   varbit;
    past    record;
begin
    for past in
        select id, history.padded(plane.bad, length(wanted)) as bad, history.padded(plane.good, length(wanted)) as good
        from history.run
        join history.plane on plane.run_id = run.id
        where (branch_id, series_id) = (of_branch, of_series)
        order by id desc
    loop
        bad := past.bad & open;
        if bit_count(bad) > 0 then
            return query select numbers, past.id, false from history.numbers(bad);
            failing := failing | bad;
        end if;
        ended := past.good & failing;
        if bit_count(ended) > 0 then
            return query select numbers, past.id, true from history.numbers(ended);
            failing := failing & ~ended;
        end if;
        open := open & ~past.good;
        exit when bit_count(open) = 0;
    end loop;
end
$$;

comment on function history.streaks is
    'Of each wanted test that fails now: the runs in which it was bad, and the one before them in which it was good.';

create function history.add_failing(of_branch integer, of_series integer, wanted varbit) returns void
language sql
begin atomic
    insert into history.failing (branch_id, series_id, number, since_run, last_run, runs, last_passed_run)
    select of_branch, of_series, number, min(run_id) filter (where not is_good), max(run_id) filter (where not is_good),
           count(*) filter (where not is_good), max(run_id) filter (where is_good)
    from history.streaks(of_branch, of_series, wanted)
    group by number;
end;

create function history.renew_failing(of_branch integer, of_series integer) returns void
language sql
begin atomic
    delete from history.failing where (branch_id, series_id) = (of_branch, of_series);
    select history.add_failing(of_branch, of_series, ~history.padded('', project.tests))
    from history.branch
    join history.project on project.id = project_id
    where branch.id = of_branch;
end;

comment on function history.renew_failing(integer, integer) is 'After a run was removed from among others.';

create function history.renew_failing(of_branch integer, of_series integer, wanted varbit) returns void
language plpgsql
as $$
begin
    if bit_count(wanted) > 0 then
        delete from history.failing
        where (branch_id, series_id) = (of_branch, of_series) and history.has(wanted, number);
        perform history.add_failing(of_branch, of_series, wanted);
    end if;
end
$$;

comment on function history.renew_failing(integer, integer, varbit) is
    'After the outcomes of these tests changed in a run. It takes time for them alone.';

create function history.keep_failing(of_run bigint) returns void
language plpgsql
as $$
declare
    added   record;
    -- Those that have to be looked for, back in time.
    unknown varbit;
    known   integer;
begin
    select branch_id, series_id, good || '' as good, bad || '' as bad into added
    from history.run
    join history.plane on run_id = id
    where id = of_run;
    if exists (select from history.run as later
               where (later.branch_id, later.series_id) = (added.branch_id, added.series_id) and later.id > of_run) then
        unknown := added.good | added.bad;
        -- In the middle of failures that go on, it is one more of them.
        for known in
            update history.failing set runs = runs + 1, last_run = greatest(last_run, of_run)
            where (branch_id, series_id) = (added.branch_id, added.series_id) and since_run < of_run
              and history.has(added.bad, number)
            returning number
        loop
            unknown := set_bit(unknown, known, 0);
        end loop;
        -- Before the last pass, it counts for nothing.
        for known in
            select number from history.failing
            where (branch_id, series_id) = (added.branch_id, added.series_id) and last_passed_run > of_run
              and history.has(unknown, number)
        loop
            unknown := set_bit(unknown, known, 0);
        end loop;
        delete from history.failing
        where (branch_id, series_id) = (added.branch_id, added.series_id) and history.has(unknown, number);
    else
        delete from history.failing
        where (branch_id, series_id) = (added.branch_id, added.series_id) and history.has(added.good, number);
        unknown := added.bad;
        for known in
            update history.failing set runs = runs + 1, last_run = of_run
            where (branch_id, series_id) = (added.branch_id, added.series_id) and history.has(added.bad, number)
            returning number
        loop
            unknown := set_bit(unknown, known, 0);
        end loop;
    end if;
    if bit_count(unknown) > 0 then
        perform history.add_failing(added.branch_id, added.series_id, unknown);
    end if;
end
$$;

comment on function history.keep_failing is 'After this run was added. It takes time for what changed alone.';

create function history.expire_failing(of_runs bigint[]) returns void
language sql
begin atomic
    -- Of each branch and series, the oldest runs. What was good last, or bad first, in one of them, is known no more.
    with removed as materialized (
        select run.id, run.branch_id, run.series_id, plane.bad || '' as bad
        from history.run
        join history.plane on plane.run_id = run.id
        where run.id = any(of_runs)
    ), newest as (
        select branch_id, series_id, max(id) as id from removed group by branch_id, series_id
    )
    update history.failing
    set last_passed_run = case when last_passed_run > newest.id then last_passed_run end,
        runs = runs - (
            select count(*) from removed
            where (removed.branch_id, removed.series_id) = (failing.branch_id, failing.series_id)
              and removed.id >= since_run and history.has(removed.bad, number)
        ),
        since_run = case when since_run > newest.id then since_run else coalesce((
            select run.id
            from history.run
            join history.plane on plane.run_id = run.id
            where (run.branch_id, run.series_id) = (failing.branch_id, failing.series_id) and run.id > newest.id
              and history.has(plane.bad, number)
            order by run.id
            limit 1
        ), since_run) end
    from newest
    where (failing.branch_id, failing.series_id) = (newest.branch_id, newest.series_id)
      and coalesce(last_passed_run, since_run) <= newest.id;
    delete from history.failing where runs = 0;
end;

comment on function history.expire_failing is 'Before these runs are removed, than which no older ones are there.';


-- Keeping up how long tests take.

create function history.plus(
    runs_so_far integer[], microseconds_so_far bigint[], seconds real[], skipped text
) returns table (runs integer[], microseconds bigint[])
language sql immutable parallel safe rows 1
begin atomic
    select array_agg(slot.runs + case when value is null or is_skipped = '1' then 0 else 1 end),
           array_agg(slot.microseconds + case when value is null or is_skipped = '1' then 0
                                              else round(value * 1e6)::bigint end)
    -- Side by side, and in order.
    from (
        select unnest(coalesce(runs_so_far, array_fill(0, array[256]))) as runs,
               unnest(coalesce(microseconds_so_far, array_fill(0::bigint, array[256]))) as microseconds,
               unnest(seconds) as value,
               string_to_table(rpad(skipped, 256, '0'), null) as is_skipped
    ) as slot;
end;

comment on function history.plus is 'What a tile comes to with the durations of one more run.';

create function history.add_to_totals(of_run bigint) returns void
language sql
begin atomic
    with added as (
        select run.project_id, durations.tile, (history.time_of(run.id) at time zone 'UTC')::date as day, seconds,
               -- Of bits, not of their text, which would be counted through from its beginning.
               substring(skipped.bits from tile * 256 + 1 for 256)::text as skipped
        from history.run
        join history.plane on plane.run_id = run.id
        join history.durations on durations.run_id = run.id
        cross join lateral (select plane.skipped || '' as bits offset 0) as skipped
        where run.id = of_run
    ), later as (
        update history.running_total as total
        set (runs, microseconds) = (
            select plus.runs, plus.microseconds
            from history.plus(total.runs, total.microseconds, seconds, skipped)
        )
        from added
        where (total.project_id, total.tile) = (added.project_id, added.tile) and total.day > added.day
    )
    insert into history.running_total (project_id, tile, day, runs, microseconds)
    select project_id, tile, day, plus.runs, plus.microseconds
    from added
    left join lateral (
        select runs, microseconds
        from history.running_total as total
        where (total.project_id, total.tile) = (added.project_id, added.tile) and total.day <= added.day
        order by total.day desc
        limit 1
    ) as so_far on true
    cross join lateral history.plus(so_far.runs, so_far.microseconds, seconds, skipped)
    on conflict (project_id, tile, day) do update set runs = excluded.runs, microseconds = excluded.microseconds;
end;

comment on function history.add_to_totals is 'After this run was added.';

create function history.take_from_totals(of_runs bigint[]) returns void
language sql
begin atomic
    -- All of them at once: each total is written once, whatever the number of runs.
    with taken as materialized (
        select run.project_id, durations.tile, (history.time_of(run.id) at time zone 'UTC')::date as day, slot.nth,
               count(*) as runs, sum(round(slot.value * 1e6)::bigint) as microseconds
        from history.run
        join history.plane on plane.run_id = run.id
        join history.durations on durations.run_id = run.id
        cross join lateral (select plane.skipped || '' as bits offset 0) as skipped
        cross join lateral unnest(seconds) with ordinality as slot (value, nth)
        where run.id = any(of_runs) and slot.value is not null
          and not history.has(skipped.bits, (durations.tile * 256 + slot.nth - 1)::integer)
        group by run.project_id, durations.tile, day, slot.nth
    ), so_far as (
        select project_id, tile, day, nth,
               sum(coalesce(taken.runs, 0)) over up_to as runs,
               sum(coalesce(taken.microseconds, 0)) over up_to as microseconds
        from (select distinct project_id, tile, day from taken) as tile
        cross join generate_series(1, 256) as nth
        left join taken using (project_id, tile, day, nth)
        window up_to as (partition by project_id, tile, nth order by day)
    ), up_to_day as materialized (
        select project_id, tile, day, array_agg(runs::integer order by nth) as runs,
               array_agg(microseconds::bigint order by nth) as microseconds
        from so_far
        group by project_id, tile, day
    )
    update history.running_total as total
    set (runs, microseconds) = (
        select array_agg(slot.runs - slot.taken_runs), array_agg(slot.microseconds - slot.taken_microseconds)
        from (
            select unnest(total.runs) as runs, unnest(up_to_day.runs) as taken_runs,
                   unnest(total.microseconds) as microseconds, unnest(up_to_day.microseconds) as taken_microseconds
        ) as slot
    )
    from up_to_day
    where (total.project_id, total.tile) = (up_to_day.project_id, up_to_day.tile) and total.day >= up_to_day.day
      and not exists (
        select from up_to_day as later
        where (later.project_id, later.tile) = (total.project_id, total.tile)
          and later.day > up_to_day.day and later.day <= total.day
      );
end;

comment on function history.take_from_totals is 'Before these runs are removed.';


-- What the views ask of a project, a branch or a run.

-- Of what a bit string says PostgreSQL knows nothing: it takes these for so much work that it would compile them first,
-- which takes longer than they do. Not set for each function, whose body would then be none of the query's.
do $$
begin
    execute format('alter database %I set jit = off', current_database());
end
$$;

create function history.main_branch(of_project integer) returns integer
language sql stable
begin atomic
    select branch.id
    from history.branch
    left join lateral (
        select main_branch as name
        from history.run
        where run.project_id = of_project and main_branch is not null
        order by run.id desc
        limit 1
    ) as said on true
    where project_id = of_project and branch.name in (said.name, 'main', 'master')
      and exists (select from history.run where branch_id = branch.id)
    order by branch.name is not distinct from said.name desc, branch.name
    limit 1;
end;

create function history.flaky(of_project integer, since_run bigint)
returns table (number integer, commits bigint, reruns bigint, first_run bigint, last_run bigint)
language sql stable rows 200
begin atomic
    with outcome as materialized (
        select run.id, run.series_id, run.commit, plane.flaky,
               history.padded(plane.good, project.tests) as good, history.padded(plane.bad, project.tests) as bad
        from history.project
        join history.run on run.project_id = project.id
        join history.plane on plane.run_id = run.id
        where project.id = of_project and run.id >= since_run
    ), changed as materialized (
        select series_id, commit, bit_or(good) & bit_or(bad) as bits
        from outcome
        where commit is not null
        group by series_id, commit
        having bit_count(bit_or(good) & bit_or(bad)) > 0
    ), seen as (
        select number, commit, false as is_rerun, id
        from (select series_id, commit, history.numbers(bits) as number from changed) as changed
        join outcome using (series_id, commit)
        where get_bit(outcome.bad, number) = 1
        union all
        select unnest(flaky), null, true, id
        from outcome
    )
    select number, count(distinct commit), count(*) filter (where is_rerun), min(id), max(id)
    from seen
    group by number;
end;

create function history.flips(of_project integer, since_run bigint, last_runs integer)
returns table (branch_id integer, series_id integer, number integer, runs bigint, flips bigint)
language sql stable rows 200
begin atomic
    with latest as (
        select run.id, run.branch_id, run.series_id,
               row_number() over (partition by run.branch_id, run.series_id order by run.id desc) as nth
        from history.run
        where run.project_id = of_project and run.id >= since_run
    ), outcome as materialized (
        select latest.id, latest.branch_id, latest.series_id,
               history.padded(plane.good, project.tests) as good, history.padded(plane.bad, project.tests) as bad
        from latest
        join history.project on project.id = of_project
        join history.plane on plane.run_id = latest.id
        where nth <= last_runs
    ), both_ways as (
        select branch_id, series_id, history.numbers(bit_or(good) & bit_or(bad)) as number
        from outcome
        group by branch_id, series_id
        having bit_count(bit_or(good) & bit_or(bad)) > 0
    ), bit as (
        -- A row of its own, or the bit strings would be sorted.
        select branch_id, series_id, number, id, get_bit(bad, number) as is_bad
        from both_ways
        join outcome using (branch_id, series_id)
        where get_bit(good, number) + get_bit(bad, number) = 1
        offset 0
    ), in_order as (
        select branch_id, series_id, number, is_bad,
               lag(is_bad) over (partition by branch_id, series_id, number order by id) as was_bad
        from bit
    )
    select branch_id, series_id, number, count(*), count(*) filter (where is_bad <> was_bad)
    from in_order
    group by branch_id, series_id, number;
end;

create function history.totals_between(of_project integer, first_day date, last_day date)
returns table (tile integer, runs integer[], microseconds bigint[], runs_before integer[], microseconds_before bigint[])
language sql stable rows 100
begin atomic
    select tile, latest.runs, latest.microseconds, coalesce(before.runs, array_fill(0, array[256])),
           coalesce(before.microseconds, array_fill(0::bigint, array[256]))
    from history.project
    cross join generate_series(0, (project.tests - 1) / 256) as tile
    cross join lateral (
        select total.day, total.runs, total.microseconds
        from history.running_total as total
        where (total.project_id, total.tile) = (of_project, tile.tile) and total.day <= last_day
        order by total.day desc
        limit 1
    ) as latest
    left join lateral (
        select total.runs, total.microseconds
        from history.running_total as total
        where (total.project_id, total.tile) = (of_project, tile.tile) and total.day < first_day
        order by total.day desc
        limit 1
    ) as before on true
    where project.id = of_project and latest.day >= first_day;
end;

comment on function history.totals_between is 'The totals of the tiles with a test that was measured: up to the last day, and before the first.';

create function history.durations_between(of_project integer, first_day date, last_day date)
returns table (number integer, runs integer, microseconds bigint)
language sql stable rows 10000
begin atomic
    select number, runs, microseconds
    from (
        select tile * 256 + generate_series(0, 255) as number, unnest(runs) - unnest(runs_before) as runs,
               unnest(microseconds) - unnest(microseconds_before) as microseconds
        from history.totals_between(of_project, first_day, last_day)
    ) as difference
    where runs > 0;
end;

create function history.mean_seconds(of_project integer, of_number integer, first_day date, last_day date)
returns double precision
language sql stable
begin atomic
    select (latest.microseconds - coalesce(before.microseconds, 0)) / 1e6::double precision
           / nullif(latest.runs - coalesce(before.runs, 0), 0)
    from (
        select runs[of_number % 256 + 1] as runs, microseconds[of_number % 256 + 1] as microseconds
        from history.running_total as total
        where (total.project_id, total.tile) = (of_project, of_number / 256) and total.day <= last_day
        order by total.day desc
        limit 1
    ) as latest
    left join lateral (
        select total.runs[of_number % 256 + 1] as runs, total.microseconds[of_number % 256 + 1] as microseconds
        from history.running_total as total
        where (total.project_id, total.tile) = (of_project, of_number / 256) and total.day < first_day
        order by total.day desc
        limit 1
    ) as before on true;
end;

comment on function history.mean_seconds is 'What durations_between says, of one test.';

-- So dear that it is called for the rows that are shown, and not for those that a limit leaves out.
create function history.p95_seconds(of_project integer, of_number integer, since_run bigint) returns double precision
language sql stable cost 100000
begin atomic
    select (percentile_disc(0.95) within group (order by seconds))::text::double precision
    from (
        select seconds[of_number % 256 + 1] as seconds, plane.skipped
        from history.run
        join history.durations on durations.run_id = run.id and tile = of_number / 256
        join history.plane on plane.run_id = run.id
        where project_id = of_project and run.id >= since_run
        -- Or the bits of all runs would be unpacked, and not of these alone.
        offset 0
    ) as measured
    where not history.has(skipped, of_number);
end;

create function history.changed(of_run bigint, base_run bigint)
returns table (change test_change, bits varbit, base_took_part varbit)
language sql stable rows 5
begin atomic
    with both_runs as (
        select greatest(length(run.good), length(base.good)) as size, run.good, run.bad, run.skipped,
               base.good as base_good, base.bad as base_bad, base.skipped as base_skipped
        from history.plane as run
        cross join history.plane as base
        where run.run_id = of_run and base.run_id = base_run
    ), padded as (
        select history.padded(good, size) as good, history.padded(bad, size) as bad,
               history.padded(skipped, size) as skipped, history.padded(base_good, size) as base_good,
               history.padded(base_bad, size) as base_bad, history.padded(base_skipped, size) as base_skipped
        from both_runs
    ), outcome as materialized (
        select good, bad, good | bad | skipped as took_part, base_bad, base_good | base_bad | base_skipped as base_took_part
        from padded
    )
    select 'newly failing'::test_change, bad & ~base_bad, base_took_part from outcome
    union all
    select 'still failing', bad & base_bad, base_took_part from outcome
    union all
    select 'fixed', good & base_bad, base_took_part from outcome
    union all
    select 'new', took_part & ~base_took_part & ~bad, base_took_part from outcome
    union all
    select 'vanished', base_took_part & ~took_part, base_took_part from outcome;
end;

comment on function history.changed is 'Which tests came out otherwise than in the base run, a bit for each; of each kind of change.';

create function history.changes(of_run bigint, base_run bigint)
returns table (number integer, change test_change, status test_status, base_status test_status)
language sql stable rows 200
begin atomic
    select each.number, change,
           coalesce(notable.status, case when change <> 'vanished' then 'passed'::test_status end),
           coalesce(base.status, case when history.has(base_took_part, each.number) then 'passed'::test_status end)
    from history.changed(of_run, base_run) as changed
    cross join lateral history.numbers(bits) as each (number)
    left join history.notable on notable.run_id = of_run and notable.number = each.number
    left join history.notable as base on base.run_id = base_run and base.number = each.number;
end;

create function history.first_changes(of_run bigint, base_run bigint, most integer)
returns table (change test_change, count bigint, number integer, status test_status, base_status test_status)
language sql stable rows 40
begin atomic
    select change, bit_count(bits), first.number,
           coalesce(notable.status, case when change <> 'vanished' then 'passed'::test_status end),
           coalesce(base.status, case when history.has(base_took_part, first.number) then 'passed'::test_status end)
    from history.changed(of_run, base_run) as changed
    cross join lateral (select number from history.numbers(bits) as each (number) order by number limit most) as first
    left join lateral (
        select notable.status from history.notable where run_id = of_run and notable.number = first.number offset 0
    ) as notable on true
    left join lateral (
        select notable.status from history.notable where run_id = base_run and notable.number = first.number offset 0
    ) as base on true;
end;

comment on function history.first_changes is
    'Of each kind of change so many tests, and how many there are: of thousands it takes a quarter of the time of changes.';

create function history.grid(of_branch integer, of_series integer, last_runs integer, most_tests integer)
returns table (number integer, run_ids uuid[], statuses test_status[])
language sql stable rows 200
begin atomic
    with latest as (
        select id, event_id, project_id
        from history.run
        where (branch_id, series_id) = (of_branch, of_series)
        order by id desc
        limit last_runs
    ), outcome as materialized (
        select latest.id, event_id, plane.flaky, plane.error, history.padded(plane.good, tests) as good,
               history.padded(plane.bad, tests) as bad, history.padded(plane.skipped, tests) as skipped
        from latest
        join history.plane on plane.run_id = latest.id
        join history.project on project.id = project_id
    ), troubled as (
        select number, count(*) filter (where is_bad) as bad, count(*) filter (where not is_bad) as flaky
        from (
            select history.numbers(bad) as number, true as is_bad from outcome
            union all
            select unnest(flaky), false from outcome
        ) as trouble
        group by number
    ), chosen as (
        select * from troubled
        union all
        (select numbers, 0, 0
         from (select bit_or(good | skipped) & ~bit_or(bad) as bits from outcome) as any_run
         cross join lateral history.numbers(bits)
         where numbers not in (select number from troubled)
         order by numbers
         limit most_tests)
        order by bad desc, flaky desc, number
        limit most_tests
    )
    select number, array_agg(event_id order by id), array_agg(status order by id)
    from (
        select number, event_id, id,
               case when get_bit(good, number) = 1
                    then case when number = any (outcome.flaky) then 'flaky' else 'passed' end
                    when get_bit(outcome.bad, number) = 1
                    then case when number = any (outcome.error) then 'error' else 'failed' end
                    when get_bit(skipped, number) = 1 then 'skipped' end::test_status as status
        from chosen
        cross join outcome
        -- A row of its own, or the bit strings would be sorted.
        offset 0
    ) as cell
    group by number;
end;


-- What people may rely on. Each is asked of one project, or of all: the answers of the others are then not worked out.

create view failing_tests as
select test.id as test_id, project.name as project, test.file, test.suite, test.classname, test.name, test.variant,
       branch.name as branch, series.name as series, history.time_of(since_run) as failing_since,
       run.event_id as first_failing_run_id, run.commit as first_failing_commit, runs,
       history.time_of(last_passed_run) as last_passed_at
from history.failing
join history.branch on branch.id = failing.branch_id
join history.series on series.id = failing.series_id
join history.project on project.id = branch.project_id
join history.test on (test.project_id, test.number) = (project.id, failing.number)
join history.run on run.id = since_run
where last_run >= (select history.key_of(now() - interval '30 days'));

comment on view failing_tests is
    'Tests that did not pass in the latest runs of a branch and series, and since when; runs that skipped them do not count.
     One that did not run for 30 days is forgotten: it was deleted, or its branch merged.';
comment on column failing_tests.runs is 'In how many it failed since.';
comment on column failing_tests.last_passed_at is 'Before that; null if it never did.';

create view flaky_tests as
select test.id as test_id, project.name as project, test.file, test.suite, test.classname, test.name, test.variant,
       commits, reruns, history.time_of(last_run) as last_seen_at
from history.project
cross join lateral history.flaky(project.id, history.key_of(now() - interval '30 days')) as flaky
join history.test on (test.project_id, test.number) = (project.id, flaky.number);

comment on view flaky_tests is
    'Tests that, in the last 30 days, both passed and failed on one commit in one series, or passed only after a rerun.';
comment on column flaky_tests.commits is 'On how many commits the outcome changed.';
comment on column flaky_tests.reruns is 'In how many runs it passed only after a rerun.';
comment on column flaky_tests.last_seen_at is 'When it was rerun so, or failed on one of these commits.';

create view flipping_tests as
select test.id as test_id, project.name as project, test.file, test.suite, test.classname, test.name, test.variant,
       branch.name as branch, series.name as series, runs, flips, flips / (runs - 1)::double precision as flip_rate
from history.project
cross join lateral history.flips(project.id, history.key_of(now() - interval '30 days'), last_runs => 20) as flips
join history.branch on branch.id = flips.branch_id
join history.series on series.id = flips.series_id
join history.test on (test.project_id, test.number) = (project.id, flips.number);

comment on view flipping_tests is
    'Tests that went from passing to failing or back within the last 20 runs of a branch and series, of the last 30 days.';
comment on column flipping_tests.runs is 'In how many of these it passed or failed.';
comment on column flipping_tests.flips is 'How many times it came out otherwise than the time before.';
comment on column flipping_tests.flip_rate is 'From 0 to 1: of the times when it could have come out otherwise.';

create view slowest_tests as
select test.id as test_id, project.name as project, test.file, test.suite, test.classname, test.name, test.variant,
       runs, mean_seconds,
       history.p95_seconds(project.id, test.number, history.key_of((day - 29)::timestamp at time zone 'UTC')) as p95_seconds
from (select (now() at time zone 'UTC')::date) as today (day)
cross join history.project
cross join lateral (
    select number, runs, microseconds / 1e6::double precision / runs as mean_seconds
    from history.durations_between(project.id, day - 29, day)
    order by microseconds / 1e6::double precision / runs desc, number
    limit 200
) as durations
join history.test on (test.project_id, test.number) = (project.id, durations.number);

comment on view slowest_tests is
    'How long each test took that ran today or on the 29 days before (UTC). Order by the mean, with a limit.';
comment on column slowest_tests.runs is 'In how many it was measured, and not skipped.';
comment on column slowest_tests.p95_seconds is 'In 95 % of these runs it took as long as this or less. It takes its time: see the limit.';

create view slower_tests as
select test_id, project.name as project, file, suite, classname, test.name, variant,
       runs, mean_seconds, runs_before, mean_seconds_before
from (select (now() at time zone 'UTC')::date) as today (day)
cross join history.project
cross join lateral (
    select recent.number, recent.runs, recent.microseconds / 1e6::double precision / recent.runs as mean_seconds,
           before.runs as runs_before, before.microseconds / 1e6::double precision / before.runs as mean_seconds_before
    from history.durations_between(project.id, day - 6, day) as recent
    join history.durations_between(project.id, day - 36, day - 7) as before using (number)
    where recent.runs >= 5 and before.runs >= 5
    offset 0
) as durations
-- By its key for each, and not all tests of each project: how few became slower PostgreSQL cannot know.
cross join lateral (
    select id as test_id, file, suite, classname, name, variant
    from history.test
    where (project_id, number) = (project.id, durations.number)
    offset 0
) as test
where mean_seconds >= 1.5 * mean_seconds_before and mean_seconds >= mean_seconds_before + 0.1;

comment on view slower_tests is
    'Tests that take longer, by a half and by 0.1 s, today and on the six days before (UTC) than on the 30 days before
     these; at least five times each.';

create view test_history as
select test_id, run_summary.id as run_id, project, series, branch, commit, build_url, uploaded_at,
       status, attempts, result.duration_seconds, type, message
from result
join run_summary on run_summary.id = run_id;

comment on view test_history is 'Each run of a test. Ask for one test.';

create view run_change as
select run.event_id as run_id, base.event_id as base_run_id, test.id as test_id, change, status, base_status
from history.run
cross join lateral (
    select id, event_id
    from history.run as earlier
    where (earlier.branch_id, earlier.series_id) = (run.branch_id, run.series_id) and earlier.id < run.id
    order by earlier.id desc
    limit 1
) as base
cross join lateral history.changes(run.id, base.id) as changes
join history.test on (test.project_id, test.number) = (run.project_id, changes.number);

comment on view run_change is
    'What is otherwise in a run than in the run before on its branch and series. Ask for one run; of any two,
     changes_between(run_id, base_run_id) says it.';
comment on column run_change.change is
    'A new test that fails is newly failing. One that is skipped instead of failing is none of these.';
comment on column run_change.base_status is 'In the run before; null if it was not there.';

create function changes_between(run_id uuid, base_run_id uuid)
returns table (test_id uuid, change test_change, status test_status, base_status test_status)
language sql stable rows 200
begin atomic
    select test.id, changes.change, changes.status, changes.base_status
    from history.run
    join history.run as base on base.project_id = run.project_id
    cross join lateral history.changes(run.id, base.id) as changes
    join history.test on (test.project_id, test.number) = (run.project_id, changes.number)
    where run.event_id = changes_between.run_id and base.event_id = base_run_id;
end;

comment on function changes_between is 'What is otherwise in a run than in another one of its project, as run_change says it.';

create view branch_grid as
select test.id as test_id, project.name as project, test.file, test.suite, test.classname, test.name, test.variant,
       branch.name as branch, series.name as series, run_ids, statuses
from history.project
join history.branch on branch.project_id = project.id
join history.series on series.project_id = project.id
cross join lateral history.grid(branch.id, series.id, last_runs => 30, most_tests => 200) as grid
join history.test on (test.project_id, test.number) = (project.id, grid.number);

comment on view branch_grid is
    'The last 30 runs of a branch and series, and how each test came out in them: of 200 tests, those first that failed most
     often, and then the flaky ones. Ask for one branch.';
comment on column branch_grid.statuses is 'As many as run_ids, in the order of time; null in a run without the test.';

create view project_summary as
select project.name as project, branch.name as main_branch, latest.event_id as last_run_id,
       history.time_of(latest.id) as last_uploaded_at, latest.tests,
       (select count(*) from history.failing
        where failing.branch_id = branch.id
          and last_run >= (select history.key_of(now() - interval '30 days'))) as failing_tests,
       (select count(*) from history.flaky(project.id, history.key_of(now() - interval '30 days'))) as flaky_tests,
       trend.*
from history.project
left join history.branch on branch.id = history.main_branch(project.id)
left join lateral (
    select id, event_id, tests from history.run where branch_id = branch.id order by id desc limit 1
) as latest on true
left join lateral (
    select array_agg(tests order by id) as trend_tests, array_agg(failed + error order by id) as trend_failed
    from (select id, tests, failed, error from history.run where branch_id = branch.id order by id desc limit 30) as last_runs
) as trend on true;

comment on view project_summary is 'How each project does on its main branch.';
comment on column project_summary.main_branch is
    'The one that the latest upload which says so (`tap-main-branch`) calls it, or else `main`, or else `master`; null if
     nothing ran there.';
comment on column project_summary.failing_tests is 'As failing_tests has them on the main branch.';
comment on column project_summary.flaky_tests is 'As flaky_tests has them, on all branches.';
comment on column project_summary.trend_tests is
    'How many tests each of the last 30 runs on the main branch had, in the order of time; of these, trend_failed did not pass.';
