-- How many runs of which state each job has, for each client and for all of them (client is empty), and how
-- it went lately: what overviews would otherwise count anew out of millions (services/status/totals.py).
create table totals (
    client text collate "C" not null,
    job text collate "C" not null,
    queued bigint not null,
    running bigint not null,
    waiting bigint not null,
    succeeded bigint not null,
    partially_failed bigint not null,
    failed bigint not null,
    cancelled bigint not null,
    timed_out bigint not null,
    interrupted bigint not null,
    action_required bigint not null,
    last_run uuid,
    last_requested_at timestamptz,
    -- Of the last runs that ended by themselves: how many there are, how many of them succeeded, the median
    -- of the seconds that those took, and what the three are made from.
    ended integer not null,
    good integer not null,
    typical double precision,
    recent json,
    primary key (client, job)
);

-- The words before the colon of record keys.
create table record_kinds (
    kind text collate "C" primary key
);

-- Of systems and outcomes of calls: how many there were.
alter table runs add column calls json;

-- What a timeline tells of a large message, so that it need not be read for that.
alter table archive add column gist json;

-- The counts right away; what they cannot tell comes with the rebuild.
insert into totals
    select coalesce(client, ''), job,
        count(*) filter (where state = 'queued'), count(*) filter (where state = 'running'),
        count(*) filter (where state = 'waiting'), count(*) filter (where state = 'succeeded'),
        count(*) filter (where state = 'partially_failed'), count(*) filter (where state = 'failed'),
        count(*) filter (where state = 'cancelled'), count(*) filter (where state = 'timed_out'),
        count(*) filter (where state = 'interrupted'), count(*) filter (where action_required),
        null, null, 0, 0, null, null
    from runs
    group by grouping sets ((client, job), (job))
    having grouping(client) = 1 or client <> '';
insert into rebuilds (id, principal)
    select gen_random_uuid(), 'migration 0005' where exists (select from runs);
