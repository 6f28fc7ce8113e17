-- outside a transaction
-- What came in last, for lists that may not know it yet.
drop index concurrently if exists arrivals_newest;
create index concurrently arrivals_newest on arrivals (arrived_at desc);
