"""Analysing documents in child processes; `steps/invoice_reader.py` is what a child runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Protocol

from services.documents.invoices.words import Finding
from services.documents.suppliers.labels import Hint
from shared.commands import InvoiceField, InvoiceFinding
from shared.errors import TagwerkError
from shared.process import Children, Limits

_READER: Final = "services.documents.steps.invoice_reader:InvoiceReader"
_CHECKER: Final = "services.documents.steps.rules_checker:RulesChecker"
#: Saxon takes 220 MB with the largest set of rules.
_LIMITS_OF_CHECKER: Final = Limits(memory=1024 * 1024 * 1024, reserving=True, cpu_seconds=20, wall_seconds=40)


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
        self, pdf: Path, layers: dict[int, Path], today: date, hints: Sequence[Hint] = ()
    ) -> Analysis:
        """What the PDF says; `layers` are PDFs of one page each with what was recognized on its pages that
        have no text layer of their own, `hints` what is known of the client's suppliers. Temporary files come
        to lie beside the document.

        Raises `TagwerkError` with the codes of `docs/jobs/analyse-invoice.md` if it cannot be read at all.
        """

    async def labels_of(self, pdf: Path, layers: dict[int, Path], values: dict[str, str]) -> dict[str, str]:
        """Field -> the label that stands before its value in `values`, where there is one."""


class ChildAnalysts:
    """Analyses each document in a limited child process of `children`."""

    def __init__(self, children: Children) -> None:
        self._children = children

    async def analyse(
        self, pdf: Path, layers: dict[int, Path], today: date, hints: Sequence[Hint] = ()
    ) -> Analysis:
        told = [{"keys": hint.keys, "labels": hint.labels} for hint in hints]
        folder = pdf.parent
        async with self._children.open(_READER, _orders(pdf, layers), folder=folder) as child:
            xml = await child.call("e_invoice")
            async with self._checking(None if xml is None else folder / xml) as checked:
                found = await child.call("analyse", today=today.isoformat(), hints=told)
                rules = await checked
        found["findings"] = [*found["findings"], *rules]
        return analysis_of(found)

    async def labels_of(self, pdf: Path, layers: dict[int, Path], values: dict[str, str]) -> dict[str, str]:
        async with self._children.open(_READER, _orders(pdf, layers), folder=pdf.parent) as child:
            found = await child.call("labels", values=values)
        return {str(field): str(label) for field, label in found.items()}

    @contextlib.asynccontextmanager
    async def _checking(self, xml: Path | None) -> AsyncIterator["asyncio.Task[list[dict[str, Any]]]"]:
        """The check of an e-invoice against its rules, which goes on while the document is read."""
        task = asyncio.create_task(self._check(xml))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _check(self, xml: Path | None) -> list[dict[str, Any]]:
        if xml is None:
            return []
        try:
            async with self._children.open(
                _CHECKER, {"path": str(xml)}, folder=xml.parent, limits=_LIMITS_OF_CHECKER
            ) as child:
                found: list[dict[str, Any]] = await child.call("check")
                return found
        except TagwerkError as error:
            # The fields were read; that the rules could not be checked must not take them away.
            words = f"the e-invoice was not checked against the rules of EN 16931: {error.failure.cause}"
            return [asdict(Finding("rules_not_checked", words))]


def _orders(pdf: Path, layers: dict[int, Path]) -> dict[str, Any]:
    """What the reading process is opened with."""
    found = {str(number): str(layer) for number, layer in layers.items()}
    return {"path": str(pdf), "layers": found, "folder": str(pdf.parent)}


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
