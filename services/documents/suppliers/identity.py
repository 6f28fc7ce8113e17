"""By what an issuer is recognized. Standard library and checks only: the reading processes import it too."""

from collections.abc import Mapping, Sequence

from services.documents.core import compact
from shared.identifiers import is_iban


def issuer_keys(values: Mapping[str, str]) -> list[str]:
    """Everything by which the issuer of an invoice with these values can be recognized, the surest first:
    `vat:…`, `iban:…`, `name:…`."""
    keys = []
    if vat := values.get("issuer_vat_id"):
        number = compact(vat)
        # `CHE-123.456.789 MWST` and `… TVA` are one number.
        keys.append(f"vat:{number[:12] if number.startswith('che') else number}")
    if (iban := values.get("iban")) and is_iban(iban):
        keys.append(f"iban:{compact(iban)}")
    if (name := values.get("issuer_name") or values.get("payee_name")) and len(compact(name)) >= 3:
        keys.append(f"name:{compact(name)}")
    return keys


def are_different(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two issuers have VAT ids and not the same: then neither account nor name makes them one."""
    first, second = ({key for key in keys if key.startswith("vat:")} for keys in (one, other))
    return bool(first and second and first.isdisjoint(second))
