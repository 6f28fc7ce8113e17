"""Analysing documents in child processes; `steps/invoice_reader.py` is what a child runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from services.documents.suppliers.labels import Hint
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

    async def analyse(
        self, pdf: Path, recognized: dict[int, str], today: date, hints: Sequence[Hint] = ()
    ) -> Analysis:
        """What the PDF says; `recognized` are the texts of its pages that have no text layer, `hints` what is
        known of the client's suppliers.

        Raises `TagwerkError` with the codes of `docs/jobs/analyse-invoice.md` if it cannot be read at all.
        """

    async def labels_of(
        self, pdf: Path, recognized: dict[int, str], values: dict[str, str]
    ) -> dict[str, str]:
        """Field -> the label that stands before its value in `values`, where there is one."""


class ChildAnalysts:
    """Analyses each document in a limited child process of `children`."""

    def __init__(self, children: Children) -> None:
        self._children = children

    async def analyse(
        self, pdf: Path, recognized: dict[int, str], today: date, hints: Sequence[Hint] = ()
    ) -> Analysis:
        told = [{"keys": hint.keys, "labels": hint.labels} for hint in hints]
        async with self._children.open(_READER, _orders(pdf, recognized), folder=pdf.parent) as child:
            return analysis_of(await child.call("analyse", today=today.isoformat(), hints=told))

    async def labels_of(
        self, pdf: Path, recognized: dict[int, str], values: dict[str, str]
    ) -> dict[str, str]:
        async with self._children.open(_READER, _orders(pdf, recognized), folder=pdf.parent) as child:
            found = await child.call("labels", values=values)
        return {str(field): str(label) for field, label in found.items()}


def _orders(pdf: Path, recognized: dict[int, str]) -> dict[str, Any]:
    return {"path": str(pdf), "recognized": {str(number): text for number, text in recognized.items()}}


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
