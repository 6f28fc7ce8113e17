-- outside a transaction
-- One index less to keep for each record: the primary key finds the runs of a key, too. And it is the only
-- one that a batch can look its records up by: by `records_by_position`, which a plan made while the table
-- was empty may choose, each lookup reads all records of the run.
-- The new index is built while others read and write; what a broken-off build has left goes first.
drop index concurrently if exists records_by_key_and_run;
create unique index concurrently records_by_key_and_run on records (key, run_id);
alter table records drop constraint records_pkey,
    add constraint records_pkey primary key using index records_by_key_and_run;
drop index concurrently if exists records_by_key;
