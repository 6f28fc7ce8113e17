"""What the steps of an approval say beside their names, in the reader's language. Pure.

Services write it in English into a history that is kept (`approved: fine with me; one more person has to
approve`). What a person wrote in it stays as it was written, in whatever language.
"""

import re
from collections.abc import Mapping

from markupsafe import Markup

from services.gateway.pages.documents.words import PAYMENTS
from services.gateway.pages.invoice_words import FIELDS
from services.gateway.pages.languages import N_, SOURCE, message, spoken_text
from services.gateway.pages.preferences import Language
from shared.sentences.translating import sentence_in
from shared.words import StepKind

#: A person's own words stand behind what the step is called already.
_SAID = (StepKind.REJECTED, StepKind.QUESTIONED, StepKind.ANSWERED, StepKind.WITHDRAWN)
_APPROVED = re.compile(
    r"approved(?:: (?P<said>.*?))?(?:; (?P<more>(?:one|\d+) more p\w+ h\w+ to approve))?", re.S
)
_CORRECTED = re.compile(r"corrected: (?P<changes>.*?)(?P<why> \(.*\))?", re.S)
_PAYMENT = re.compile(r"payment (?P<state>[a-z]+)(?: \((?P<why>.*)\))?", re.S)
_PAID = re.compile(r"paid: (?P<amount>.*), booked on (?P<day>\S+)")
_NONE = re.compile(r" none(?= →|$)|(?<=→ )none$")
_CONFIRMED = " confirmed"
_RIGHT = N_("confirmed")
#: What is confirmed that is no field.
_DUPLICATE = "duplicate"

#: The names of fields, as the history has them.
_NAMES: Mapping[str, str] = {**FIELDS, _DUPLICATE: N_("that it is no duplicate")}


def step_words(language: Language, kind: str, words: str) -> Markup:
    """`words` of a step of this kind; empty where its name says it all."""
    if kind in _SAID:
        return Markup("{}").format(words.partition(": ")[2] or words)
    if kind == StepKind.APPROVED and (approved := _APPROVED.fullmatch(words)):
        said, more = approved["said"], approved["more"]
        parts = [*([said] if said else []), *([_service(language, more)] if more else [])]
        return Markup("; ").join(parts)
    if kind == StepKind.CONFIRMED:
        names = words.removeprefix("confirmed: ").split(", ")
        return Markup(", ").join(_name(language, name) or name for name in names)
    if kind == StepKind.CORRECTED and (corrected := _CORRECTED.fullmatch(words)):
        return _changes(language, corrected["changes"]) + (corrected["why"] or "")
    if kind == StepKind.PAYMENT:
        return _payment(language, words)
    head, arrow, rest = words.partition("the invoice was analysed again: ")
    if arrow:
        changes, _, asked = rest.rpartition("; ")
        again = _service(language, "the invoice was analysed again")
        return head + again + ": " + _changes(language, changes) + "; " + _service(language, asked)
    return _service(language, words)


def _payment(language: Language, words: str) -> Markup:
    if paid := _PAID.fullmatch(words):
        booked = message(language, N_("booked on %(day)s")) % {"day": paid["day"]}
        return Markup("{}, {}").format(paid["amount"], booked)
    found = _PAYMENT.fullmatch(words)
    known = {state.value: name for state, name in PAYMENTS.items()}
    if found is None or found["state"] not in known:
        return _service(language, words)
    state = message(language, known[found["state"]])
    return state if found["why"] is None else Markup("{}: {}").format(state, _service(language, found["why"]))


def _changes(language: Language, text: str) -> Markup:
    """`gross amount 100.00 → 120.00, IBAN CH93… confirmed`."""
    return Markup(", ").join(_change(language, piece) for piece in text.split(", "))


def _change(language: Language, piece: str) -> Markup:
    confirmed = piece.endswith(_CONFIRMED)
    words = piece.removesuffix(_CONFIRMED).split(" ")
    for number in range(len(words), 0, -1):
        name = _name(language, " ".join(words[:number]))
        if name is not None:
            value = _NONE.sub(" –", " ".join(["", *words[number:]]))
            ending = f" ({message(language, _RIGHT)})" if confirmed else ""
            return Markup("{}{}{}").format(name, value, ending)
    return Markup("{}").format(piece)


def _name(language: Language, word: str) -> Markup | None:
    """Of a field, by its id or as the services call it; None if it is none."""
    if word in _NAMES:
        return message(language, _NAMES[word])
    if language == SOURCE:
        return None
    translated, known = sentence_in(language, word)
    return Markup("{}").format(translated) if known else None


def _service(language: Language, text: str) -> Markup:
    return spoken_text(*sentence_in(language, text))
