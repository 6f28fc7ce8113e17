-- The newest documents of a client, to choose from.
create index documents_of_client on documents (client, uploaded_at desc, document_id);
