-- Whose approval counts already, who asked back, and whether the bank refused the payment before.
alter table invoices add column approved_by text[] not null default '{}';
alter table invoices add column asked_by text;
alter table invoices add column payment_refused boolean not null default false;

-- A mail with reminders, as it is planned before it is sent. What became of it stands in the ledger of effects.
create table reminder_mails (
    -- Made of what it holds: the same reminders to the same person are the same mail.
    mail_id uuid primary key,
    client text not null,
    -- The ledger's key.
    effect text not null,
    run_id uuid not null,
    -- Id of the account that it goes to; its address is asked for when it is sent.
    recipient text not null,
    planned_on date not null
);
create index reminder_mails_of_client on reminder_mails (client, planned_on desc);

-- Of what a person was reminded; once for each step, so that nobody gets the same reminder twice.
create table reminders (
    document_id uuid not null,
    -- `approve` or `answer`.
    matter text not null check (matter in ('approve', 'answer')),
    -- The day by which it was to be done: a later one is another matter.
    due date not null,
    step integer not null,
    -- Whose duty it is; the mail goes to their substitute while they are away.
    person text not null,
    client text not null,
    mail_id uuid not null references reminder_mails (mail_id) on delete cascade,
    primary key (document_id, matter, due, step, person)
);
create index reminders_of_mail on reminders (mail_id);
