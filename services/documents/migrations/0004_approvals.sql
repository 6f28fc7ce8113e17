-- What was read, before corrections, knowledge about the supplier and duplicates are laid over it. `fields` and
-- `findings` are what holds.
alter table invoices
    add column read_fields jsonb,
    add column read_findings jsonb,
    -- In which order invoices were found: of two that seem to be the same, the later one is the duplicate.
    add column position bigint generated always as identity,
    -- Who issued it, in every way that is known (`vat:…`, `iban:…`, `name:…`), and which number it has.
    add column issuers text[] not null default '{}',
    add column number text,
    add column gross numeric,
    add column issued date,
    add column duplicate_of uuid;
update invoices set read_fields = fields, read_findings = findings;
alter table invoices alter column read_fields set not null, alter column read_findings set not null;
create index invoices_by_issuer on invoices using gin (issuers);
create index invoices_duplicates on invoices (duplicate_of) where duplicate_of is not null;

-- What a person said about a field; it outlives every analysis.
create table corrections (
    document_id uuid not null references documents,
    field text not null,
    -- Null: the invoice has no such field.
    value text,
    principal text not null,
    reason text,
    corrected_at timestamptz not null default now(),
    primary key (document_id, field)
);

-- What is known of a client's suppliers, from corrections and approvals.
create table suppliers (
    supplier_id uuid primary key,
    client text not null,
    -- Field -> value, and the accounts that were paid or corrected to.
    facts jsonb not null default '{}',
    ibans text[] not null default '{}',
    -- Field -> the label that stands before its value on this supplier's invoices.
    labels jsonb not null default '{}',
    updated_at timestamptz not null default now(),
    -- The run that last learned labels, and what it did: within this run the outcome stays the same.
    learned_by uuid,
    learned text
);
create table supplier_keys (
    client text not null,
    key text not null,
    supplier_id uuid not null references suppliers,
    primary key (client, key)
);
create index supplier_keys_of_supplier on supplier_keys (supplier_id);

-- One approval a document.
create table approvals (
    document_id uuid primary key references documents,
    client text not null,
    state text not null check (state in ('waiting', 'questioned', 'approved', 'rejected')),
    -- The values that it is about, and the name of that set of values.
    values_version text not null,
    kind text not null,
    content jsonb not null,
    rule text not null,
    note text,
    role text not null,
    approvals_needed integer not null check (approvals_needed > 0),
    approved_by text[] not null default '{}',
    due date not null,
    cost_center text,
    -- How often it was asked for.
    rounds integer not null default 1,
    question text,
    asked_by text,
    -- The document that a person said this one is no duplicate of.
    cleared_duplicate uuid,
    requested_at timestamptz not null default now(),
    -- The run that last changed it, and what it did: within this run the outcome stays the same.
    run_id uuid not null,
    outcome text not null check (outcome in ('created', 'updated'))
);
create index approvals_by_due on approvals (due, document_id);

-- Everything that happened to an approval; nothing is ever removed.
create table approval_steps (
    -- Of a payment's step the id of the event that told it: it comes again and is written once.
    step_id uuid primary key,
    document_id uuid not null references documents,
    position bigint generated always as identity,
    at timestamptz not null default now(),
    kind text not null,
    principal text not null,
    words text not null,
    values_version text,
    -- The values of that version, where it begins here.
    content jsonb
);
create index approval_steps_of_document on approval_steps (document_id, position);

-- Where the payment of an invoice stands, from the events of the integrations service.
create table payments (
    document_id uuid primary key,
    state text not null check (state in ('open', 'ordered', 'accepted', 'rejected', 'paid')),
    at timestamptz not null,
    -- As `shared.commands.Payment` spells it.
    detail jsonb not null
);

-- Exchange rates, from `event.rates.imported`: 1 `base` costs `rate` `quote`.
create table rates (
    client text not null,
    source text not null,
    currency text not null,
    day date not null,
    base text not null,
    quote text not null,
    rate numeric not null check (rate > 0),
    primary key (client, source, currency, day)
);
