"""The papers of the tour: the project's own samples, what really stands on them, and one that fails."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: The samples of the repository.
SAMPLES: Final = Path(__file__).resolve().parents[2] / "samples"

LOCKED_NAME: Final = "locked-payroll.pdf"

#: What comes with the e-mail.
ATTACHMENT: Final = "facture-2026F0815.pdf"


@dataclass(frozen=True, slots=True)
class Sample:
    """A file that is uploaded, in words of the one who got it."""

    file_name: str
    what: str

    @property
    def path(self) -> Path:
        return SAMPLES / self.file_name


PAPERS: Final = (
    Sample("qr-bill-scanned.pdf", "a Swiss invoice with its QR-bill, scanned: a picture, without any text"),
    Sample("invoice-zugferd.pdf", "a German invoice as a PDF that carries its data (ZUGFeRD)"),
)
LETTER: Final = Sample("mail-with-invoice.eml", "an e-mail in French, with an invoice attached")

#: What is to be paid by the papers, as somebody who holds them in hand reads it.
ON_PAPER: Final[Mapping[str, Mapping[str, str]]] = {
    "qr-bill-scanned.pdf": {
        "payable_amount": "1286.40",
        "currency": "CHF",
        "iban": "CH6230808007654321096",
        "reference": "000000000000002026100417005",
    },
    "invoice-zugferd.pdf": {
        "payable_amount": "863.94",
        "currency": "EUR",
        "iban": "DE37701500001002003004",
    },
    ATTACHMENT: {
        "payable_amount": "412.95",
        "currency": "CHF",
        "iban": "CH3000769016020011111",
        "reference": "RF272026F0815",
    },
}


def make_locked_pdf(folder: Path) -> Path:
    """A PDF that nobody can read without its password. New bytes each time, so a new document each time."""
    import pikepdf

    path = folder / LOCKED_NAME
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(path, encryption=pikepdf.Encryption(user="secret", owner="secret"))
    return path
