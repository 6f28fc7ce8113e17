-- What the ERP holds of suppliers, cost centers and open items, as it was read last. One table: they are read,
-- compared and marked as gone in the same way, and differ in their values only.
create table erp_entries (
    client text not null,
    list text not null check (list in ('suppliers', 'cost-centers', 'open-items')),
    -- How the ERP knows it.
    id text not null,
    label text not null,
    -- Field -> value; without what the ERP left out.
    values jsonb not null,
    -- Not in the list any more; the values are the last known.
    gone boolean not null default false,
    -- Of the entry in the ERP, to change it only as it was read.
    etag text,
    -- The run that wrote it last, and what it found: {"values": …, "gone": …}, null for nothing.
    run_id uuid not null,
    before jsonb,
    changed_at timestamptz not null default now(),
    primary key (client, list, id)
);
create index erp_entries_of_document on erp_entries ((values->>'external_id')) where list = 'open-items';

-- Lists that were read to their end.
create table erp_lists (
    client text not null,
    list text not null,
    etag text,
    run_id uuid not null,
    read_at timestamptz not null default now(),
    primary key (client, list)
);

-- Open items that the ERP is to be told are paid: decided in one transaction, done in another.
create table erp_settlements (
    client text not null,
    item_id text not null,
    document_id uuid not null,
    -- As it was read; the ERP changes nothing that has another one since.
    etag text not null,
    paid_on date,
    run_id uuid not null,
    done_at timestamptz,
    primary key (client, item_id)
);

-- Bookings that go to the ERP over its interface, one by one and without a file. The key of the table still
-- says that no invoice is booked twice, wherever.
alter table erp_bookings
    alter column export_id drop not null,
    add column booked_in text not null default 'datev' check (booked_in in ('datev', 'erp')),
    add column currency text not null default 'EUR',
    -- What is sent, and to be sent again if need be; and by which run.
    add column request jsonb,
    add column run_id uuid,
    add column reserved_at timestamptz,
    -- How the ERP calls the booking, and which run knew that it has it.
    add column number text,
    add column completed_by uuid,
    add column completed_at timestamptz,
    add check ((booked_in = 'datev') = (export_id is not null)),
    add check ((booked_in = 'erp') = (request is not null));
create index erp_bookings_begun on erp_bookings (client) where booked_in = 'erp' and completed_at is null;
