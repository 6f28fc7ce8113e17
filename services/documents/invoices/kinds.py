"""Whether a text is an invoice at all: an offer, a reminder or a letter that speaks of one is none."""

import re
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Final

from services.documents.invoices.lines import Cell, Line
from services.documents.invoices.values import amounts_in
from services.documents.invoices.words import Candidate

_FLAGS: Final = re.IGNORECASE
#: Lines from the top within which a paper says what it is.
_HEAD: Final = 40
#: A title has no more words than this: `Rechnung Nr. 4711 vom 12. März 2026`.
_TITLE_WORDS: Final = 9

#: Evidence that makes up for a title, or for a sum that was not recognized.
_ENOUGH: Final = 4
#: From this weight on something is a title, and not the label of a field.
_A_TITLE: Final = 0.9

_INVOICE: Final = (
    r"(?:[a-zäöü-]*rechnung(?:skorrektur)?|faktura|facture|fattura|invoice|factuur|"
    r"creditfactuur|gutschrift|quittung|"
    r"parcella|honorarnote|note\s+d['’]honoraires|(?:tax|sales|commercial|vat)\s+invoice|bill|"
    r"receipt|re[çc]u|ricevuta|"
    r"credit\s*(?:note|memo)|avoir|note\s+de\s+cr[ée]dit|nota\s+di\s+credito|creditnota)(?:s|en)?"
)
#: Papers that look like invoices, and nobody should pay. Longer words first.
_OTHER: Final = (
    r"(?:pro[\s-]?forma|offerte?|angebot|kostenvoranschlag|kostensch[äa]tzung|devis|"
    r"preventivo|offerta|quotation|quote|estimate|"
    r"proposal|lieferschein|lieferavis|bon\s+de\s+livraison|bulletin\s+de\s+livraison|bolla|"
    r"documento\s+di\s+trasporto|"
    r"d\.?d\.?t\.?|delivery\s+note|packing\s+(?:slip|list)|"
    r"auftragsbest[äa]tigung|bestellbest[äa]tigung|bestellung|auftrag|"
    r"confirmation\s+de\s+commande|bon\s+de\s+commande|"
    r"commande|conferma\s+d['’]?\s?ordine|ordine|order\s+(?:confirmation|acknowledge?ment)|"
    r"purchase\s+order|order|"
    r"(?:\d\.\s*)?mahnung|zahlungserinnerung|erinnerung|rappel|mise\s+en\s+demeure|relance|sollecito|"
    r"(?:payment\s+|final\s+|friendly\s+)?reminder|dunning|past\s+due\s+notice|overdue\s+notice|"
    r"kontoauszug|kontoausz[üu]ge|relev[ée](?:\s+de\s+compte)?|estratto\s+conto|(?:account\s+|"
    r"bank\s+)?statement|"
    r"lohnabrechnung|gehaltsabrechnung|lohnausweis|bulletin\s+de\s+(?:paie|salaire)|"
    r"fiche\s+de\s+(?:paie|salaire)|"
    r"d[ée]compte\s+de\s+salaire|busta\s+paga|cedolino|foglio\s+paga|pay\s?slip|pay\s?stub|"
    r"[a-zäöü]*vertrag|contrat|contratto|[a-z]*\s?contract|agreement|bail|"
    r"zahlungsavis|zahlungsbest[äa]tigung|avis\s+de\s+(?:paiement|d[ée]bit|cr[ée]dit)|"
    r"avviso\s+di\s+pagamento|"
    r"remittance\s+advice|payment\s+(?:advice|confirmation))"
)
_ORDINAL: Final = (
    r"(?:\d+\.|\d+(?:st|nd|rd|th|er|[eè]me)|erste|zweite|dritte|letzte|premier|deuxi[èe]me|"
    r"troisi[èe]me|dernier|"
    r"primo|secondo|terzo|ultimo|first|second|third|final|last)"
)
_PREFIX: Final = (
    r"^\W*(?:(?:unsere?|notre|nostr[ao]|our|die|la|the|we[gr]en|betreff:?|objet\s*:|oggetto:|re:|"
    r"subject:|original|kopie|copy|copie)\s+)?"
)
_PRO_FORMA: Final = re.compile(r"\bpro[\s-]?forma\b", _FLAGS)
_IS_INVOICE: Final = re.compile(rf"{_PREFIX}{_INVOICE}(?![a-zäöü])", _FLAGS)
IS_OTHER: Final = re.compile(rf"{_PREFIX}(?:{_ORDINAL}\s+)?{_OTHER}(?![a-zäöü])", _FLAGS)
MENTIONED: Final = re.compile(rf"\b{_INVOICE}(?![a-zäöü])", _FLAGS)
_CREDIT_NOTE: Final = re.compile(
    r"^\W*(?:gutschrift|storno(?:rechnung)?|rechnungskorrektur|credit\s*(?:note|memo)|avoir|"
    r"note\s+de\s+cr[ée]dit|"
    r"nota\s+di\s+credito|creditnota|creditfactuur)\b",
    _FLAGS,
)
#: A heading of a field, and no title: `Lieferschein-Nr.: 4711`, `Bestelldatum`, `Order number`.
_OF_A_FIELD: Final = re.compile(
    r"[a-z]-(?:nr|nummer|no|datum|date)\b|(?:\bnr|nummer|\bno|n°|number|num[ée]ro|numero|"
    r"datum|date|data|adresse|address|indirizzo|#|\bid|\bto|\ban|\b[àa]|betrag|amount|"
    r"total)\.?\s*:?\s*$"
    r"|:\s*\S",
    _FLAGS,
)

#: What stands beside a label: a number or a date.
_A_VALUE: Final = re.compile(r"[:\s]*[A-Z]{0,4}[-/]?\d[\w./-]*(?:\s|$)", _FLAGS)


def titles(lines: Sequence[Line]) -> Iterator[tuple[float, bool, Cell]]:
    """What the paper calls itself: (weight, whether that is an invoice, where). Large letters weigh more than
    small ones, what stands alone more than what stands before a value."""
    heights = [cell.height for line in lines for cell in line.cells]
    usual = median(heights) if heights else 1.0
    for at, line in enumerate(lines[:_HEAD]):
        for index, cell in enumerate(line.cells):
            if len(cell.text.split()) > _TITLE_WORDS or cell.text.rstrip().endswith((".", ",")):
                continue
            other, invoice = IS_OTHER.search(cell.text), _IS_INVOICE.search(cell.text)
            if other is None and invoice is None:
                continue
            large = cell.height / usual
            weight = (min(large, 2.5) * 2 if large > 1.2 else 2.0) - at / _HEAD
            beside = any(_A_VALUE.match(one.text) for place, one in enumerate(line.cells) if place != index)
            if _OF_A_FIELD.search(cell.text):
                weight -= 2
            elif beside:
                weight -= 1.2
            if amounts_in(line.text):
                weight -= 1.5
            yield weight, other is None and _PRO_FORMA.search(cell.text) is None, cell


def why_no_invoice(lines: Sequence[Line], candidates: Iterable[Candidate]) -> str | None:
    """Why a text is no invoice; None if it is one: it calls itself one, names a sum, and a number, a date or
    an account."""
    fields = {candidate.field for candidate in candidates}
    nothing = "it has no e-invoice inside and no payment code"
    if not lines:
        return "it has no text, no e-invoice inside and no payment code"
    named = max(titles(lines), key=lambda title: title[0], default=None)
    if named is not None and named[0] < _A_TITLE:
        named = None
    if named is not None and not named[1]:
        return f"{nothing}, and calls itself {named[2].text.strip()!r}"
    mentioned = any(MENTIONED.search(line.text) for line in lines)
    # A title may be set so large or so fancifully that it was not recognized: the rest has to make up for it.
    needed = 0 if named is not None else _ENOUGH if mentioned else _ENOUGH + 2
    if not mentioned and _evidence(fields) < needed:
        return f"{nothing}, and its text calls itself no invoice"
    # A draft without a sum is better than none, where the paper is an invoice beyond doubt.
    sure = named is not None and "invoice_number" in fields and _evidence(fields) >= _ENOUGH
    if not sure and not fields & {"gross_amount", "net_amount"}:
        return f"{nothing}, and its text names no sum to pay"
    if not fields & {"invoice_number", "invoice_date", "iban"}:
        return f"{nothing}, and its text names no number, date or account"
    if _evidence(fields) < needed:
        return f"{nothing}, and its text speaks of an invoice without being one"
    return None


def _evidence(fields: set[str]) -> int:
    """How much of what only invoices have together was found."""
    others = ("net_amount", "vat_amount", "gross_amount", "due_date", "terms", "iban", "issuer_vat_id")
    weights = {"invoice_number": 2, "customer_number": 1, **dict.fromkeys(others, 1)}
    return sum(weight for field, weight in weights.items() if field in fields)


def is_credit_note(lines: Sequence[Line]) -> bool:
    return any(_CREDIT_NOTE.search(cell.text) for line in lines[:_HEAD] for cell in line.cells)
