"""Who wrote an invoice and to whom, from its text: always a guess, never certain."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from services.documents.invoices.labels import COMPANY, INVOICE, RECIPIENT
from services.documents.invoices.lines import Cell, Line
from services.documents.invoices.values import amounts_in, dates_in

Place = tuple[str, Line, Cell]

_ACCOUNT_HOLDER: Final = re.compile(
    r"(?:konto?inhaber(?:in)?|titulaire(?:\s+du\s+compte)?|intestatario|account\s+holder|(?:verk[äa]ufer|seller|vendor|vendeur|venditore|fournisseur|fornitore)(?=\s*:)|sold\s+by|service\s+provider)"
    r"\s*:?\s*(?P<name>[^|–]{2,60})?",
    re.IGNORECASE,
)
_DOMAIN: Final = re.compile(r"(?:@|www\.|https?://)(?:[\w-]+\.)*?([\w-]{3,})\.[a-z]{2,6}\b", re.IGNORECASE)
_LINES_OF_A_HEAD: Final = 8
_ATTENTION: Final = re.compile(r"^(?:attn|c/o|z\.\s?h\.(?:\s?v\.)?)[.:]?\s*", re.IGNORECASE)
#: Words of forms, which no name is made of.
_A_LABEL: Final = re.compile(
    r":|\b(?:nummer|number|name|adresse|address|anschrift|date|datum|nom|nome|indirizzo)\b", re.IGNORECASE
)


def issuers(lines: Sequence[Line]) -> list[Place]:
    """Names that may be the issuer's, the likeliest first."""
    domains = {match.lower() for line in lines for match in _DOMAIN.findall(line.text)}
    addressed = {name for name, _, _ in recipients(lines)}
    scores: dict[str, float] = {}
    places: dict[str, Place] = {}
    for at, line in enumerate(lines):
        for cell in line.cells:
            holder = _ACCOUNT_HOLDER.search(cell.text)
            said = (holder["name"] or "").strip(" :") if holder else ""
            under = next(_names_below(lines, at, cell), None) if holder and not said else None
            name = (said or (under[0] if under else "")) if holder else _company(cell.text)
            if not name or name in addressed:
                continue
            places.setdefault(name, (name, line, cell))
            score = 3.0 if holder else 1.0
            score += 2.0 if at < _LINES_OF_A_HEAD else 0.0
            if name not in scores and any(word.lower() in domains for word in re.findall(r"[\w-]{3,}", name)):
                score += 3.0
            scores[name] = scores.get(name, 0.0) + score
    if not scores:
        for line in lines[:_LINES_OF_A_HEAD]:
            for cell in line.cells:
                if _looks_like_a_name(cell.text) and cell.text not in addressed:
                    return [(cell.text, line, cell)]
    return [places[name] for name in sorted(scores, key=lambda name: -scores[name])]


def recipients(lines: Sequence[Line]) -> list[Place]:
    """Names behind or below a label of the recipient."""
    found = []
    for at, line in enumerate(lines):
        for cell in line.cells:
            match = RECIPIENT.search(cell.text)
            if match is None:
                continue
            rest = cell.text[match.end() :].strip(" :")
            if _looks_like_a_name(rest):
                found.append((rest, line, cell))
                continue
            if (under := next(_names_below(lines, at, cell), None)) is not None:
                found.append(under)
    return found


def _names_below(lines: Sequence[Line], at: int, cell: Cell) -> Iterator[Place]:
    """Names in the lines below a label, in its column; numbers and the like stand between."""
    for below in lines[at + 1 : at + 5]:
        for other in below.cells:
            column = _same_column(cell, other) if cell.box is not None else other is below.cells[0]
            name = _ATTENTION.sub("", other.text)
            if below.page == lines[at].page and column and _looks_like_a_name(name):
                yield name, below, other


def _company(text: str) -> str:
    """The company that a cell names, cut where something else follows its legal form."""
    ends = [match.end() for match in COMPANY.finditer(text) if match.start() >= 2]
    if not ends:
        return ""
    name = text[: ends[-1]].strip(" ,–-:•|")
    name = re.split(r"[–|•:,]\s|\s-\s", name)[-1] if len(name) > 45 else name
    return name if 3 <= len(name) <= 70 and name[0].isalnum() and not INVOICE.search(name) else ""


def _looks_like_a_name(text: str) -> bool:
    letters = sum(letter.isalpha() for letter in text)
    return (
        3 <= len(text) <= 60
        and letters > len(text) * 0.6
        and not INVOICE.search(text)
        and not amounts_in(text)
        and next(dates_in(text), None) is None
        and not _A_LABEL.search(text)
    )


def _same_column(cell: Cell, other: Cell) -> bool:
    if cell.box is None or other.box is None:
        return False
    return min(cell.box[2], other.box[2]) - max(cell.box[0], other.box[0]) > 0
