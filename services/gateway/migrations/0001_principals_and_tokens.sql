-- Users, service users and MQTT clients; published from here to the bucket `principals`.
create table principals (
    id text primary key,
    name text not null,
    kind text not null,
    roles text[] not null,
    clients text[] not null,
    active boolean not null default true,
    changed_at timestamptz not null default now(),
    changed_by text not null
);

-- Bearer tokens; the token itself is known to nobody but its owner.
create table tokens (
    id uuid primary key,
    sha256 bytea not null unique,
    principal text not null references principals (id),
    name text not null,
    created_at timestamptz not null default now(),
    created_by text not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
);
create index tokens_principal on tokens (principal);
