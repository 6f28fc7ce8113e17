-- Spans of the last days, as they come in over OTLP. One partition for each day on which they came, so that a day
-- is forgotten by dropping a table; the status service makes and drops them (services/status/spans/store.py).
create table spans (
    received date not null,
    trace_id text not null,
    span_id text not null,
    parent_id text,
    service text not null,
    instance text,
    name text not null,
    -- As OTLP numbers them: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    kind smallint not null,
    started_at timestamptz not null,
    microseconds bigint not null,
    failed boolean not null,
    -- A stable code.
    error text,
    run_id uuid,
    job text,
    client text,
    attempt int,
    -- Something that people look for: a request, a message, an attempt of a run.
    entry boolean not null,
    attributes jsonb not null,
    -- Trace ids that it is linked to.
    links text[] not null
) partition by range (received);

create index spans_of_trace on spans (trace_id);
create index spans_of_run on spans (run_id) where run_id is not null;
create index spans_slowest on spans (microseconds desc) where entry;
create index spans_failed on spans (started_at desc) where entry and failed;
