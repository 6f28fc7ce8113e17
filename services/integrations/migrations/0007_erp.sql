-- Invoices as they were approved last, from `event.invoice.approved`: what may be booked.
create table erp_invoices (
    document_id uuid primary key,
    client text not null,
    kind text not null check (kind in ('invoice', 'credit_note')),
    -- Field -> value, as it was approved.
    approved jsonb not null,
    cost_center text,
    approval_event uuid not null,
    approved_at timestamptz not null
);
create index erp_invoices_of_client on erp_invoices (client);
-- Those that were approved before this service kept them for booking.
insert into erp_invoices (document_id, client, kind, approved, approval_event, approved_at)
    select document_id, client, kind, approved, approval_event, approved_at from payables;

-- What a run of erp-export decided, once: another attempt of it decides nothing anew.
create table erp_reservations (
    run_id uuid primary key,
    client text not null,
    -- Records of the invoices that it did not book.
    left_out jsonb not null
);

create table erp_exports (
    id uuid primary key,
    client text not null,
    -- The run that reserved its invoices, and as whom.
    run_id uuid not null references erp_reservations (run_id),
    principal text not null,
    created_at timestamptz not null,
    -- How its folder is called: the client's exports are numbered.
    name text not null,
    -- The stack of bookings, byte for byte, until it is handed over.
    content bytea,
    sha256 text not null,
    -- Name of the copy that is moved into the ERP's folder; set before it is.
    staged text,
    completed_at timestamptz,
    -- The run that completed it: another one if the first broke off.
    completed_by uuid,
    check ((content is null) = (completed_at is not null)),
    unique (client, name)
);
create index erp_exports_begun on erp_exports (client) where completed_at is null;

create table erp_bookings (
    -- No invoice is booked twice: the last line, should the code above it be wrong.
    document_id uuid primary key references erp_invoices (document_id),
    export_id uuid not null references erp_exports (id),
    client text not null,
    label text not null,
    invoice_number text,
    -- Gross, in euros; negative for a credit note.
    amount numeric not null,
    -- Field -> value, as it was booked, and when that was approved.
    booked jsonb not null,
    approved_at timestamptz not null,
    -- Until when it was told what has become of the invoice since.
    told_until timestamptz not null
);
create index erp_bookings_of_export on erp_bookings (export_id);
