"""Who wrote an invoice and to whom, from its text: always a guess, never certain.

Addresses are blocks of lines that stand closely below each other and end with a postal code and a town. Which
of them is the issuer's is told by what stands elsewhere too: in the sender's line, the footer, the account.
"""

import re
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from services.documents.invoices.kinds import IS_OTHER, MENTIONED
from services.documents.invoices.labels.parties import COMPANY, RECIPIENT, SHIP_TO
from services.documents.invoices.lines import Cell, Line, same_column
from services.documents.invoices.values import amounts_in, dates_in

Place = tuple[str, Line, Cell]

_ACCOUNT_HOLDER: Final = re.compile(
    r"(?:konto?inhaber(?:in)?|titulaire(?:\s+du\s+compte)?|intestatario(?:\s+del\s+conto)?|"
    r"account\s+(?:holder|name)|beneficiary|beg[üu]nstigter?|b[ée]n[ée]ficiaire|beneficiario|"
    r"(?:verk[äa]ufer|seller|vendor|vendeur|venditore|fournisseur|fornitore)(?=\s*:)|"
    r"sold\s+by|service\s+provider)"
    r"\s*:?\s*(?P<name>[^|–]{2,60})?",
    re.IGNORECASE,
)
_DOMAIN: Final = re.compile(
    r"(?:@|www\.|https?://)(?:[\w-]+\.)*?([\w-]{3,})\.(?:[a-z]{2,6}\.)?[a-z]{2,6}\b", re.IGNORECASE
)
_ATTENTION: Final = re.compile(
    r"^(?:attn|c/o|z\.\s?hd?\.(?:\s?v\.)?|firma|herrn?|frau|madame|monsieur|mme|mr?s?\.?|"
    r"signora?|sig\.(?:ra)?|egr\.|gentile)(?:[.:]\s*|\s+|$)",
    re.IGNORECASE,
)
#: The line of an address with the town: a postal code of 4 or 5 digits before it, one of the United Kingdom,
#: or one of the United States behind it.
_TOWN: Final = re.compile(
    r"^(?:[A-Z]{1,3}[ -])?\d{4,5}\s+[A-ZÄÖÜÉÈÀ]\w+|^\d{5}[A-ZÄÖÜ][a-zäöü]{2,}|"
    r"\b[A-Z]{1,2}\d[\dA-Z]?\s\d[A-Z]{2}\b|\b[A-Z]{2}\s\d{5}(?:-\d{4})?\b|"
    r"^\d{4}\s?[A-Z]{2}\s+[A-Z]\w+"
)
_STREET: Final = re.compile(
    r"(?:stra(?:ss|ß)e|str\.|weg|gasse|platz|allee|ring|damm|ufer|hof|postfach)\b|\b(?:rue|"
    r"avenue|av\.|boulevard|chemin|ch\.|route|place|quai|case\s+postale|via|viale|corso|"
    r"piazza|largo|street|st\.?|road|rd\.?|lane|avenue|ave\.?|drive|suite|p\.?o\.?\s+box|"
    r"unit)\b|\s\d{1,4}\s?[a-z]?$",
    re.IGNORECASE,
)
#: Words of forms, which no name is made of.
_A_LABEL: Final = re.compile(
    r":|\b(?:nummer|number|name|adresse|address|anschrift|date|datum|data|nom|nome|indirizzo|"
    r"seite|page|pagina|total|iban|bic|mwst|tva|iva|vat|tel|telefon|phone|fax|bank|www|"
    r"e-?mail|menge|qty|description|bezeichnung|betrag|amount|montant|importo)\b|@|www\.",
    re.IGNORECASE,
)


_NAMED: Final = re.compile(r"^\s*(?:name|nom|nome|firma)\s*:\s*(?P<name>.+)$", re.IGNORECASE)
_OF_AN_ORDER: Final = re.compile(r"^(?:ihre?|your|votre|vostr[ao])\s", re.IGNORECASE)
#: What parts name, street and town where an address stands in one line.
_PARTS: Final = re.compile(r"\s*(?:,|·|•|\||\s[-–—]\s)\s*")


def recipients(lines: Sequence[Line]) -> list[Place]:
    """Names that may be the recipient's, the likeliest first."""
    found = list(_labelled(lines))
    blocks = [block for block in _address_blocks(lines) if not _is_under(SHIP_TO, lines, block)]
    named = [(name, block) for block in blocks if (name := _name_of(block)) is not None]
    counts = {name: _mentions(lines, name[0]) for name, _ in named}
    upper = [
        (name, block) for name, block in named if name[1].page == lines[0].page and block[0][1].box[1] < 420
    ]
    if (upper and len(upper) > 1) or (upper and counts[upper[0][0]] == 1 and _is_in_window(upper[0][1])):
        # Issuers are named again: in the sender's line, the footer, at the account.
        ordered = sorted(
            upper, key=lambda one: (counts[one[0]], _has_contact(lines, one[1]), -one[1][0][1].box[1])
        )
        found += [name for name, _ in ordered]
    return found


def issuers(lines: Sequence[Line], addressed: Sequence[Place]) -> list[Place]:
    """Names that may be the issuer's, the likeliest first; `addressed` are the recipients."""
    if not lines:
        return []
    domains = {match.lower() for line in lines for match in _DOMAIN.findall(line.text)}
    recipient = addressed[0][0] if addressed else None
    scores: dict[str, float] = {}
    places: dict[str, Place] = {}

    def add(name: str, line: Line, cell: Cell, score: float) -> None:
        if recipient is not None and (name in recipient or recipient in name):
            return
        places.setdefault(name, (name, line, cell))
        scores[name] = scores.get(name, 0.0) + score

    usual = median(cell.height for line in lines for cell in line.cells)
    first = lines[0].page
    for at, line in enumerate(lines):
        for cell in line.cells:
            top = line.page == first and cell.box[1] < 130
            holder = _ACCOUNT_HOLDER.search(cell.text)
            if holder:
                said = (holder["name"] or "").strip(" :")
                under = next(_names_below(lines, at, cell), None) if not said else None
                if name := said or (under[0] if under else ""):
                    add(name, line, cell, 4.0)
                continue
            if name := _name_of_sender(cell.text):
                add(name, line, cell, 3.0)
            elif name := _company(cell.text):
                add(name, line, cell, 1.5 + (2.0 if top else 0.0))
            elif top and _looks_like_a_name(cell.text) and not _TOWN.search(cell.text):
                street = _STREET.search(cell.text) is not None
                add(cell.text, line, cell, 0.2 if street else 1.5 if cell.height > 1.15 * usual else 0.8)
    for block in _address_blocks(lines):
        if (name := _name_of(block)) is not None and not _is_under(SHIP_TO, lines, block):
            add(*name, 1.5 + (1.0 if _has_contact(lines, block) else 0.0))
    for name in scores:
        scores[name] += min(2.0, 1.0 * (_mentions(lines, name) - 1))
        if any(word.lower() in domains for word in re.findall(r"[\w-]{3,}", name)):
            scores[name] += 3.0
    return [places[name] for name in sorted(scores, key=lambda name: -scores[name])]


def _labelled(lines: Sequence[Line]) -> Iterator[Place]:
    """Names behind or below a label of the recipient."""
    for at, line in enumerate(lines):
        for index, cell in enumerate(line.cells):
            match = RECIPIENT.search(cell.text)
            if match is None or re.search(r"\w", cell.text[: match.start()]):
                continue
            rest = cell.text[match.end() :].strip(" :")
            beside = line.cells[index + 1] if index + 1 < len(line.cells) else None
            if _looks_like_a_name(rest):
                yield rest, line, cell
            elif (
                beside is not None
                and beside.box[0] - cell.box[2] < 80
                and cell.text.rstrip().endswith(":")
                and _looks_like_a_name(beside.text)
            ):
                yield beside.text, line, beside
            elif (under := next(_names_below(lines, at, cell), None)) is not None:
                yield under


def _names_below(lines: Sequence[Line], at: int, cell: Cell) -> Iterator[Place]:
    """Names in the lines below a label, in its column; numbers and the like stand between."""
    for below in lines[at + 1 : at + 6]:
        named = _NAMED.match(below.text)
        if named is not None and below.page == lines[at].page and _looks_like_a_name(named["name"]):
            yield named["name"], below, below.cells[-1]
        for other in below.cells:
            name = _ATTENTION.sub("", other.text)
            if (
                below.page == lines[at].page
                and same_column(cell, other)
                and other.box[1] - cell.box[3] < 60
                and _looks_like_a_name(name)
            ):
                yield name, below, other


Block = list[tuple[Line, Cell]]


def _address_blocks(lines: Sequence[Line]) -> list[Block]:
    """Cells below each other with one edge in common, up to a line with a town."""
    open_blocks: list[Block] = []
    found = []
    for line in lines:
        for cell in line.cells:
            if _name_of_sender(cell.text):
                continue
            block = next((block for block in reversed(open_blocks) if _goes_on(block[-1], line, cell)), None)
            if block is None:
                block = []
                open_blocks.append(block)
            block.append((line, cell))
            if _TOWN.search(cell.text) and len(block) >= 2:
                found.append(block[-5:])
                open_blocks.remove(block)
    return found


def _name_of_sender(text: str) -> str:
    """The name in an address of one line, as it stands in small print above the window of a letter."""
    name, *parts = _PARTS.split(text.strip())
    if len(parts) < 2 or not any(_TOWN.search(part) for part in parts):
        return ""
    if _STREET.search(name) or not _looks_like_a_name(name):
        return ""
    return name


def _goes_on(last: tuple[Line, Cell], line: Line, cell: Cell) -> bool:
    above = last[1]
    edges = min(abs(above.box[0] - cell.box[0]), abs(above.box[2] - cell.box[2]))
    gap = cell.box[1] - above.box[3]
    return last[0].page == line.page and edges < 4 and -2 < gap < 1.6 * cell.height


def _name_of(block: Block) -> Place | None:
    """The first line of an address that is no label and no greeting."""
    for line, cell in block[:-1]:
        name = _ATTENTION.sub("", cell.text)
        if name and _looks_like_a_name(name) and not RECIPIENT.search(name) and not SHIP_TO.search(name):
            return name, line, cell
    return None


def _is_under(pattern: re.Pattern[str], lines: Sequence[Line], block: Block) -> bool:
    """Whether a label stands in or right above a block."""
    first_line, first = block[0]
    if any(pattern.search(cell.text) for _, cell in block):
        return True
    return any(
        pattern.search(cell.text) is not None
        for line in lines
        if line.page == first_line.page
        for cell in line.cells
        if same_column(cell, first) and 0 <= first.box[1] - cell.box[3] < 1.5 * first.height
    )


def _is_in_window(block: Block) -> bool:
    """Where the window of an envelope is: the second eighth of a page, and a little more."""
    return 85 < block[0][1].box[1] < 260


def _has_contact(lines: Sequence[Line], block: Block) -> bool:
    """Whether telephone, web or VAT id stand right below an address."""
    last_line, last = block[-1]
    return any(
        re.search(r"\b(?:tel|phone|fon|fax|www|@|mwst|ust|tva|iva|vat|uid|mail)", cell.text, re.I) is not None
        for line in lines
        if line.page == last_line.page
        for cell in line.cells
        if same_column(cell, last) and 0 <= cell.box[1] - last.box[1] < 4 * last.height and cell is not last
    )


def _mentions(lines: Sequence[Line], name: str) -> int:
    wanted = _letters(name)
    return sum(wanted in _letters(cell.text) for line in lines for cell in line.cells)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text).casefold()


def _company(text: str) -> str:
    """The company that a cell names, cut where something else follows its legal form."""
    ends = [match.end() for match in COMPANY.finditer(text) if match.start() >= 2]
    if not ends:
        return ""
    name = text[: ends[-1]].strip(" ,–-:•|·")
    name = re.split(r"[–|•·:]\s|,\s(?=\S+\s)|\s-\s", name)[-1] if len(name) > 45 else name
    return name if 3 <= len(name) <= 70 and name[0].isalnum() and not MENTIONED.search(name) else ""


def _looks_like_a_name(text: str) -> bool:
    letters = sum(letter.isalpha() for letter in text)
    return (
        3 <= len(text) <= 60
        and letters > len(text) * 0.6
        and not MENTIONED.search(text)
        and not IS_OTHER.search(text)
        and not _OF_AN_ORDER.search(text)
        and not amounts_in(text)
        and next(dates_in(text), None) is None
        and ":" not in text
        and (COMPANY.search(text) is not None or not _A_LABEL.search(text))
    )
