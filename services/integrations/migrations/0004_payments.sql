-- An approval that came while a payment was under way; it counts if the bank rejects that.
alter table payables add column later_approval jsonb;

-- Invoices that may not be paid although they were approved before `since`. A later approval lifts it.
create table payable_holds (
    document_id uuid primary key,
    client text not null,
    since timestamptz not null,
    reason text not null
);

-- What a run of create-payment-file decided, once: another attempt of it decides nothing anew.
create table payment_reservations (
    run_id uuid primary key,
    client text not null,
    -- Records of the invoices that it did not order.
    left_out jsonb not null
);

create table payment_files (
    -- MsgId is this without dashes.
    id uuid primary key,
    client text not null,
    -- The run that reserved its orders, and as whom.
    run_id uuid not null references payment_reservations (run_id),
    principal text not null,
    created_at timestamptz not null,
    -- The message, byte for byte, until it lies in the files port.
    content bytea,
    sha256 text not null,
    size integer not null,
    -- Name of the copy that is moved into the pick-up folder; set before it is.
    staged text,
    completed_at timestamptz,
    -- The run that completed it: another one if the first broke off.
    completed_by uuid,
    check ((content is null) = (completed_at is not null))
);
create index payment_files_of_client on payment_files (client, created_at desc, id);
create index payment_files_begun on payment_files (client) where completed_at is null;

create table payment_orders (
    -- EndToEndId.
    payment_id text primary key,
    file_id uuid not null references payment_files (id),
    -- PmtInfId and InstrId.
    block_id text not null,
    instruction_id text not null,
    client text not null,
    document_id uuid not null references payables (document_id),
    -- Which order of the document it is, from 1.
    number integer not null,
    -- IBAN of the client's own account.
    account text not null,
    execution_date date not null,
    amount numeric not null check (amount > 0),
    currency text not null,
    payee_name text not null,
    iban text not null,
    reference text,
    label text not null,
    state text not null default 'ordered' check (state in ('ordered', 'accepted', 'rejected', 'paid')),
    -- What the bank said last that counted: when, as it dates it, and why; and when we learned of it.
    status_at timestamptz,
    reason_code text,
    reason text,
    changed_at timestamptz not null default now(),
    unique (document_id, number)
);
create index payment_orders_of_file on payment_orders (file_id, block_id);
-- No invoice stands in two files: a second order of a document needs the first to be rejected.
create unique index payment_orders_one_alive on payment_orders (document_id) where state <> 'rejected';

-- What the bank's messages changed, the oldest first by id.
create table payment_changes (
    id bigint generated always as identity primary key,
    payment_id text not null references payment_orders (payment_id),
    -- MsgId of the bank, and what kind of message it was.
    message_id text not null,
    message_kind text not null,
    run_id uuid not null,
    before text not null,
    after text not null,
    status_at timestamptz not null,
    reason_code text,
    reason text,
    changed_at timestamptz not null default now()
);
create index payment_changes_of_order on payment_changes (payment_id, id);

-- Files of the inbox that were read to their end, by content.
create table payment_status_files (
    client text not null,
    sha256 text not null,
    file_name text not null,
    message_id text not null,
    run_id uuid not null,
    read_at timestamptz not null default now(),
    primary key (client, sha256)
);
