-- Daily exchange rates, by client: an import for one of them is no business of another.
create table rates (
    client text not null,
    source text not null check (source in ('ecb', 'bazg')),
    -- ISO 4217. ECB: 1 EUR costs `rate` of it. BAZG: 1 of it costs `rate` CHF.
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    day date not null,
    rate numeric not null check (rate > 0),
    -- The run that stored it as it is, and the value before that run; null if the run created the row.
    -- Within this run it counts as created or updated, in later ones as unchanged.
    run_id uuid not null,
    rate_before numeric,
    stored_at timestamptz not null default now(),
    primary key (client, source, currency, day)
);
create index rates_newest on rates (day desc, source, currency, client);
