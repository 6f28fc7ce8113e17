-- outside a transaction
-- An index for every condition by which lists of runs are filtered, each with the newest last, and for every
-- order (services/status/ways.py); what a broken-off build has left goes first.
drop index concurrently if exists runs_by_client;
create index concurrently runs_by_client on runs (client, requested_at, run_id);
drop index concurrently if exists runs_by_state;
create index concurrently runs_by_state on runs (state, requested_at, run_id);
drop index concurrently if exists runs_by_principal;
create index concurrently runs_by_principal on runs (principal, requested_at, run_id);
drop index concurrently if exists runs_by_trigger;
create index concurrently runs_by_trigger on runs (trigger, requested_at, run_id);
drop index concurrently if exists runs_by_duration;
create index concurrently runs_by_duration on runs (duration, run_id);
drop index concurrently if exists runs_by_job_and_duration;
create index concurrently runs_by_job_and_duration on runs (job, duration, run_id);
drop index concurrently if exists runs_by_finish;
create index concurrently runs_by_finish on runs (finished_at, run_id);
drop index concurrently if exists runs_by_end;
-- The records of a run by outcome; merged they are all of them in their order.
drop index concurrently if exists records_by_outcome;
create index concurrently records_by_outcome on records (run_id, outcome, position);
drop index concurrently if exists records_by_position;
-- What a run led to, the earliest first.
drop index concurrently if exists runs_by_cause_and_time;
create index concurrently runs_by_cause_and_time on runs (cause_run, requested_at, run_id)
    where cause_run is not null;
drop index concurrently if exists runs_by_cause_run;
drop index concurrently if exists runs_by_rerun_and_time;
create index concurrently runs_by_rerun_and_time on runs (rerun_of, requested_at, run_id)
    where rerun_of is not null;
drop index concurrently if exists runs_by_rerun;
