"""A stack of bookings as DATEV reads it: EXTF, format version 700, "Buchungsstapel" 13.

Fields as https://developer.datev.de/de/file-format describes them: a line about the stack with 31 fields, the
titles of 125 columns, then one line for each booking. Text stands in quotes, in Windows-1252; lines end in
CR LF.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from services.integrations.erp.core import Booking
from services.integrations.erp.rules import Datev

_FIRST: Final = (
    "Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "WKZ Umsatz", "Kurs", "Basis-Umsatz",
    "WKZ Basis-Umsatz", "Konto", "Gegenkonto (ohne BU-Schlüssel)", "BU-Schlüssel", "Belegdatum",
    "Belegfeld 1", "Belegfeld 2", "Skonto", "Buchungstext", "Postensperre", "Diverse Adressnummer",
    "Geschäftspartnerbank", "Sachverhalt", "Zinssperre", "Beleglink",
)  # fmt: skip
_MIDDLE: Final = (
    "KOST1 - Kostenstelle", "KOST2 - Kostenstelle", "Kost-Menge", "EU-Land u. UStID (Bestimmung)",
    "EU-Steuersatz (Bestimmung)", "Abw. Versteuerungsart", "Sachverhalt L+L", "Funktionsergänzung L+L",
    "BU 49 Hauptfunktionstyp", "BU 49 Hauptfunktionsnummer", "BU 49 Funktionsergänzung",
)  # fmt: skip
_LAST: Final = (
    "Stück", "Gewicht", "Zahlweise", "Forderungsart", "Veranlagungsjahr", "Zugeordnete Fälligkeit",
    "Skontotyp", "Auftragsnummer", "Buchungstyp", "USt-Schlüssel (Anzahlungen)", "EU-Land (Anzahlungen)",
    "Sachverhalt L+L (Anzahlungen)", "EU-Steuersatz (Anzahlungen)", "Erlöskonto (Anzahlungen)", "Herkunft-Kz",
    "Buchungs GUID", "KOST-Datum", "SEPA-Mandatsreferenz", "Skontosperre", "Gesellschaftername",
    "Beteiligtennummer", "Identifikationsnummer", "Zeichnernummer", "Postensperre bis",
    "Bezeichnung SoBil-Sachverhalt", "Kennzeichen SoBil-Buchung", "Festschreibung", "Leistungsdatum",
    "Datum Zuord. Steuerperiode", "Fälligkeit", "Generalumkehr (GU)", "Steuersatz", "Land",
    "Abrechnungsreferenz", "BVV-Position", "EU-Land u. UStID (Ursprung)", "EU-Steuersatz (Ursprung)",
    "Abw. Skontokonto",
)  # fmt: skip


def _pairs(kind: str, content: str, count: int) -> list[str]:
    return [title for number in range(1, count + 1) for title in (f"{kind} {number}", f"{content} {number}")]


COLUMNS: Final = (
    *_FIRST,
    *_pairs("Beleginfo - Art", "Beleginfo - Inhalt", 8),
    *_MIDDLE,
    *_pairs("Zusatzinformation - Art", "Zusatzinformation- Inhalt", 20),
    *_LAST,
)

#: What may stand in `Belegfeld 1`, which DATEV matches payments by.
_NO_REFERENCE: Final = re.compile(r"[^A-Za-z0-9$&%*+\-/]")


@dataclass(frozen=True, slots=True)
class Text:
    """A field in quotes."""

    value: str


Field = Text | int | None


def render(bookings: Sequence[Booking], rules: Datev, created_at: datetime, name: str) -> bytes:
    """A stack of bookings of one fiscal year."""
    lines = [
        _head(bookings, rules, created_at, name),
        list(COLUMNS),
        *([_spelled(fields.get(title)) for title in COLUMNS] for fields in map(_line, bookings)),
    ]
    return _ansi("".join(";".join(line) + "\r\n" for line in lines))


def _head(bookings: Sequence[Booking], rules: Datev, created_at: datetime, name: str) -> list[str]:
    days = [booking.day for booking in bookings]
    made = int(f"{created_at:%Y%m%d%H%M%S}{created_at.microsecond // 1000:03d}")
    fields: list[Field] = [
        Text("EXTF"), 700, 21, Text("Buchungsstapel"), 13, made, None, Text("RE"), Text("Tagwerk"), Text(""),
        rules.consultant, rules.client, _day(rules.fiscal_year(days[0])), rules.account_length,
        _day(min(days)), _day(max(days)), Text(name[:30]), Text(""), 1, 0, 0, Text("EUR"),
        None, Text(""), None, None, Text(rules.chart), None, None, Text(""), Text(""),
    ]  # fmt: skip
    return [_spelled(field) for field in fields]


def _line(booking: Booking) -> Mapping[str, Field | str]:
    invoice = booking.invoice
    return {
        "Umsatz (ohne Soll/Haben-Kz)": _amount(booking.amount),
        "Soll/Haben-Kennzeichen": Text("H" if booking.is_credit else "S"),
        "WKZ Umsatz": Text("EUR"),
        "Konto": booking.expense,
        "Gegenkonto (ohne BU-Schlüssel)": booking.creditor,
        "BU-Schlüssel": Text(booking.tax_key),
        "Belegdatum": f"{booking.day:%d%m}",
        "Belegfeld 1": Text(_NO_REFERENCE.sub("", _plain(invoice.values.get("invoice_number", "")))[:36]),
        "Buchungstext": Text(_plain(invoice.label)[:60]),
        "Beleglink": Text(f'BEDI "{invoice.document_id}"'),
        "KOST1 - Kostenstelle": Text(_plain(invoice.cost_center or "")[:36]),
        "Festschreibung": 0,
        "Fälligkeit": f"{booking.due:%d%m%Y}" if booking.due else None,
    }


def _spelled(field: Field | str) -> str:
    """A field as it stands between two semicolons; a string is spelled already."""
    if isinstance(field, Text):
        return '"' + field.value.replace('"', '""') + '"'
    return "" if field is None else str(field)


def _amount(amount: Decimal) -> str:
    return f"{amount:.2f}".replace(".", ",")


def _day(day: date) -> int:
    return int(f"{day:%Y%m%d}")


def _plain(text: str) -> str:
    """On one line."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split())


def _ansi(text: str) -> bytes:
    """In Windows-1252; a letter that it lacks without its marks, as `Łódź` becomes `?ódz`."""
    try:
        return text.encode("cp1252")
    except UnicodeEncodeError:
        return b"".join(map(_letter, text))


def _letter(letter: str) -> bytes:
    try:
        return letter.encode("cp1252")
    except UnicodeEncodeError:
        return unicodedata.normalize("NFKD", letter)[:1].encode("cp1252", "replace")
