"""Invoices to book, the rules for it, and a reader of what DATEV is given: made up for tests."""

import csv
import io
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from deploy.local.ports import LOOPBACK
from services.integrations.erp.rules import read_erp_rules
from shared.events import InvoiceApproved
from tests.support.sftp_server import USER, SftpServer

VALUES = {
    "issuer_name": "Präzision GmbH",
    "issuer_vat_id": "DE 123 456 789",
    "invoice_number": "RE-2026/17",
    "invoice_date": "2026-03-02",
    "due_date": "2026-04-01",
    "gross_amount": "119.00",
    "net_amount": "100.00",
    "vat_amount": "19.00",
    "currency": "EUR",
}


def approved_booking(
    *, client: str = "acme", document_id: UUID | None = None, kind: str = "invoice", **values: Any
) -> InvoiceApproved:
    """The approval of an invoice; `values` are those of its fields, None leaves one out."""
    cost_center = values.pop("cost_center", None)
    filled = {**VALUES, **values}
    return InvoiceApproved(
        client=client,
        principal="ada",
        document_id=document_id or uuid4(),
        kind=kind,
        values={name: value for name, value in filled.items() if value is not None},
        cost_center=cost_center,
        approved_by=["ada"],
    )


def write_rules(path: Path, folder: Path, *clients: str, sftp: SftpServer | None = None) -> Path:
    """A file of rules at `path`, in which each client has a folder below `folder`, or on an SFTP server."""

    def target(client: str) -> str:
        if sftp is None:
            return f'folder = "{folder / client}"'
        return (
            f'sftp = {{ host = "{LOOPBACK}", port = {sftp.port}, user = "{USER}", folder = "{client}",'
            f' known_hosts = "{sftp.known_hosts}", password_file = "{sftp.password_file}" }}'
        )

    path.write_text(
        "".join(
            f"[clients.{client}]\n{target(client)}\nconsultant = 29098\nclient = 55003\n"
            "expense = 4980\ncreditor = 70000\n\n"
            f'[[clients.{client}.suppliers]]\nvat_id = "DE123456789"\ncreditor = 70001\nexpense = 4930\n\n'
            for client in clients
        )
    )
    assert read_erp_rules(path).of
    return path


def read_stack(content: bytes) -> tuple[list[str], list[dict[str, str]]]:
    """The line about the stack, and its bookings by the titles of their columns."""
    head, titles, *lines = csv.reader(io.StringIO(content.decode("cp1252"), newline=""), delimiter=";")
    assert all(len(line) == len(titles) == 125 for line in lines)
    return head, [dict(zip(titles, line, strict=True)) for line in lines]
