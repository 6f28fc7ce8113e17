-- There are several kinds of reports: `due-dates`, `exceptions`, `audit`.
alter table reports add column kind text not null default 'due-dates';
alter table reports alter column kind drop default;
-- The first day that it is about, if it has one.
alter table reports add column since date;
-- How many things it names: invoices, exceptions, entries.
alter table reports rename column invoices to items;
update reports set summary = (summary - 'totals') || jsonb_build_object('due', summary->'totals');
