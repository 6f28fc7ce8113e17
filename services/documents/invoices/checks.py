"""Whether a value can be true: checksums and plausibility."""

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from services.documents.invoices.words import AMOUNTS, DATES
from shared.identifiers import is_bic, is_creditor_reference, is_iban, is_qr_reference, is_vat_id

#: Before this, there was nothing that could be uploaded as an invoice.
_EARLIEST: Final = date(1990, 1, 1)
_CURRENCY_LENGTH: Final = 3
#: ISO 3166-1 alpha-2, and Kosovo's user-assigned code, which its IBANs have.
_COUNTRIES: Final = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS "
    "BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE "
    "EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM "
    "HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC "
    "LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA "
    "NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW "
    "SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO "
    "TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW "
)


def problem_of(field: str, value: str, today: date) -> str | None:
    """Why `value` cannot be right for `field`, in words; None if nothing speaks against it."""
    if field in AMOUNTS:
        return None if is_amount(value) else f"{value!r} is no amount"
    if field in DATES:
        return _problem_of_date(value, today)
    match field:
        case "iban":
            return None if is_iban(value) else f"{value} fails the check digits of an IBAN"
        case "issuer_vat_id" | "recipient_vat_id":
            return None if is_vat_id(value) else f"{value} fails the check of a VAT id"
        case "currency":
            correct = (
                len(value) == _CURRENCY_LENGTH and value.isascii() and value.isalpha() and value.isupper()
            )
            return None if correct else f"{value!r} is no currency code"
        case "bic":
            return None if is_bic(value) else f"{value} is no BIC"
        case "payee_country":
            return None if value in _COUNTRIES.split() else f"{value!r} is no country code"
        case "reference":
            if value.startswith("RF") and value[2:4].isdigit() and not is_creditor_reference(value):
                return f"{value} fails the check digits of a creditor reference"
            if len(value) == 27 and value.isdigit() and not is_qr_reference(value):
                return f"{value} fails the check digit of a QR reference"
    return None


def is_amount(value: str) -> bool:
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _problem_of_date(value: str, today: date) -> str | None:
    try:
        found = date.fromisoformat(value)
    except ValueError:
        return f"{value!r} is no date"
    if found < _EARLIEST or found > today + timedelta(days=731):
        return f"{value} is no plausible date"
    return None
