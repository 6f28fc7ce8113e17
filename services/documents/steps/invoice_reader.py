"""What the analysing process serves: one document, read from the most trusted source to the least."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pikepdf

from services.documents.invoices.e_invoice import MAX_XML_BYTES, EInvoice, NotReadable, read_e_invoice
from services.documents.invoices.judgement import judge
from services.documents.invoices.kinds import is_credit_note, why_no_invoice
from services.documents.invoices.lines import Line, lines_of_words
from services.documents.invoices.payment_codes import read_code
from services.documents.invoices.text import read_text
from services.documents.invoices.words import SOURCES, Candidate, Finding
from services.documents.steps.codes import DPI, qr_codes
from services.documents.steps.embedded import EmbeddedFile, embedded_xml
from services.documents.steps.pdf import DECODING_ERRORS, PdfPages
from services.documents.steps.words import open_pdf, words_of_page
from services.documents.suppliers.labels import Hint, label_of, with_hints
from shared.process_child import Refused

#: Pages that are looked at: from the beginning, and the last ones, where payment slips are.
_FIRST_PAGES: Final = 10
_LAST_PAGES: Final = 3
#: The file that the rules are checked on.
_COPY: Final = "e-invoice.xml"


class InvoiceReader:
    """The PDF at `path`; `layers` are the files, by page number, with what was recognized on pages without a
    text layer of their own: PDFs of one page. Files are written to `folder`."""

    def __init__(self, path: str, layers: dict[str, str], folder: str) -> None:
        self._path = Path(path)
        self._folder = Path(folder)
        self._layers = {int(number): Path(layer) for number, layer in layers.items()}
        self._findings: list[Finding] = []
        self._pages = PdfPages(self._path)
        self._found: EInvoice | None = None

    def e_invoice(self) -> str | None:
        """The name of the file, in the folder, into which the e-invoice was copied that the document has
        inside; None if it has none that can be read."""
        for file in self._xml_files():
            if file.data is None:
                self._find("e_invoice_unreadable", f"{file.name}: {file.reason}")
                continue
            try:
                read = read_e_invoice(file.data)
            except NotReadable as error:
                self._find(error.code, f"{file.name}: {error}")
                continue
            if read is not None and self._found is not None:
                self._find("several_e_invoices", f"{file.name}: a second e-invoice; the first one counts")
            elif read is not None:
                self._found = read
                (self._folder / _COPY).write_bytes(file.data)
        return None if self._found is None else _COPY

    def analyse(self, today: str, hints: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
        """`{kind, source, format, fields: [...], findings: [...]}` as `shared.commands.AnalysedInvoice` has
        them, or `{reason}` for a document that is no invoice. `hints` are those of `suppliers.labels`."""
        e_invoice = self._found
        numbers = self._numbers()
        coded = [candidate for number in numbers for candidate in self._codes(number)]
        lines = [line for number in numbers for line in self._lines(number)]
        known = [Hint(tuple(hint["keys"]), hint["labels"]) for hint in hints]
        others = [*(e_invoice.candidates if e_invoice else ()), *coded]
        read = with_hints(read_text(lines), lines, known, others)
        if e_invoice is None and not coded and (reason := why_no_invoice(lines, read)) is not None:
            return {"reason": reason, "findings": self._told()}
        candidates = [
            *(e_invoice.candidates if e_invoice else ()),
            *_in_agreement(coded, self._findings),
            *read,
        ]
        text = "\n".join(line.text for line in lines) if lines else None
        fields, findings = judge(candidates, text, date.fromisoformat(today))
        self._findings += findings
        credit = e_invoice.credit_note if e_invoice else is_credit_note(lines)
        sources = {one.source for one in candidates}
        return {
            "kind": "credit_note" if credit else "invoice",
            "source": next(source for source in SOURCES if source in sources or source == "text"),
            "format": e_invoice.format if e_invoice else None,
            "fields": [one.as_json() for one in fields.values()],
            "findings": self._told(),
        }

    def labels(self, values: dict[str, str]) -> dict[str, str]:
        """Field -> the label that stands before its value in `values`, where there is one."""
        lines = [line for number in self._numbers() for line in self._lines(number)]
        found = {field: label_of(lines, field, value) for field, value in values.items()}
        return {field: label for field, label in found.items() if label is not None}

    def _told(self) -> list[dict[str, Any]]:
        return [{"code": one.code, "words": one.words, "fields": one.fields} for one in self._findings]

    def _numbers(self) -> list[int]:
        """Pages that are looked at: those that are not too large, from the beginning and the last ones."""
        count, too_large = self._pages.count, self._pages.too_large()
        last = range(max(_FIRST_PAGES + 1, count - _LAST_PAGES + 1), count + 1)
        return [n for n in (*range(1, min(count, _FIRST_PAGES) + 1), *last) if n not in too_large]

    def _xml_files(self) -> Iterator[EmbeddedFile]:
        try:
            yield from embedded_xml(self._path, MAX_XML_BYTES)
        except pikepdf.PdfError as error:
            self._find("e_invoice_unreadable", f"embedded files cannot be listed: {error}")

    def _codes(self, number: int) -> Iterator[Candidate]:
        try:
            picture, dpi = self._pages.render(number, DPI)
            for text, box in qr_codes(picture, dpi):
                yield from read_code(text, number, box)
        except (Refused, *DECODING_ERRORS) as error:
            self._find("page_not_seen", f"page {number} cannot be searched for payment codes: {error}")

    def _lines(self, number: int) -> list[Line]:
        layer = self._layers.get(number)
        pdf = open_pdf(layer or self._path)
        try:
            words = words_of_page(pdf, 1 if layer else number, recognized=layer is not None)
            return lines_of_words(words, number, recognized=layer is not None)
        finally:
            pdf.close()

    def _find(self, code: str, words: str) -> None:
        self._findings.append(Finding(code, words))


def _in_agreement(coded: list[Candidate], findings: list[Finding]) -> list[Candidate]:
    """Candidates of payment codes: each once. Several different bills in one document are told of."""
    distinct = {(one.field, one.value, one.source): one for one in reversed(coded)}
    ibans = {(one.value, one.page) for one in distinct.values() if one.field == "iban"}
    if len(ibans) > 1:
        findings.append(
            Finding(
                "several_payment_codes", f"{len(ibans)} different payment codes", ("iban", "payable_amount")
            )
        )
    return list(reversed(distinct.values()))
