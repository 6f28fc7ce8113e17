-- What leaves with the row: messages written in the same transaction as the data that they tell of.
create table outbox (
    id bigint generated always as identity primary key,
    -- Nats-Msg-Id: the same message sent twice is stored once.
    msg_id uuid not null,
    run_id uuid,
    subject text not null,
    payload bytea not null
);
create index outbox_run on outbox (run_id);

-- The newest attempt of a run that wrote here: an older one can no longer commit.
create table fences (
    run_id uuid primary key,
    attempt integer not null,
    touched_at timestamptz not null default now()
);

-- The ledger of effects that must happen once.
create table effects (
    client text not null,
    effect text not null,
    state text not null check (state in ('begun', 'done', 'unknown', 'released')),
    run_id uuid not null,
    attempt integer not null,
    record text,
    detail text,
    begun_at timestamptz not null default now(),
    completed_at timestamptz,
    primary key (client, effect)
);
create index effects_run on effects (run_id);
