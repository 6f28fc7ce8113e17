"""Makes the sample documents of this folder: `python samples/make.py [folder]`.

Everybody named in them is invented. The same script gives the same bytes (with the same library versions):
noise comes from a seeded generator, the PDF writers are told to leave out times and random ids.
"""

import sys
from pathlib import Path

import invoices
import letters


def make_all(folder: Path) -> None:
    letters.make_scanned_invoice(folder)
    letters.make_text_layer_offer(folder)
    letters.make_mixed_contract(folder)
    letters.make_receipt_photo(folder)
    letters.make_two_page_fax(folder)
    invoices.make_qr_bill_scan(folder)
    invoices.make_zugferd(folder)
    invoices.make_mail(folder)


if __name__ == "__main__":
    make_all(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
