-- Bank statements and their transactions, by client.

-- The spellings under which an account came, and the one under which it is known: the first.
create table bank_accounts (
    client text not null,
    spelling text not null,
    account text not null,
    primary key (client, spelling)
);

create table bank_statements (
    -- Derived from what the statement says: the same statement is the same row.
    id uuid not null,
    client text not null,
    key text not null,
    label text not null,
    account text not null,
    currency text not null,
    -- `camt.053.001.08`, `mt940`.
    message text not null,
    opening_amount numeric,
    opening_day date,
    closing_amount numeric,
    closing_day date,
    total numeric not null,
    entries integer not null,
    not_booked integer not null,
    first_day date,
    last_day date,
    -- What a person should know: gaps, balances that could not be checked.
    warnings text[] not null,
    file_name text not null,
    run_id uuid not null,
    -- Set when the last of its entries was stored.
    completed_at timestamptz,
    primary key (client, id)
);
create index bank_statements_by_day on bank_statements (client, account, closing_day);

create table bank_transactions (
    client text not null,
    -- The record key: account, day, signed amount, currency, and which of the equal ones it is.
    key text not null,
    account text not null,
    keyed_on date not null,
    -- Signed: negative is money that left the account.
    amount numeric not null,
    currency text not null,
    nth integer not null,
    booked_on date not null,
    -- Whether the bank named the booking date; else it is the value date.
    booked_known boolean not null,
    valued_on date,
    reversal boolean not null,
    bank_reference text,
    code text,
    text text,
    charges text,
    batch_id text,
    party text,
    party_account text,
    -- Transactions of which it consists, as far as a file told.
    details jsonb not null,
    details_count integer not null,
    -- How much they tell, and the rank of the message that told it: richer details replace poorer ones.
    details_fields integer not null,
    details_rank integer not null,
    -- Format -> kind of evidence -> value: what tells it from others of the same amount and day.
    evidence jsonb not null,
    -- `none`, or what became of it: `matched`, `partly`, `ambiguous`, `reversed`.
    match text not null default 'none',
    statement_id uuid not null,
    -- The run that stored it, and the last that changed it.
    run_id uuid not null,
    changed_by uuid,
    stored_at timestamptz not null default now(),
    primary key (client, key)
);
create index bank_transactions_equal on bank_transactions (client, account, amount, keyed_on);
create index bank_transactions_newest on bank_transactions (client, booked_on desc, key);

-- Which transaction pays which invoice.
create table bank_matches (
    id bigint generated always as identity primary key,
    client text not null,
    transaction_key text not null,
    -- Which of the transaction's details, from 0.
    detail integer not null,
    document_id uuid not null references payables (document_id),
    -- In the currency of the invoice; positive.
    amount numeric not null,
    currency text not null,
    -- `payment_id`, `reference` or `amount_and_party`.
    matched_by text not null,
    -- Letters and digits of the end-to-end id, by which a reversal finds it.
    payment_id text,
    -- Whether the invoice was paid in full with it.
    settles boolean not null,
    run_id uuid not null,
    matched_at timestamptz not null default now(),
    -- The transaction that took it back.
    reversed_by text,
    foreign key (client, transaction_key) references bank_transactions (client, key)
);
create index bank_matches_of_transaction on bank_matches (client, transaction_key);
create index bank_matches_of_document on bank_matches (document_id);
-- An invoice is paid once: `event.invoice.paid` leaves with this row.
create unique index bank_matches_one_settles on bank_matches (document_id)
    where settles and reversed_by is null;

-- Files of the inbox of which everything was handled; as they were then.
create table bank_files (
    client text not null,
    name text not null,
    size bigint not null,
    modified timestamptz not null,
    run_id uuid not null,
    primary key (client, name)
);
