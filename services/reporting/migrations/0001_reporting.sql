-- What other services told of an invoice, as it came. Events may come late or out of order; what is known of the
-- invoice is always made of all of them, in the order of their times.
create table invoice_events (
    event_id uuid primary key,
    document_id uuid not null,
    client text not null,
    happened_at timestamptz not null,
    content jsonb not null
);
create index invoice_events_of_document on invoice_events (document_id);

-- Where each invoice stands: what reports are made of.
create table invoices (
    document_id uuid primary key,
    client text not null,
    kind text not null check (kind in ('invoice', 'credit_note')),
    state text not null check (state in
        ('read', 'waiting', 'questioned', 'to_pay', 'ordered', 'refused', 'paid', 'rejected')),
    supplier text,
    invoice_number text,
    -- Of a credit note below zero.
    amount numeric,
    currency text,
    due_date date,
    possible_duplicate boolean not null,
    -- Who may approve, if it waits for that, and by when.
    role text,
    approval_due date
);
create index invoices_open on invoices (client, due_date) where state not in ('paid', 'rejected');

-- A report is what it says: the same content is the same report, whichever run makes it.
create table reports (
    report_id uuid primary key,
    client text not null,
    job text not null,
    -- The run that made it, and as whom.
    run_id uuid not null,
    principal text not null,
    created_at timestamptz not null default now(),
    language text not null,
    until date not null,
    -- How many invoices it names.
    invoices integer not null,
    -- What a mail says of it.
    summary jsonb not null
);
create index reports_of_client on reports (client, created_at desc, report_id);

create table report_files (
    report_id uuid not null references reports (report_id),
    format text not null check (format in ('pdf', 'xlsx', 'csv')),
    client text not null,
    -- What it is called where it is downloaded, mailed or put into a folder.
    file_name text not null,
    size integer not null,
    sha256 text not null,
    primary key (report_id, format)
);

-- Which report a run delivers: another attempt of it makes no other one, whatever has changed meanwhile.
create table report_runs (
    run_id uuid primary key,
    client text not null,
    report_id uuid not null references reports (report_id)
);
