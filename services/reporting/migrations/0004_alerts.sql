-- From when on people are told: what began before is shown only, so that the first start tells no old stories.
create table alerts_begin (
    single boolean primary key default true check (single),
    began_at timestamptz not null default now()
);
insert into alerts_begin default values;

-- How far each stream has been read for alerts.
create table alert_checkpoints (
    stream text primary key,
    -- When the stream was created, as the server spells it.
    created text not null,
    sequence bigint not null
);

-- What was said last about each part of a cause: that it holds, that it is gone.
create table alert_parts (
    kind text not null,
    key text not null,
    part text not null,
    held_at timestamptz,
    gone_at timestamptz,
    primary key (kind, key, part)
);
create index alert_parts_that_hold on alert_parts (kind, key)
    where held_at is not null and (gone_at is null or held_at > gone_at);

create table alerts (
    alert_id uuid primary key,
    kind text not null,
    key text not null,
    concern text not null,
    job text,
    client text,
    severity text not null check (severity in ('warning', 'critical')),
    -- By which it is told, by its name in the file.
    rule text not null,
    why text not null,
    next_step text not null,
    -- The last run that it is about.
    run_id uuid,
    opened_at timestamptz not null,
    last_at timestamptz not null,
    -- How often it happened while it was open.
    count integer not null default 1,
    -- It began before people were told of alerts.
    quiet boolean not null,
    closed_at timestamptz,
    -- Who closed it and why, where its cause was not seen to go.
    closed_by text,
    close_reason text
);
-- Never two of one cause at once.
create unique index alerts_open on alerts (kind, key) where closed_at is null;
create index alerts_closed on alerts (closed_at desc, alert_id);

create table silences (
    silence_id uuid primary key,
    -- Empty: every one.
    kinds text[] not null,
    jobs text[] not null,
    clients text[] not null,
    reason text not null,
    created_by text not null,
    created_at timestamptz not null default now(),
    ends_at timestamptz not null,
    -- Who ended it before its time.
    ended_by text
);
create index silences_by_end on silences (ends_at desc);

-- A message to one addressee about one alert or several.
create table tellings (
    telling_id uuid primary key,
    rule text not null,
    -- A mail address, or `webhook:<name>`.
    destination text not null,
    state text not null check (state in ('waiting', 'sending', 'sent', 'failed', 'in_doubt')),
    -- What is sent, the same in each attempt.
    content jsonb not null,
    created_at timestamptz not null default now(),
    attempts integer not null default 0,
    next_at timestamptz not null default now(),
    ended_at timestamptz,
    -- Why it waits, failed, or is in doubt.
    cause text
);
create index tellings_to_send on tellings (next_at) where state in ('waiting', 'sending');
create index tellings_of_hour on tellings (rule, destination, created_at);

-- What is to be told of an alert, and to whom.
create table alert_news (
    news_id bigint generated always as identity primary key,
    alert_id uuid not null references alerts (alert_id),
    destination text not null,
    rule text not null,
    what text not null check (what in ('opened', 'still', 'closed')),
    created_at timestamptz not null default now(),
    telling_id uuid references tellings (telling_id),
    -- It was silenced, and over when the silence was.
    dropped boolean not null default false
);
create index alert_news_to_tell on alert_news (news_id) where telling_id is null and not dropped;
create index alert_news_of_alert on alert_news (alert_id);
create unique index alert_news_once on alert_news (alert_id, destination, what) where what <> 'still';
