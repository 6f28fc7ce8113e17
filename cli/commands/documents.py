"""Documents: put them in, read what was recognized."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.options import Bulk, Cursor, Limit, Timeout, Wait
from cli.exits import Exit
from shared.words import DocumentKind, DocumentStage

if TYPE_CHECKING:
    from cli.answers import UploadedFile
    from cli.session import Session

#: Files that are sent at the same time.
SENT_AT_ONCE = 4


async def upload(
    session: "Session",
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
            help="PDF, picture, e-mail, text, HTML, XML e-invoice, office file.",
        ),
    ],
    client: Annotated[str | None, typer.Option(help="For which client.")] = None,
    bulk: Bulk = False,
    wait: Wait = False,
    timeout: Timeout = None,
) -> Exit:
    """Upload documents; what is to be done with them starts by itself."""
    import asyncio

    from cli.answers import UploadReport
    from cli.render.documents import upload_view
    from cli.uploads import send_file
    from cli.waiting import wait_for_chains

    places = asyncio.Semaphore(SENT_AT_ONCE)

    async def send(file: Path) -> "UploadedFile":
        async with places:
            return await send_file(session.gateway, file, client=client, interactive=not bulk)

    sent = await asyncio.gather(*(send(file) for file in files))
    report = UploadReport(documents=list(sent))
    exit = Exit.SUCCEEDED
    if wait:
        labels = {run.run_id: document.file_name for document in sent for run in document.runs}
        waited = await wait_for_chains(session, labels, timeout=timeout)
        report = report.model_copy(update={"runs": waited.runs})
        exit = waited.exit
    session.output.answer(report, upload_view)
    if exit is Exit.STILL_RUNNING:
        session.output.say(f"Still running after {timeout:g} s. `tagwerk runs` shows how it goes on.")
    refused = any(document.failure is not None for document in sent)
    return Exit.PROBLEM if refused and exit is Exit.SUCCEEDED else exit


async def documents(
    session: "Session",
    text: Annotated[str | None, typer.Option(help="Words that all stand in the file name.")] = None,
    stage: Annotated[
        list[DocumentStage], typer.Option(help="How far its reading has come; several times for several.")
    ] = [],  # noqa: B006  # typer copies it
    kind: Annotated[
        list[DocumentKind], typer.Option(help="The sort of file; several times for several.")
    ] = [],  # noqa: B006
    client: Annotated[str | None, typer.Option(help="Only of this client.")] = None,
    parent: Annotated[
        str | None, typer.Option(metavar="DOCUMENT", help="Only what came with this e-mail.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List documents, the newest first."""
    from cli import ids
    from cli.render.documents import documents_view
    from shared.commands import DocumentsPage

    page = await session.gateway.get(
        "/documents",
        DocumentsPage,
        text=text,
        stage=[str(one) for one in stage],
        kind=[str(one) for one in kind],
        client=client,
        parent=None if parent is None else ids.document_id(parent),
        limit=limit,
        cursor=cursor,
    )
    session.output.answer(page, documents_view)


async def document(
    session: "Session",
    document_id: Annotated[str, typer.Argument(metavar="DOCUMENT", help="Id of the document.")],
    text: Annotated[bool, typer.Option("--text", help="Write the recognized text.")] = False,
    chain: Annotated[
        bool, typer.Option("--chain", help="Show everything that happened to it, in the order of time.")
    ] = False,
    pdf: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Save the searchable PDF here.")
    ] = None,
    original: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Save here what was uploaded, byte for byte."),
    ] = None,
) -> None:
    """Show a document, what happened to it, its text, or save its files."""
    from cli import ids
    from cli.answers import DocumentChain, DocumentText
    from cli.render.approvals import chain_view
    from cli.render.documents import document_view, text_view
    from shared.commands import DocumentDetail

    id = ids.document_id(document_id)
    path = f"/documents/{id}"
    for kind, target in (("searchable-pdf", pdf), ("original", original)):
        if target is not None:
            size = await session.gateway.download(f"{path}/files/{kind}", target)
            session.output.say(f"{target}: {size:,} bytes")
    if text:
        content = (await session.gateway.read_bytes(f"{path}/files/text")).decode()
        session.output.answer(DocumentText(document_id=id, text=content), text_view)
    elif chain:
        session.output.answer(await session.gateway.get(f"{path}/chain", DocumentChain), chain_view)
    elif session.output.as_json or (pdf is None and original is None):
        session.output.answer(await session.gateway.get(path, DocumentDetail), document_view)
