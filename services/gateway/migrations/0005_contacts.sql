-- How persons are reached by mail, and who stands in while they are away. They leave this table only for those
-- who write to them.
create table contacts (
    principal text primary key references principals (id),
    email text,
    language text not null check (language in ('en', 'de')),
    -- The first and the last day.
    absent_from date,
    absent_until date,
    substitute text references principals (id),
    changed_at timestamptz not null default now(),
    changed_by text not null,
    check ((absent_from is null) = (absent_until is null)),
    check (absent_from <= absent_until)
);
