-- Pages as pictures. A row is written after its file: where there is a row, there is the file.
create table page_images (
    document_id uuid not null references documents,
    -- How it was made, and of which PDF; a picture of another one is not used again.
    recipe text not null,
    pdf_sha256 text not null,
    page integer not null check (page > 0),
    asked_width integer not null,
    key text not null,
    size bigint not null,
    sha256 text not null,
    -- Pixels, and points.
    width integer not null,
    height integer not null,
    page_width double precision not null,
    page_height double precision not null,
    primary key (document_id, recipe, pdf_sha256, page, asked_width)
);
