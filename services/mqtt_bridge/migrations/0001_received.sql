-- What came in, by what makes it the same message again: who comes second changes nothing.
create table received (
    topic text not null,
    -- The value of the rule's field, or the payload's hash.
    fingerprint text not null,
    -- Sequence in INGRESS of the first of them.
    sequence bigint not null,
    payload_sha256 text not null,
    received_at timestamptz not null,
    -- What it was answered, once it was done.
    answer text,
    primary key (topic, fingerprint)
);
