-- Invoices that may be paid, from `event.invoice.approved`, and where the payment of each stands.
create table payables (
    document_id uuid primary key,
    client text not null,
    kind text not null check (kind in ('invoice', 'credit_note')),
    state text not null default 'open' check (state in ('open', 'ordered', 'accepted', 'rejected', 'paid')),
    -- What is looked for in bank transactions, taken out of `approved`.
    invoice_number text,
    payee_name text,
    iban text,
    reference text,
    amount numeric,
    currency text,
    due_date date,
    -- Field -> value, as it was approved.
    approved jsonb not null,
    approved_by text[] not null,
    -- The event that says so; a later one replaces it as long as nothing is ordered or paid.
    approval_event uuid not null,
    approved_at timestamptz not null
);
create index payables_of_client on payables (client, state, due_date);
create index payables_by_reference on payables (client, reference) where reference is not null;
