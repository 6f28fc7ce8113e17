"""Payment terms in words: `zahlbar innert 30 Tagen`, `30 jours net`, `net 30`, to a number of days.

Days of a discount (Skonto, escompte), of default and of complaints are none of them. `End of month` and the
like are not computed.
"""

import re
from dataclasses import dataclass
from typing import Final

_DAY: Final = r"(?:tage?n?|jours?|giorni|gg\.?|days?|dagen)(?![a-zäöü])"
_NET: Final = r"(?:rein\s*)?(?:netto?|net)\b"
#: `30 Tage netto`, `netto 30 Tage`, `net 30`: the days without discount, whatever else the sentence says.
_NET_DAYS: Final = re.compile(
    rf"\b(?P<a>\d{{1,3}})\s*{_DAY}\s*{_NET}(?!\s*\d)"
    rf"|{_NET}[\s:,-]*(?:\w+\s){{0,2}}?(?P<b>\d{{1,3}})\s*{_DAY}"
    r"|\bnet[\s-]?(?P<c>\d{1,3})(?![\d%/-]|[.,'’]\d)(?!\s?%)",
    re.IGNORECASE,
)
_DAYS: Final = re.compile(rf"\b(?P<days>\d{{1,3}})\s*{_DAY}", re.IGNORECASE)
_PAYMENT: Final = re.compile(
    r"zahl|f[äa]llig|begleich|[üu]berweis|paya?bl|paiement|payer|r[ée]gl|[ée]ch[ée]ance|"
    r"pagament|pagare|pagabil|scaden|"
    r"\bpay|\bdue\b|\bterms\b|conditions|condizioni|\bnet\b|settle|remit|betal",
    re.IGNORECASE,
)
_DISCOUNT: Final = re.compile(r"skonto|escompte|sconto|discount|%|abzugsf|korting", re.IGNORECASE)
_NO_DISCOUNT: Final = re.compile(
    r"(?:ohne|kein|sans|senza|no|without)\w*\s+(?:abzug|skonto|escompte|sconto|discount)", re.I
)
#: What else is counted in days.
_OTHER: Final = re.compile(
    r"verzug|mahn|zins|widerruf|r[üu]ck|r[ée]clam|beanstand|einspr|einwend|reklam|retard|"
    r"p[ée]nalit|int[ée]r[êe]t|"
    r"mora|interess|reclam|contest|late|overdue|interest|return|dispute|complain|object|"
    r"liefer|livraison|consegna|"
    r"deliver|reminder|gültig|valid|ende|fin de|fine mese|end of",
    re.IGNORECASE,
)
_FROM_RECEIPT: Final = re.compile(
    r"erhalt|eingang|zugang|r[ée]ception|ricev|receipt|receiv|ontvangst", re.IGNORECASE
)
_SENTENCES: Final = re.compile(r"\n|(?<=[a-z])\.\s")
_CLAUSES: Final = re.compile(
    r"[,;\n]|\.\s|\s[/|]\s|\s(?:oder|sonst|or|otherwise|ou|sinon|oppure|altrimenti)\s(?=\d)"
)


@dataclass(frozen=True, slots=True)
class Terms:
    days: int
    #: As the document says it.
    words: str
    #: Whether they count from the date of the invoice, and not from the day on which it arrives.
    from_date: bool


def terms_in(text: str) -> Terms | None:
    """The days within which is to be paid without discount; None if the text names none, or several."""
    if (net := _one_of(_net_days(text))) is not None:
        return net
    return _one_of(_days(text))


def _net_days(text: str) -> list[Terms]:
    found = []
    for match in _NET_DAYS.finditer(text):
        around = _SENTENCES.split(text[: match.start()])[-1] + _SENTENCES.split(text[match.start() :])[0]
        if not _OTHER.search(around):
            found.append(_terms(int(match["a"] or match["b"] or match["c"]), around))
    return found


def _days(text: str) -> list[Terms]:
    found = []
    paying = False
    for clause in _CLAUSES.split(text):
        paying = paying or _PAYMENT.search(clause) is not None
        days = {int(match["days"]) for match in _DAYS.finditer(clause)}
        discount = _DISCOUNT.search(_NO_DISCOUNT.sub("", clause))
        if len(days) == 1 and paying and not discount and not _OTHER.search(clause):
            found.append(_terms(days.pop(), clause))
    return found


def _terms(days: int, clause: str) -> Terms:
    return Terms(days, " ".join(clause.split()), not _FROM_RECEIPT.search(clause))


def _one_of(found: list[Terms]) -> Terms | None:
    return found[0] if len({one.days for one in found}) == 1 and 0 < found[0].days <= 180 else None
