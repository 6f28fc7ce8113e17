-- Passwords of local users; the password itself is known to nobody but its owner.
create table credentials (
    principal text primary key references principals (id),
    hash text not null,
    changed_at timestamptz not null default now(),
    changed_by text not null,
    must_change boolean not null
);

-- Failed sign-ins, by the hash of the name that was typed (it may be a password by mistake) and the browser:
-- the hash of its device cookie, empty for an unknown one.
create table sign_in_failures (
    name bytea not null,
    device bytea not null,
    failures integer not null,
    failed_at timestamptz not null,
    locked_until timestamptz,
    primary key (name, device)
);

-- Browsers that a principal has signed in with.
create table devices (
    sha256 bytea primary key,
    principal text not null references principals (id),
    used_at timestamptz not null default now()
);
create index devices_principal on devices (principal, used_at desc);

-- Sessions of browsers; the cookie holds the secret, of which only the hash is here.
create table sessions (
    sha256 bytea primary key,
    -- Stays over a rotation of the secret.
    id uuid not null,
    principal text not null references principals (id),
    -- How it began: password, link, openid.
    how text not null,
    -- Hash of the roles and clients for which the secret was made.
    privileges bytea not null,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    -- No later than this, however busy it is.
    expires_at timestamptz not null,
    -- Another secret has taken the place of this one.
    replaced boolean not null default false,
    address text not null,
    agent text not null,
    -- What the identity provider wants to see again at its own sign-out.
    id_token text
);
create index sessions_principal on sessions (principal);
create index sessions_id on sessions (id);

-- What a token may be used for. Those of before may do everything.
alter table tokens add column scopes text[] not null
    default array['read', 'start', 'upload', 'approve', 'administer'];
alter table tokens alter column scopes drop default;
-- Null: every one that the principal has.
alter table tokens add column jobs text[];
alter table tokens add column clients text[];

-- One-time links that were used, until they would have expired.
create table used_links (
    sha256 bytea primary key,
    expires_at timestamptz not null
);

-- Sign-ins that are under way at the identity provider.
create table openid_requests (
    state bytea primary key,
    -- Hash of a cookie: the answer counts in the browser that asked only.
    browser bytea not null,
    nonce text not null,
    verifier text not null,
    next text not null,
    created_at timestamptz not null default now()
);

-- Who the subjects of an identity provider are here.
create table identities (
    issuer text not null,
    subject text not null,
    principal text not null unique references principals (id),
    primary key (issuer, subject)
);
