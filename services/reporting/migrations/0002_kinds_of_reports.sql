-- There are several kinds of reports: `due-dates`, `exceptions`, `audit`.
alter table reports add column kind text not null default 'due-dates';
alter table reports alter column kind drop default;
-- The first day that it is about, if it has one.
alter table reports add column since date;
-- How many things it names: invoices, exceptions, entries.
alter table reports rename column invoices to items;
update reports set summary = (summary - 'totals') || jsonb_build_object('due', summary->'totals');

-- Since when an invoice is where it is. Of those that are known already, the last that was told of them.
alter table invoices add column since timestamptz;
update invoices set since =
    (select max(happened_at) from invoice_events where invoice_events.document_id = invoices.document_id);
alter table invoices alter column since set not null;

-- How far each stream is read.
create table followed (
    stream text primary key,
    -- As the server spells it: a stream that was created anew is read from its beginning.
    created text not null,
    sequence bigint not null
);

-- Runs that are under way, and those that ended badly. Of the others nothing is kept.
create table known_runs (
    run_id uuid primary key,
    job text not null,
    client text not null,
    principal text not null,
    requested_at timestamptz not null,
    rerun_of uuid,
    attempt integer not null,
    records integer not null,
    handled integer not null,
    failed jsonb not null,
    state text,
    ended_at timestamptz,
    failure jsonb,
    doubts jsonb not null,
    open_doubts boolean not null,
    mended_by uuid,
    mended_at timestamptz
);
create index known_runs_ended on known_runs (client, ended_at) where ended_at is not null;
create index known_runs_in_doubt on known_runs (client) where open_doubts;

create table missed_occurrences (
    schedule text not null,
    nominal timestamptz not null,
    job text not null,
    client text not null,
    decided_at timestamptz not null,
    reason text,
    primary key (schedule, nominal)
);
create index missed_occurrences_of_client on missed_occurrences (client, decided_at);

create table dead_letters (
    -- In the stream DEAD: what a replay names.
    sequence bigint primary key,
    at timestamptz not null,
    durable text not null,
    subject text not null,
    code text not null,
    cause text not null,
    next_step text not null,
    -- As far as the message says one.
    client text
);
create index dead_letters_at on dead_letters (at);

-- What the scheduler's watch said: overdue and lost runs, queues that nobody works on. The end may come first.
create table watched (
    event_id uuid primary key,
    kind text,
    client text,
    job text,
    run_id uuid,
    opened_at timestamptz,
    detail text,
    closed_at timestamptz
);
create index watched_opened on watched (opened_at);

-- Which mails are meant to bring which report to whom, written before they are sent: when they were, the ledger of
-- effects knows. Addresses lie here and with the run that was asked for them, and in no event of the business.
create table report_mails (
    client text not null,
    -- In the ledger.
    effect text not null,
    report_id uuid not null references reports (report_id),
    address text not null,
    run_id uuid not null,
    -- Why it is sent to somebody who has it already.
    again text,
    primary key (client, effect)
);
create index report_mails_of_report on report_mails (report_id);
