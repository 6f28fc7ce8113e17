"""The free text of `:86:`, in which banks put party, references and purpose, each country in its own way.

German: `166?00text?20EREF+…?21SVWZ+…?30BLZ or BIC?31account?32name`. Dutch: `/EREF/…/BENM//NAME/…/REMI/…`.
Everything else is text, in which an IBAN with a right checksum is taken for the other side's account.
"""

import re
from typing import Any, Final

from services.integrations.bank.readers.values import account_of, cut
from shared.identifiers import is_iban

_GERMAN: Final = re.compile(r"\d{3}([^\w\s])(?=\d\d)")
_PURPOSE: Final = frozenset(range(20, 30)) | frozenset(range(60, 64))
#: Keywords within the purpose: end-to-end id, customer reference, mandate, creditor id, text, the other's
#: name.
_SEPA: Final = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|IBAN|BIC|COAM|OAMT|PURP|RREF|RTRN)\+")
_SLASHED: Final = re.compile(
    r"/(TRTP|IBAN|BIC|NAME|REMI|EREF|MARF|CSID|ORDP|BENM|PREF|RTRN|ISDT|ADDR|ID|TRCD|CNTP|PURP|SVCL|OCMT|CHGS|INIT"
    r"|ULTC|ULTD|KREF|ACCW|RREF|IREF|BUSP|PY|SDCR|SCOR|CREF|CDTRREFTP|CDTRREF|ISSUER|STRD|USTD|USTRD)/"
)
_IBAN: Final = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}(?![A-Z0-9])")
_EMPTY: Final = frozenset({"", "NOTPROVIDED", "NONREF"})


def details_of(written: str, *, paid: bool, supplement: str = "") -> dict[str, Any]:
    """What the text says of the transaction: `party`, `party_account`, `payment_id`, `text`, `info`, ..."""
    text = written.strip("\n")
    if german := _GERMAN.match(text.replace("\n", "")[:8]):
        detail = _german(text, german[1])
    elif text.startswith("/") and _SLASHED.match(text.replace("\n", "")):
        detail = _slashed(text, paid=paid)
    else:
        detail = {"text": _tidy(text)} if text.strip() else {}
    supplement_account = account_of(supplement) if supplement else ""
    if is_iban(supplement_account):
        detail.setdefault("party_account", supplement_account)
    elif supplement and not any(sign.isdigit() for sign in supplement):
        detail.setdefault("party", _tidy(supplement))
    elif supplement:
        detail["supplement"] = _tidy(supplement)
    if "party_account" not in detail and (account := _iban_in(detail.get("text", ""))):
        detail["party_account"] = account
    if "text" in detail:
        detail["text"] = cut(detail["text"])
    return detail


def _german(written: str, separator: str) -> dict[str, Any]:
    # Lines are cut anywhere, also within words and field numbers.
    text = written.replace("\n", "")
    fields: dict[int, str] = {}
    for part in text[3:].split(separator)[1:]:
        if part[:2].isdigit():
            fields[int(part[:2])] = part[2:]
    purpose = "".join(fields[number] for number in sorted(fields) if number in _PURPOSE)
    detail: dict[str, Any] = {}
    pieces = _SEPA.split(purpose)
    values = {key: value.strip() for key, value in zip(pieces[1::2], pieces[2::2], strict=True)}
    free = pieces[0].strip()
    detail["text"] = " ".join(part for part in (free, values.get("SVWZ", "")) if part)
    for key, name in (("EREF", "payment_id"), ("KREF", "customer_ref"), ("MREF", "mandate")):
        if values.get(key, "") not in _EMPTY:
            detail[name] = values[key]
    detail["party"] = " ".join((fields.get(32, "") + fields.get(33, "")).split()) or values.get("ABWA", "")
    account = fields.get(31, "").strip() or values.get("IBAN", "")
    if account:
        bank = fields.get(30, "").strip()
        german = f"{bank}/{account}" if re.fullmatch(r"\d{8}", bank) and account.isdigit() else account
        detail["party_account"] = account_of(german)
    detail["info"] = fields.get(0, "").strip()
    return {name: value for name, value in detail.items() if value}


def _slashed(written: str, *, paid: bool) -> dict[str, Any]:
    text = written.replace("\n", "")
    pieces = _SLASHED.split(text)
    detail: dict[str, Any] = {}
    side = ""
    for key, raw in zip(pieces[1::2], pieces[2::2], strict=True):
        value = raw.strip(" /")
        match key:
            case "BENM" | "ORDP" | "CNTP" | "ULTC" | "ULTD":
                side = key
                if key == "CNTP":
                    _counterparty(value, detail)
            case "NAME" if value and side not in ("ULTC", "ULTD"):
                wanted = "BENM" if paid else "ORDP"
                if "party" not in detail or side == wanted:
                    detail["party"] = value
            case "IBAN" if is_iban(account_of(value)):
                detail.setdefault("party_account", account_of(value))
            case "ID" if side in ("BENM", "ORDP") and is_iban(account_of(value)):
                detail.setdefault("party_account", account_of(value))
            case "EREF" if value not in _EMPTY:
                detail.setdefault("payment_id", value)
            case "MARF" if value not in _EMPTY:
                detail.setdefault("mandate", value)
            case "REMI" | "USTD" | "USTRD" if value:
                detail["text"] = f"{detail['text']} {value}" if "text" in detail else value
            case "RTRN" if value:
                detail["return_reason"] = value
            case "TRTP" if value:
                detail["info"] = value
            case _:
                pass
    return detail


def _counterparty(value: str, detail: dict[str, Any]) -> None:
    """`/CNTP/account/bic/name/city/`."""
    account, _, rest = value.partition("/")
    if account and is_iban(account_of(account)):
        detail["party_account"] = account_of(account)
    name = rest.split("/")[1:2]
    if name and name[0].strip():
        detail["party"] = name[0].strip()


def _iban_in(text: str) -> str | None:
    for found in _IBAN.finditer(text):
        candidate = found[0].replace(" ", "")
        # Words that follow without a sign in between belong to the text.
        for length in range(len(candidate), 14, -1):
            if is_iban(candidate[:length]):
                return candidate[:length]
    return None


def _tidy(text: str) -> str:
    return "\n".join(line for line in (part.strip() for part in text.split("\n")) if line)
