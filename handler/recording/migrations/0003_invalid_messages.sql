create table invalid_message (
    message_id   text        primary key,
    body         text        not null,
    set_aside_at timestamptz not null default clock_timestamp()
);

comment on table invalid_message is
    'Messages of the ingest queue that were no notifications of uploads; the latest thousand, for an operator to look at.';
comment on column invalid_message.message_id is 'SQS''s; the log has it as well.';
comment on column invalid_message.body is 'As it came; of a long one the beginning and the end.';
