create table upload (
    event_id      uuid        primary key,
    bucket        text        not null,
    key           text        not null,
    version_id    text        not null,
    etag          text        not null,
    size          bigint      not null,
    kind          text        not null check (kind in ('junit', 'artifact')),
    status        text        not null check (status in ('success', 'error')),
    error_code    text,
    error_message text,
    processed_at  timestamptz not null,
    unique (bucket, key, version_id),
    check ((status = 'error') = (error_code is not null)),
    check ((error_code is null) = (error_message is null))
);

comment on table upload is 'One version of one object of the upload bucket, once processed.';
comment on column upload.event_id is 'UUIDv5 of bucket, key and version; the event of the upload carries it.';
comment on column upload.size is 'In bytes, as stored in S3.';

create table outbox (
    event_id uuid  primary key references upload,
    detail   jsonb not null,
    sent_at  timestamptz
);

comment on table outbox is 'The events of uploads; one without sent_at is put on the bus when its message is delivered again.';
