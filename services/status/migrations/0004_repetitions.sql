-- Which runs ask for the same (services/status/digest.py), and which of them only tell what they would do.
alter table runs add column dry_run boolean not null default false;
alter table runs add column parameters_digest bytea;

-- Those that have not ended, and the last one that has, of millions with the same parameters.
create index runs_by_parameters on runs (parameters_digest, finished_at, run_id)
    where parameters_digest is not null;
-- The few that wait for a decision: no job starts without a look at them.
create index runs_in_doubt on runs (job, client) where in_doubt is not null;
-- The last good and the last bad call of a system.
create index calls_by_system on calls (system, outcome, started_at);

-- The digests of what is there already: the projection is made anew beside it.
insert into rebuilds (id, principal)
    select gen_random_uuid(), 'migration 0004' where exists (select from runs);
