-- Documents as this service knows them, from `event.document.uploaded`, and what was derived from them.
create table documents (
    document_id uuid primary key,
    client text not null,
    file_name text not null,
    media_type text not null,
    size bigint not null,
    sha256 text not null,
    uploaded_at timestamptz not null,
    -- From here on null until the text was recognized.
    page_count integer,
    -- How the derived files were made, and a digest of the page results that they are made of.
    recipe text,
    derived_digest text,
    text_key text,
    searchable_pdf_key text,
    recognized_by uuid,
    recognized_at timestamptz
);

-- What was found on a page. A row is written after its files: where there is a row, there are the files.
create table pages (
    document_id uuid not null references documents,
    recipe text not null,
    page integer not null check (page > 0),
    source text not null check (source in ('text_layer', 'tesseract')),
    -- Percent; null for a text layer and for an empty page.
    confidence real,
    characters integer not null,
    text_sha256 text not null,
    -- The run that read it: within this run the page counts as created, in later ones as unchanged.
    run_id uuid not null,
    kept_at timestamptz not null default now(),
    primary key (document_id, recipe, page)
);
