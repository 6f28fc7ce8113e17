"""What the analysing process serves: one document, read from the most trusted source to the least."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pikepdf

from services.documents.invoices.e_invoice import MAX_XML_BYTES, EInvoice, NotReadable, read_e_invoice
from services.documents.invoices.judgement import judge
from services.documents.invoices.lines import Line, lines_of_text, lines_of_words
from services.documents.invoices.payment_codes import read_code
from services.documents.invoices.text import is_credit_note, read_text, why_no_invoice
from services.documents.invoices.words import SOURCES, Candidate, Finding
from services.documents.steps.codes import qr_codes
from services.documents.steps.embedded import embedded_xml
from services.documents.steps.pdf import DECODING_ERRORS, PdfPages
from services.documents.steps.words import open_pdf, words_of_page
from services.documents.suppliers.labels import Hint, label_of, with_hints
from shared.process_child import LimitExceeded, Refused

#: Pages that are looked at: from the beginning, and the last ones, where payment slips are.
_FIRST_PAGES: Final = 10
_LAST_PAGES: Final = 3


class InvoiceReader:
    """The PDF at `path`; `recognized` are the texts of pages without a text
    layer, by page number."""

    def __init__(self, path: str, recognized: dict[str, str]) -> None:
        self._path = Path(path)
        self._recognized = {int(number): text for number, text in recognized.items()}
        self._pages = PdfPages(self._path)
        self._findings: list[Finding] = []

    def analyse(self, today: str, hints: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
        """`{kind, source, format, fields: [...], findings: [...]}` as `shared.commands.AnalysedInvoice` has
        them, or `{reason}` for a document that is no invoice. `hints` are those of `suppliers.labels`."""
        e_invoice = self._e_invoice()
        too_large = self._pages.too_large()
        numbers = [number for number in self._numbers() if number not in too_large]
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
        too_large = self._pages.too_large()
        numbers = [number for number in self._numbers() if number not in too_large]
        lines = [line for number in numbers for line in self._lines(number)]
        found = {field: label_of(lines, field, value) for field, value in values.items()}
        return {field: label for field, label in found.items() if label is not None}

    def _told(self) -> list[dict[str, Any]]:
        return [{"code": one.code, "words": one.words, "fields": one.fields} for one in self._findings]

    def _numbers(self) -> list[int]:
        count = self._pages.count
        last = range(max(_FIRST_PAGES + 1, count - _LAST_PAGES + 1), count + 1)
        return [*range(1, min(count, _FIRST_PAGES) + 1), *last]

    def _e_invoice(self) -> EInvoice | None:
        """The first embedded file that is an e-invoice; what stands in the way of others is found."""
        found: EInvoice | None = None
        try:
            for file in embedded_xml(self._path, MAX_XML_BYTES):
                if file.data is None:
                    self._find("e_invoice_unreadable", f"{file.name}: {file.reason}")
                    continue
                try:
                    read = read_e_invoice(file.data)
                except NotReadable as error:
                    self._find(error.code, f"{file.name}: {error}")
                    continue
                if read is not None and found is not None:
                    self._find("several_e_invoices", f"{file.name}: a second e-invoice; the first one counts")
                    continue
                found = found or read
                if read is not None and (violation := _schema_violation(file.data)):
                    self._find("schema_violated", f"{file.name}: {violation}")
        except pikepdf.PdfError as error:
            self._find("e_invoice_unreadable", f"embedded files cannot be listed: {error}")
        return found

    def _codes(self, number: int) -> Iterator[Candidate]:
        try:
            picture, dpi = self._pages.render(number)
            for text, box in qr_codes(picture, dpi):
                yield from read_code(text, number, box)
        except (Refused, *DECODING_ERRORS) as error:
            self._find("page_not_seen", f"page {number} cannot be searched for payment codes: {error}")

    def _lines(self, number: int) -> list[Line]:
        if number in self._recognized:
            return lines_of_text(self._recognized[number], number)
        pdf = open_pdf(self._path)
        try:
            return lines_of_words(words_of_page(pdf, number), number)
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


def _schema_violation(data: bytes) -> str | None:
    """Why an XML violates the schema of its format, a warning; None if it does not, or none is known."""
    # Only now: the library takes half a second to import, and most documents have no e-invoice.
    import facturx

    try:
        facturx.xml_check_xsd(data)
    except LimitExceeded:
        raise
    except Exception as error:
        # The library raises plain `Exception`, with the violation in its last lines.
        return f"it violates its schema: {' '.join(str(error).split())[:300]}"
    return None
