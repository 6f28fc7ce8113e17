-- The projection: one row a run, its records, its external calls, its log lines. Made anew by a rebuild
-- (services/status/rebuild.py), which copies these definitions. Structured columns are `json`, not `jsonb`:
-- they are read whole, and keep what was published as it was written.

create table runs (
    run_id uuid primary key,
    job text collate "C" not null,
    client text,
    principal text,
    effective_principal text,
    trigger text,
    requested_at timestamptz not null,
    parameters json,
    reason text,
    idempotency_key text,
    rerun_of uuid,
    cause_run uuid,
    cause_event uuid,
    -- What was requested beyond the columns above: about, cause, only_records, traceparent.
    request json,
    first_sequence bigint not null,
    sequence bigint not null,
    requested boolean not null,
    state text not null,
    action_required boolean not null,
    started_at timestamptz,
    finished_at timestamptz,
    duration double precision,
    attempt integer not null,
    next_attempt_at timestamptz,
    counts json,
    records integer not null,
    changed integer not null,
    done bigint,
    total bigint,
    failure json,
    note text,
    in_doubt json,
    decisions json,
    cancel_requested boolean not null,
    history_incomplete boolean not null
) with (fillfactor = 80);

create index runs_by_time on runs (requested_at, run_id);
create index runs_by_job on runs (job, requested_at, run_id);
create index runs_by_end on runs (finished_at desc nulls last, run_id desc);
create index runs_by_action on runs (requested_at, run_id) where action_required;
create index runs_by_rerun on runs (rerun_of) where rerun_of is not null;
create index runs_by_cause_run on runs (cause_run) where cause_run is not null;
create index runs_by_cause_event on runs (cause_event) where cause_event is not null;

-- What runs are about. Keys longer than 500 characters are kept with the run, but cannot be searched for.
create table run_about (
    key text collate "C" not null,
    run_id uuid not null,
    primary key (key, run_id)
);

create table records (
    run_id uuid not null,
    key text collate "C" not null,
    position integer not null,
    outcome text not null,
    changed boolean not null,
    attempt integer not null,
    time timestamptz not null,
    label text,
    message text,
    failure json,
    changes json,
    primary key (run_id, key)
);

create index records_by_position on records (run_id, position);
create index records_by_key on records (key, time, run_id);

create table calls (
    run_id uuid not null,
    -- An event that a relay published twice is one event.
    event_id uuid not null,
    place integer not null,
    sequence bigint not null,
    attempt integer not null,
    system text not null,
    operation text not null,
    outcome text not null,
    started_at timestamptz not null,
    duration_ms double precision not null,
    detail text,
    failure json,
    primary key (run_id, event_id, place)
);

create table logs (
    run_id uuid not null,
    event_id uuid not null,
    place integer not null,
    sequence bigint not null,
    attempt integer not null,
    time timestamptz not null,
    level text not null,
    message text not null,
    fields json,
    primary key (run_id, event_id, place)
);
