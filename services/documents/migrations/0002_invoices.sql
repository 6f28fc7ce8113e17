-- The invoice that was found in a document, one row a document; none for a document that is no invoice.
create table invoices (
    document_id uuid primary key references documents,
    kind text not null check (kind in ('invoice', 'credit_note')),
    source text not null check (source in ('e_invoice', 'qr_bill', 'girocode', 'text')),
    format text,
    -- As `shared.commands.InvoiceField` and `InvoiceFinding` spell them.
    fields jsonb not null,
    findings jsonb not null,
    -- The run that last changed it, and what it did: within this run the outcome stays the same.
    run_id uuid not null,
    outcome text not null check (outcome in ('created', 'updated')),
    changes jsonb,
    analysed_at timestamptz not null default now()
);
