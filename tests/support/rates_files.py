"""Files of exchange rates as the sources publish them, made up: no value is anybody's."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

FIRST_DAY = date(2026, 3, 2)


def currencies(count: int) -> list[str]:
    """`AAA`, `AAB`, …"""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [f"A{letters[number // 26]}{letters[number % 26]}" for number in range(count)]


def ecb_file(days: Mapping[str, Mapping[str, str]]) -> bytes:
    """Day -> currency -> rate, each as it is to be written."""
    cubes = "".join(
        f"<Cube time='{day}'>"
        + "".join(f"<Cube currency='{currency}' rate='{rate}'/>" for currency, rate in rates.items())
        + "</Cube>"
        for day, rates in days.items()
    )
    return (
        "<?xml version='1.0' encoding='UTF-8'?>"
        "<gesmes:Envelope xmlns:gesmes='http://www.gesmes.org/xml/2002-08-01'"
        " xmlns='http://www.ecb.int/vocabulary/2002-08-01/eurofxref'>"
        f"<gesmes:subject>Reference rates</gesmes:subject><Cube>{cubes}</Cube></gesmes:Envelope>"
    ).encode()


def ecb_history(days: int, count: int = 30, rate: str = "1.25") -> bytes:
    """The newest day first, as the ECB does it."""
    written = [(FIRST_DAY + timedelta(days=number)).isoformat() for number in reversed(range(days))]
    return ecb_file({day: dict.fromkeys(currencies(count), rate) for day in written})


def bazg_file(validity: str, rates: Iterable[Sequence[str]]) -> bytes:
    """`rates` are pairs of unit and price: `("100 EGP", "1.66619")`."""
    entries = "".join(
        f"<devise code='{unit[-3:].lower()}'><land_en>Somewhere</land_en><waehrung>{unit}</waehrung>"
        f"<kurs>{price}</kurs></devise>"
        for unit, price in rates
    )
    return (
        "<?xml version='1.0' encoding='UTF-8'?>"
        "<wechselkurse xmlns='https://www.backend-rates.bazg.admin.ch/xmldaily'>"
        "<datum>01.03.2026</datum><zeit>07:00:03</zeit>"
        f"<gueltigkeit>{validity}</gueltigkeit>{entries}</wechselkurse>"
    ).encode()


#: A file of the disk, read by an entity.
XXE = (
    b"<?xml version='1.0'?><!DOCTYPE Envelope [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    b"<Envelope><Cube><Cube time='2026-03-02'><Cube currency='USD' rate='&x;'/></Cube></Cube></Envelope>"
)
BILLION_LAUGHS = (
    b"<?xml version='1.0'?><!DOCTYPE Envelope [<!ENTITY a 'ha'>"
    + b"".join(
        b"<!ENTITY %c '%s'>" % (letter + 1, b"&%c;" % letter * 10) for letter in range(ord("a"), ord("m"))
    )
    + b"]><Envelope>&m;</Envelope>"
)
