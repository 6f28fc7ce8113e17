-- Agents in customers' networks, as they told of themselves.
create table agents (
    client text not null,
    name text not null,
    online boolean not null,
    -- Its connection: the farewell of an earlier one says nothing.
    session uuid not null,
    -- When it was last heard, and since when it is there or away.
    seen_at timestamptz not null,
    since timestamptz not null,
    version text,
    actions jsonb not null,
    primary key (client, name)
);

create table agent_commands (
    id uuid primary key,
    client text not null,
    agent text not null,
    action text not null,
    run_id uuid not null,
    job text not null,
    principal text not null,
    traceparent text,
    -- Its key in the ledger, of an action that changes something.
    effect text,
    sent_at timestamptz not null,
    -- Until when the agent may begin, and until when a run waits for its answer.
    expires_at timestamptz not null,
    answer_by timestamptz not null,
    -- How it ended; null: not known yet.
    outcome text check (outcome in ('done', 'failed', 'refused', 'unknown')),
    -- The end that the agent told.
    ending jsonb,
    ended_at timestamptz
);
create index agent_commands_of_run on agent_commands (run_id);
create index agent_commands_of_agent on agent_commands (client, agent, sent_at desc);
create index agent_commands_in_the_ledger on agent_commands (ended_at) where effect is not null;

create table agent_answers (
    command uuid not null references agent_commands (id),
    -- Counted by the agent from 1: one that comes twice is here once.
    number integer not null,
    received_at timestamptz not null,
    -- As it came; of pieces of a file only until the file is stored.
    payload text not null,
    -- Of the last piece of a file: the record of its document.
    record jsonb,
    primary key (command, number)
);
