"""Which characters a bank takes, and what becomes of the others.

Swiss Payment Standards 2025, chapter on the character set: Unicode Basic Latin, Latin-1 Supplement and
Latin Extended-A, besides Ș ș Ț ț and €. SEPA, EPC217-08: a-z A-Z 0-9 / - ? : ( ) . , ' + and space; every
bank has to take those, and may refuse others. What has no counterpart becomes a full stop, as both say.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

#: Either of `swiss` and `sepa`.
Cleaning = Callable[[str], str]

_SEPA: Final = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_SWISS: Final = re.compile("[^\x20-\x7e\xa0-\u017f\u0218-\u021b\u20ac]")

#: Signs that printed invoices have and banks do not take, with their plain counterparts.
_PLAIN: Final = str.maketrans({
    "’": "'", "‘": "'", "‚": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-",
    "−": "-", "‐": "-", "‑": "-", "…": "...", "•": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
    "\t": " ", "\r": " ", "\n": " ", "\u00ad": None, "\u200b": None, "\ufeff": None,
})  # fmt: skip

#: Letters of the Latin script that are no base letter with an accent, the German spelling of umlauts, and
#: signs that EPC217-08 replaces.
_BASIC: Final = str.maketrans({
    "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ẞ": "SS", "æ": "ae",
    "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d",
    "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "n", "Ŋ": "N", "ĸ": "k", "ŧ": "t",
    "Ŧ": "T", "ĳ": "ij", "Ĳ": "IJ", "ŀ": "l", "Ŀ": "L", "ŉ": "n", "ſ": "s", "€": "E", "&": "+", "@": "(a)",
    "_": "-", "*": ".", "%": ".", "#": ".", "$": ".", "!": ".", "=": ".", ";": ",", '"': "'", "<": "(",
    ">": ")", "[": "(", "]": ")", "{": "(", "}": ")", "|": "/", "\\": "/", "^": ".", "~": "-", "§": ".",
    "°": ".", "«": "'", "»": "'",
})  # fmt: skip

#: Greek and Cyrillic as EPC217-08, chapter 6, converts them.
_SCRIPTS: Final = str.maketrans(
    dict(zip("αβγδεζηικλμνξοπρσςτυφωΑΒΓΔΕΖΗΙΚΛΜΝΞΟΠΡΣΤΥΦΩ",
             "avgdeziiklmnxoprsstyfoAVGDEZIIKLMNXOPRSTYFO", strict=True))
    | {"θ": "th", "Θ": "TH", "χ": "ch", "Χ": "CH", "ψ": "ps", "Ψ": "PS"}
    | dict(zip("абвгдезийклмнопрстуфхъыэАБВГДЕЗИЙКЛМНОПРСТУФХЪЫЭ",
               "abvgdeziyklmnoprstufhayeABVGDEZIYKLMNOPRSTUFHAYE", strict=True))
    | {"ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sht", "ю": "yu", "я": "ya", "ь": "y", "ё": "yo",
       "Ж": "ZH", "Ц": "TS", "Ч": "CH", "Ш": "SH", "Щ": "SHT", "Ю": "YU", "Я": "YA", "Ь": "Y", "Ё": "YO"}
)  # fmt: skip


def swiss(text: str) -> str:
    """`text` in the characters that Swiss banks take; umlauts and accents stay."""
    text = unicodedata.normalize("NFC", text).translate(_PLAIN)
    return _single_spaces(_SWISS.sub(lambda found: _base_letters(found.group().translate(_SCRIPTS)), text))


def sepa(text: str) -> str:
    """`text` in the characters that every SEPA bank takes: `Müller & Söhne` is `Mueller + Soehne`."""
    text = unicodedata.normalize("NFC", text).translate(_PLAIN).translate(_BASIC).translate(_SCRIPTS)
    return _single_spaces(_SEPA.sub(".", "".join(map(_base_letters, text))))


def _base_letters(text: str) -> str:
    """Without accents; what is left of no use is a full stop."""
    plain = unicodedata.normalize("NFKD", text).translate(_SCRIPTS).translate(_BASIC)
    kept = "".join(c for c in plain if c.isascii() and c.isprintable())
    return kept or "."


def _single_spaces(text: str) -> str:
    return " ".join(text.split())


def says_something(text: str) -> bool:
    """Whether a letter or digit is left."""
    return any(c.isalnum() for c in text)
