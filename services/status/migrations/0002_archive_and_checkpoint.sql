-- Every message of RUNS as it was published, so that history outlives the stream. Partitions by sequence
-- are made ahead by the projector, named archive_<number>.
create table archive (
    sequence bigint not null,
    run_id uuid,
    type text,
    subject text not null,
    time timestamptz not null,
    payload bytea not null,
    primary key (sequence)
) partition by range (sequence);

create index archive_by_run on archive (run_id);

-- How far the projection is, and of which stream. One row.
create table checkpoint (
    one boolean primary key default true check (one),
    stream text not null,
    -- When the stream was created, as the server spells it: a recreated stream is another one.
    created text not null,
    -- The first sequence that was ever projected.
    first_sequence bigint not null,
    sequence bigint not null,
    -- Of the payload of the message at `sequence`.
    digest text not null,
    -- Why the projector stopped, as a failure; null while it goes on.
    stopped json
);

-- What could not be decoded, until it is published to DEAD; `published` rows stay as a record.
create table dead_letters (
    sequence bigint primary key,
    subject text not null,
    time timestamptz not null,
    payload bytea not null,
    reason text not null,
    published boolean not null default false
);

create index dead_letters_to_publish on dead_letters (sequence) where not published;

-- Who asked for the projection to be made anew, and what came of it.
create table rebuilds (
    id uuid primary key,
    principal text not null,
    requested_at timestamptz not null default now(),
    finished_at timestamptz,
    events bigint,
    runs bigint,
    seconds double precision,
    failure json
);
