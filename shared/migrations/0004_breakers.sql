-- Circuit breakers of systems outside, one for each address, shared by all processes of the service.
create table breakers (
    system text not null,
    -- <host>:<port>
    host text not null,
    -- Calls that did not reach it, in a row, and since when.
    failures integer not null default 0,
    failing_since timestamptz,
    last_error text,
    -- While it is open; null: it is closed.
    opened_at timestamptz,
    next_try timestamptz,
    -- How often in a row it was tried in vain since it opened.
    tries integer not null default 0,
    -- Whoever tries has until then.
    trying_until timestamptz,
    last_success timestamptz,
    primary key (system, host)
);
