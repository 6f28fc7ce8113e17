-- outside a transaction
-- The newest documents of all clients; and of one client those that have no text yet, which are few.
drop index concurrently if exists documents_newest;
create index concurrently documents_newest on documents (uploaded_at desc, document_id);
drop index concurrently if exists documents_unread;
create index concurrently documents_unread on documents (client, uploaded_at desc, document_id) where text_key is null;
drop index concurrently if exists documents_of_parent;
create index concurrently documents_of_parent on documents (parent_id) where parent_id is not null;
