-- Mails that were taken in hand, by what the server calls them. UIDs mean something only with their UIDVALIDITY.
create table mails (
    client text not null,
    mailbox text not null,
    folder text not null,
    uid_validity bigint not null,
    uid bigint not null,
    -- The outcome that the run told, as a record.
    record jsonb not null,
    -- Whether it became no document.
    refused boolean not null,
    run_id uuid not null,
    stored_at timestamptz not null default now(),
    -- Since when it is known to have left the folder; such a row is kept for a day, for attempts to come.
    moved_at timestamptz,
    primary key (client, mailbox, folder, uid_validity, uid)
);
create index mails_of_run on mails (run_id);
