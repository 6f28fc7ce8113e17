-- How far which stream is written down. One row for each.
create table checkpoints (
    stream text primary key,
    -- When the stream was created, as the server spells it: a recreated stream is another one.
    created text not null,
    sequence bigint not null,
    -- Of the payload of the message at `sequence`; empty before the first.
    digest text not null
);

-- Signed heads, and where they have been handed over.
create table heads (
    ordinal bigint primary key,
    number bigint not null unique,
    statement text not null,
    signature bytea not null,
    key bytea not null,
    signed_at timestamptz not null,
    written_at timestamptz,
    posted_at timestamptz
);

-- What each check of the log came to.
create table checks (
    run_id uuid primary key,
    finished_at timestamptz not null default now(),
    entries bigint not null,
    heads bigint not null,
    -- The first entry that is not as it was; null if all are.
    broken bigint,
    cause text
);
create index checks_by_time on checks (finished_at desc);
