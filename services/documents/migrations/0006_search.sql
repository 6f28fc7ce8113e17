-- outside a transaction
-- Documents by the beginning of their file name, or of their invoice's number; what a broken-off build has
-- left goes first.
drop index concurrently if exists documents_by_name;
create index concurrently documents_by_name on documents ((lower(file_name) collate "C"), document_id);
drop index concurrently if exists invoices_by_number;
create index concurrently invoices_by_number on invoices ((number collate "C"), document_id);
