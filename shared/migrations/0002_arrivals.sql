-- Documents that came in, through this service or another: the first arrival's event, by document.
create table arrivals (
    document_id uuid primary key,
    event text not null,
    arrived_at timestamptz not null default now()
);
