-- A status database as it is after two years: made at once, with the distributions of a real installation.
-- `:jobs`, `:runs` and `:records` are replaced (tests/benchmarks/pages_volume.py).
--
-- Few jobs and clients have most of the runs; a fifth of the jobs never fails; some jobs and clients ended
-- long ago; each year has more runs than the one before. What ended without success is some 6 %.

create temporary table plan as
select
    i,
    greatest(least(job, :jobs - 1), 0) as job,
    case when (job * 31 + client) % 3 = 0 then 0 else client end as client,
    at,
    draw,
    spread
from (
    select
        i,
        -- Jobs from 95 % on, and clients from 92 % on, are those of the first year.
        floor(:jobs * (case when i % 2 = 0 and i < :runs * 0.4 then 0.95 + random() * 0.05
            else power(random(), 2.5) * 0.95 end))::int as job,
        floor(120 * (case when i % 5 = 0 and i < :runs * 0.4 then 0.92 + random() * 0.08
            else power(random(), 3) * 0.92 end))::int as client,
        now() - interval '730 days' * (1 - power(i::float8 / :runs, 0.7)) - interval '1 minute' as at,
        random() as draw,
        random_normal() as spread
    from generate_series(1, :runs) i
) drawn;

create temporary table made as
select
    p.*,
    'bench.job-' || lpad(job::text, 3, '0') as job_id,
    'client-' || lpad(client::text, 3, '0') as client_id,
    case when i > :runs - 400 then (array['queued', 'running', 'waiting'])[1 + i % 3]
        when job % 5 = 0 or draw < 0.93 then case when draw > 0.995 then 'cancelled' else 'succeeded' end
        when draw < 0.96 then 'partially_failed'
        when draw < 0.985 then 'failed'
        when draw < 0.993 then 'cancelled'
        when draw < 0.998 then 'timed_out'
        else 'interrupted' end as state,
    (1 + job % 40) * exp(spread * 0.5) as seconds,
    -- A third of the runs has none or one record; one in 10,000 has 5,000.
    case when i % 10000 = 7 then 5000 when i % 3 = 0 then (i % 2)::int
        else least(500, floor(exp(random_normal() * 1.3 + 1.75)))::int end as records,
    -- Requested by a person: by time (version 7); the others by what caused them (version 5).
    case when i % 5 < 2 then
        (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(i::text), 1, 3)
            || '8' || substr(md5(i::text), 4, 15))::uuid
        else overlay(overlay(md5(i::text) placing '5' from 13) placing 'a' from 17)::uuid end as run_id
from plan p;

-- As many records as were asked for: the last long run of each job takes what is missing.
update made set records = 100000 where i in (
    select i from made where i % 97 = 3 and state = 'succeeded' order by i desc
    limit greatest(0, (:records - (select sum(records) from made)) / 100000)
);

insert into runs (
    run_id, job, client, principal, effective_principal, trigger, requested_at, parameters, rerun_of, cause_run,
    request, first_sequence, sequence, requested, state, action_required, started_at, finished_at, duration,
    attempt, calls, counts, records, changed, failure, cancel_requested, history_incomplete
)
select
    m.run_id, job_id, client_id,
    case when i % 5 < 2 then 'user-' || (client * 7 + i % 7) % 60 else 'service-' || job % 8 end,
    'service-' || job % 8,
    (array['manual', 'manual', 'schedule', 'event', 'event'])[1 + i % 5],
    at, '{"since": "2026-01-01"}',
    case when i % 200 = 1 then lag(m.run_id, 40) over (order by i) end,
    case when i % 5 = 4 then lag(m.run_id, 3) over (order by i) end,
    json_build_object('about', json_build_array('document:' || md5((i % (:runs / 3))::text)::uuid)),
    i * 3, i * 3 + 2, true, state,
    state in ('partially_failed', 'failed', 'timed_out') or state = 'interrupted' and i % 2 = 0,
    case when state <> 'queued' then at + interval '1 second' end,
    case when i <= :runs - 400 then at + interval '1 second' * (1 + seconds) end,
    case when i <= :runs - 400 then seconds end,
    case when state = 'queued' then 0 else 1 end,
    case when i % 3 = 1 then json_build_object('system-' || job % 12, json_build_object('succeeded', 1)) end,
    json_strip_nulls(json_build_object(
        'created', nullif(m.records - m.records / 4 - failed, 0), 'unchanged', nullif(m.records / 4, 0),
        'failed', nullif(failed, 0)
    )),
    m.records, m.records - m.records / 4 - failed,
    case when state in ('failed', 'timed_out') then json_build_object(
        'code', 'external_system_unavailable', 'cause', 'the bank does not answer', 'next_step', 'Try later.',
        'retryable', true) end,
    false, false
from (
    select *, case when state = 'partially_failed' then (records + 9) / 10 else 0 end as failed from made
) m
order by i;

insert into run_about (key, run_id)
select 'document:' || md5((i % (:runs / 3))::text)::uuid, run_id from made on conflict do nothing;

insert into calls (
    run_id, event_id, place, sequence, attempt, system, operation, outcome, started_at, duration_ms
)
select run_id, run_id, 0, i * 3 + 1, 1, 'system-' || job % 12, 'send', 'succeeded', at, 20 + 10 * abs(spread)
from made where i % 3 = 1;

insert into records (run_id, key, position, outcome, changed, attempt, time, label)
select
    run_id,
    case job % 5
        -- Each invoice is handled by about three runs.
        when 0 then 'invoice:INV-' || 2024 + client % 3 || '-' || lpad(((i * 37 + p * 101) % (:records / 15))::text, 7, '0')
            || case when p > 1 then '-' || p else '' end
        when 1 then 'bank-transaction:CH' || lpad((client * 7 % 90 + 10)::text, 2, '0') || '007620116'
            || lpad((client * 31 + p % 3)::text, 10, '0') || ':' || at::date || ':' || i || '-' || p
        when 2 then 'page:' || md5((i % 100000)::text)::uuid || ':' || p
        when 3 then 'bank-file:statement-' || i || '-' || p || '.xml'
        else 'rate:ecb:' || (array['USD', 'CHF', 'GBP', 'JPY'])[1 + p % 4] || ':' || at::date || ':' || p
    end,
    p,
    case when p <= records - records / 4 - failed then 'created'
        when p <= records - failed then 'unchanged' else 'failed' end,
    p <= records - records / 4 - failed,
    1, at + interval '1 second', 'No. ' || p
from (
    select *, case when state = 'partially_failed' then (records + 9) / 10 else 0 end as failed
    from made where records > 0
) m, generate_series(1, records) p
on conflict do nothing;

drop table plan, made;

-- What the fold keeps beside the rows: see services/status/totals.py.
create temporary table counted as
    select '' as client, job, run_id, state, action_required, requested_at, finished_at, duration from runs
    union all
    select client, job, run_id, state, action_required, requested_at, finished_at, duration from runs;

create temporary table lately as
select client, job, count(*)::int as ended, count(*) filter (where state = 'succeeded')::int as good,
    percentile_cont(0.5) within group (order by duration) filter (where state = 'succeeded') as typical,
    json_build_object(
        'ends', json_agg(state = 'succeeded' order by finished_at),
        'durations', coalesce(json_agg(duration order by finished_at) filter (where state = 'succeeded'), '[]')
    ) as recent
from (
    select *, row_number() over (partition by client, job order by finished_at desc) as place from counted
    where finished_at is not null and state <> 'cancelled'
) ranked
where place <= 50
group by client, job;

insert into totals
select c.client, c.job,
    count(*) filter (where state = 'queued'), count(*) filter (where state = 'running'),
    count(*) filter (where state = 'waiting'), count(*) filter (where state = 'succeeded'),
    count(*) filter (where state = 'partially_failed'), count(*) filter (where state = 'failed'),
    count(*) filter (where state = 'cancelled'), count(*) filter (where state = 'timed_out'),
    count(*) filter (where state = 'interrupted'), count(*) filter (where action_required),
    (array_agg(run_id order by requested_at desc, run_id desc))[1], max(requested_at),
    coalesce(any_value(l.ended), 0), coalesce(any_value(l.good), 0), any_value(l.typical),
    any_value(l.recent::text)::json
from counted c left join lately l on l.client = c.client and l.job = c.job
group by c.client, c.job;

insert into record_kinds
values ('bank-file'), ('bank-transaction'), ('document'), ('invoice'), ('page'), ('rate') on conflict do nothing;

drop table counted, lately;
