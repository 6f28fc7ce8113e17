-- The log itself, in a schema that the administrator owns: nobody who writes it may change or remove what is
-- written. Made at provisioning (deploy/roles.py).
create table log (
    one boolean primary key default true check (one),
    id uuid not null default gen_random_uuid(),
    -- Never changed: who appends locks this row, and has to be allowed to change something of it for that.
    turn integer not null default 0
);
insert into log default values;

-- What stays for ever: services/audit/core.py says what `hash` is made of.
create table entries (
    number bigint primary key check (number > 0),
    event_id uuid not null unique,
    recorded_at timestamptz not null,
    kind text not null,
    content_hash bytea not null,
    hash bytea not null
);
create index entries_by_kind on entries (kind, number);

-- What is removed when its time is over. The columns are copies from the content, to find it by.
create table contents (
    number bigint primary key references entries,
    salt bytea not null,
    content bytea not null,
    time timestamptz not null,
    principal text not null,
    effective_principal text,
    client text,
    concern text not null,
    run_id uuid,
    trace_id text
);
create index contents_by_principal on contents (principal, number);
create index contents_by_client on contents (client, number) where client is not null;
create index contents_by_concern on contents (concern, number);
create index contents_by_run on contents (run_id, number) where run_id is not null;
create index contents_by_trace on contents (trace_id, number) where trace_id is not null;
create index contents_by_time on contents (time);

grant usage on schema audit_log to audit, audit_keeper;
grant select, update (turn) on log to audit, audit_keeper;
grant select, insert on entries, contents to audit, audit_keeper;
grant delete on contents to audit_keeper;
