"""Documents: what an upload led to, what is known of one, and its text."""

from uuid import UUID

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.answers import DocumentText, UploadedFile, UploadReport
from cli.render.approvals import approval_view, payment_view
from cli.render.run import failure_view, headline
from cli.render.words import moment, rest
from shared.commands import AnalysedInvoice, DocumentDetail, DocumentRow, DocumentsPage, RunDetail
from shared.words import ApprovalState, DocumentStage, PaymentState


def upload_view(report: UploadReport) -> RenderableType:
    """Each file with its document and the runs that it causes; the runs' ends, where they were waited for."""
    ended = {run.run_id: run for run in report.runs}
    parts: list[RenderableType] = []
    for document in report.documents:
        parts += _uploaded(document, ended)
    first = {run.run_id for document in report.documents for run in document.runs}
    following = [run for run in report.runs if run.run_id not in first]
    if following:
        parts.append(Text("What followed", style="bold"))
    for run in following:
        parts.append(Text(f"  run {run.run_id}  {run.job}", style="dim"))
        parts.append(Padding(headline(run), (0, 0, 0, 2)))
    return Group(*parts)


def _uploaded(document: UploadedFile, ended: dict[UUID, RunDetail]) -> list[RenderableType]:
    name = Text(document.file_name, style="bold")
    if document.failure is not None:
        return [name.append("  refused", style="red"), failure_view(document.failure)]
    if document.duplicate:
        name.append("  is known already: the same bytes are the same document", style="yellow")
    parts: list[RenderableType] = [name, Text(f"  document {document.document_id}", style="dim")]
    for run in document.runs:
        parts.append(Text(f"  run {run.run_id}  {run.job}", style="dim"))
        if run.run_id in ended:
            parts.append(Padding(headline(ended[run.run_id]), (0, 0, 0, 2)))
    return parts


#: What a stage says to a person, and its style.
_STAGES: dict[DocumentStage, tuple[str, str]] = {
    DocumentStage.UPLOADED: ("not read yet", "cyan"),
    DocumentStage.CONVERTED: ("text not read yet", "cyan"),
    DocumentStage.READ: ("read, no invoice in it", "dim"),
    DocumentStage.INVOICE: ("invoice found", "green"),
}


def documents_view(page: DocumentsPage) -> RenderableType:
    """Two lines for each: how it stands and what it is, then where it came from."""
    if not page.items:
        return Text("No documents match.", style="dim")
    lines = [line for row in page.items for line in _listed(row)]
    return Group(*lines, rest(page.next_cursor)) if page.next_cursor else Group(*lines)


def _listed(row: DocumentRow) -> list[Text]:
    words, style = _STAGES[row.stage]
    if row.payment is not None and row.approval is not ApprovalState.WAITING:
        words, style = f"payment {row.payment}", "red" if row.payment is PaymentState.REJECTED else "green"
    elif row.approval is not None:
        words, style = f"{row.approval}", "blue"
    head = Text(f"{words}  ", style=style)
    head.append(row.file_name, style="bold")
    if row.amount is not None:
        head.append(f"  {row.amount} {row.currency or ''}".rstrip(), style="default")
    named = " ".join(word for word in (row.issuer_name, row.invoice_number) if word)
    head.append(f"  {named}" if named else "", style="default")
    pages = "" if row.page_count is None else f", {row.page_count} page{'s' if row.page_count > 1 else ''}"
    about = f"  {row.document_id}  {row.client}, {moment(row.uploaded_at)}, {row.size:,} bytes{pages}"
    lines = [head, Text(about, style="dim")]
    if row.parent_id is not None:
        lines.append(Text(f"  came with document {row.parent_id}", style="dim"))
    if row.duplicate_of is not None:
        lines.append(Text(f"  seems to be the invoice of document {row.duplicate_of}", style="yellow"))
    return lines


def document_view(document: DocumentDetail) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    pages = "not known yet" if document.page_count is None else str(document.page_count)
    rows = [
        ("document", str(document.document_id)),
        ("client", document.client),
        ("uploaded", moment(document.uploaded_at)),
        ("file", f"{document.media_type}, {document.size:,} bytes"),
        ("SHA-256", document.sha256),
        *((("came with", str(document.parent_id)),) if document.parent_id is not None else ()),
        ("pages", pages),
        ("to download", ", ".join(["original", *sorted(document.files)])),
    ]
    for name, words in rows:
        grid.add_row(name, words)
    parts: list[RenderableType] = [Text(document.file_name, style="bold"), Padding(grid, (0, 0, 0, 2))]
    for attached in document.attachments:
        name = Text(f"  came with it: {attached.file_name}, ")
        parts.append(name.append(f"document {attached.document_id}", style="dim"))
    for page in document.pages:
        text = Text(f"  page {page.page}: {page.characters:,} characters, ")
        if page.source == "text_layer":
            text.append("read from its text layer")
        else:
            text.append("recognized")
            if page.confidence is not None:
                text.append(f" with {page.confidence:.0f} % confidence")
        parts.append(text.append(f", run {page.run_id}", style="dim"))
    if document.invoice is not None:
        parts.append(_invoice(document.invoice))
    if document.approval is not None:
        parts.append(Padding(approval_view(document.approval), (0, 0, 0, 2)))
    if document.payment is not None:
        parts.append(Padding(payment_view(document.payment), (0, 0, 0, 2)))
    return Group(*parts)


def _invoice(invoice: AnalysedInvoice) -> RenderableType:
    """Fields with their source, what is not certain marked with the other values, then the findings."""
    kind = invoice.kind.replace("_", " ")
    given = invoice.source == "person"
    origin = "given by a person" if given else f"read from its {invoice.source.replace('_', ' ')}"
    head = Text(f"  {kind}, {origin}", style="bold")
    if invoice.run_id is not None:
        head.append(f", run {invoice.run_id}", style="dim")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    for field in invoice.fields:
        value = Text(field.value)
        if field.verdict != "certain":
            value.append(f"  {field.verdict}", style="yellow")
            if field.others:
                said = ", ".join(f"{other.value} ({other.source})" for other in field.others)
                value.append(f", also read: {said}", style="yellow")
        grid.add_row(field.name.replace("_", " "), value)
    findings = [Text(f"  ! {finding.words}", style="yellow") for finding in invoice.findings]
    return Group(head, Padding(grid, (0, 0, 0, 2)), *findings)


def text_view(document: DocumentText) -> RenderableType:
    """The bare text, its lines as long as they are; pages are parted by an empty line."""
    # A bare text would lose its own wish not to be wrapped: rich joins such texts.
    return Group(Text(document.text.replace("\f", "\n\n").strip("\n"), no_wrap=True, overflow="ignore"))
