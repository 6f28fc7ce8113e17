-- Where no invoice was found, a person may give its fields: a draft that no run has made.
alter table invoices drop constraint invoices_source_check;
alter table invoices add constraint invoices_source_check
    check (source in ('e_invoice', 'qr_bill', 'girocode', 'text', 'person')) not valid;
alter table invoices alter column run_id drop not null;
alter table invoices add constraint invoices_have_an_origin
    check (run_id is not null or source = 'person') not valid;
