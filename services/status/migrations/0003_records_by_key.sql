-- One index less to keep for each record: the primary key finds the runs of a key, too. And it is the only
-- one that a batch can look its records up by: by `records_by_position`, which a plan made while the table
-- was empty may choose, each lookup reads all records of the run.
alter table records drop constraint records_pkey;
drop index records_by_key;
alter table records add primary key (key, run_id);
