-- outside a transaction
-- The orders of each job with all that lists are filtered by, so that no run is read that is not shown: rows
-- are wide, and those of a job lie far apart (services/status/ways.py). What is written when a run ends is
-- written once for it.
drop index concurrently if exists runs_by_job_and_finish;
create index concurrently runs_by_job_and_finish on runs (job, finished_at, run_id)
    include (client, state, principal, trigger, action_required, requested_at) where finished_at is not null;
drop index concurrently if exists runs_by_job_and_length;
create index concurrently runs_by_job_and_length on runs (job, duration, run_id)
    include (client, state, principal, trigger, action_required, requested_at) where duration is not null;
drop index concurrently if exists runs_by_job_and_duration;
drop index concurrently if exists runs_by_job_and_time;
create index concurrently runs_by_job_and_time on runs (job, requested_at, run_id)
    include (client, state, principal, trigger, action_required);
drop index concurrently if exists runs_by_job;
