-- The PDF of a document: the original itself, or one that was made of it. Null until it was converted.
alter table documents
    -- The document that brought it along: the e-mail of an attachment.
    add column parent_id uuid,
    add column pdf_key text,
    add column pdf_sha256 text,
    -- How the PDF came about; one that came about in another way is made anew.
    add column pdf_recipe text,
    add column pdf_pages integer,
    add column converted_by uuid,
    add column converted_at timestamptz;

-- What came with an e-mail. The same document may have come with several.
create table attachments (
    parent_id uuid not null references documents,
    document_id uuid not null,
    file_name text not null,
    primary key (parent_id, document_id)
);
