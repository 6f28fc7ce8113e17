"""Analysing documents in child processes; `steps/invoice_reader.py` is what a child runs."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from shared.commands import InvoiceField, InvoiceFinding
from shared.process import Children

_READER = "services.documents.steps.invoice_reader:InvoiceReader"


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found in a document. `kind` is None if it is no invoice, for the reason in `reason`."""

    kind: str | None
    reason: str | None
    #: The most trusted source that said anything.
    source: str | None
    #: `CII`, `ZUGFeRD 1` or `UBL` of an e-invoice.
    format: str | None
    fields: list[InvoiceField]
    findings: list[InvoiceFinding]


class Analysts(Protocol):
    """Look for the invoice in a document."""

    async def analyse(self, pdf: Path, recognized: dict[int, str], today: date) -> Analysis:
        """What the PDF says; `recognized` are the texts of its pages that have no text layer.

        Raises `TagwerkError` with the codes of `docs/jobs/analyse-invoice.md` if it cannot be read at all.
        """


class ChildAnalysts:
    """Analyses each document in a limited child process of `children`."""

    def __init__(self, children: Children) -> None:
        self._children = children

    async def analyse(self, pdf: Path, recognized: dict[int, str], today: date) -> Analysis:
        orders = {
            "path": str(pdf),
            "recognized": {str(number): text for number, text in recognized.items()},
        }
        async with self._children.open(_READER, orders, folder=pdf.parent) as child:
            return analysis_of(await child.call("analyse", today=today.isoformat()))


def analysis_of(answer: dict[str, Any]) -> Analysis:
    """The answer of an analysing process, checked."""
    return Analysis(
        kind=answer.get("kind"),
        reason=answer.get("reason"),
        source=answer.get("source"),
        format=answer.get("format"),
        fields=[InvoiceField.model_validate(field) for field in answer.get("fields", [])],
        findings=[InvoiceFinding.model_validate(finding) for finding in answer.get("findings", [])],
    )
