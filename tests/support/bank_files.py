"""Made bank statements: one ledger, written as camt.053 (older and newer versions), camt.054 and MT940."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

ACCOUNT = "CH9300762011623852957"
FIRST_DAY = date(2026, 3, 2)
VERSIONS = ("02", "04", "08")


@dataclass(frozen=True, slots=True)
class Payment:
    """One of the payments of which a batch consists; positive."""

    amount: Decimal
    payment_id: str = ""
    party: str = ""
    iban: str = ""
    reference: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Booking:
    """One entry of the ledger."""

    #: Signed: negative is money that left the account.
    amount: Decimal
    day: date = FIRST_DAY
    valued: date | None = None
    bank_ref: str = ""
    payment_id: str = ""
    party: str = ""
    iban: str = ""
    #: ISO 11649 or QR reference.
    reference: str = ""
    text: str = ""
    reversal: bool = False
    #: `BOOK`, `PDNG` or `INFO`.
    status: str = "BOOK"
    #: `PmtInfId` of the block of orders.
    batch_id: str = ""
    #: A batch: told in detail by camt.054, and by camt.053 if asked.
    payments: tuple[Payment, ...] = ()
    #: `100.00 EUR`, and the rate.
    instructed: tuple[str, str, str] | None = None

    @property
    def value_day(self) -> date:
        return self.valued or self.day


@dataclass(frozen=True, slots=True)
class Part:
    """Some bookings of a ledger in a row, as one statement has them."""

    bookings: tuple[Booking, ...]
    #: Balance before them.
    opening: Decimal
    opening_day: date
    closing_day: date
    number: int = 1
    account: str = ACCOUNT
    currency: str = "CHF"

    @property
    def closing(self) -> Decimal:
        return self.opening + sum((one.amount for one in self.booked), Decimal(0))

    @property
    def booked(self) -> Sequence[Booking]:
        return [one for one in self.bookings if one.status == "BOOK"]


def part_of(
    ledger: Sequence[Booking], first: int = 0, last: int | None = None, *, number: int = 1,
    start: Decimal = Decimal(1000), account: str = ACCOUNT,
) -> Part:  # fmt: skip
    """The bookings `first` to `last` of a ledger that begins with `start`; the ledger is in order of days."""
    last = len(ledger) if last is None else last
    before = sum((one.amount for one in ledger[:first] if one.status == "BOOK"), start)
    chosen = tuple(ledger[first:last])
    if first:
        opening_day = ledger[first - 1].day
    else:
        opening_day = (chosen[0].day if chosen else FIRST_DAY) - timedelta(days=1)
    closing_day = chosen[-1].day if chosen else opening_day
    return Part(chosen, before, opening_day, closing_day, number, account)


def camt053(*parts: Part, version: str = "08", details: bool = True, name: str = "Stmt") -> bytes:
    """BankToCustomerStatement; `details=False` books batches in one sum without their payments."""
    space = f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"
    statements = "".join(_statement(part, version, details=details, name=name) for part in parts)
    return _document(space, "BkToCstmrStmt", statements)


def camt054(*parts: Part, version: str = "08") -> bytes:
    """BankToCustomerDebitCreditNotification: entries with all details, no balances."""
    space = f"urn:iso:std:iso:20022:tech:xsd:camt.054.001.{version}"
    notes = "".join(
        f"<Ntfctn><Id>N{part.number}</Id><CreDtTm>{part.closing_day}T18:00:00</CreDtTm>{_account(part)}"
        + "".join(_entry(one, part.currency, version, details=True) for one in part.bookings)
        + "</Ntfctn>"
        for part in parts
    )
    return _document(space, "BkToCstmrDbtCdtNtfctn", notes)


def _document(space: str, message: str, content: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{space}"><{message}><GrpHdr>'
        f"<MsgId>M1</MsgId><CreDtTm>2026-03-31T06:00:00</CreDtTm></GrpHdr>{content}</{message}></Document>"
    ).encode()


def _account(part: Part) -> str:
    return f"<Acct><Id><IBAN>{part.account}</IBAN></Id><Ccy>{part.currency}</Ccy></Acct>"


def _statement(part: Part, version: str, *, details: bool, name: str) -> str:
    entries = "".join(_entry(one, part.currency, version, details=details) for one in part.bookings)
    return (
        f"<{name}><Id>S{part.number}</Id><ElctrncSeqNb>{part.number}</ElctrncSeqNb>"
        f"<CreDtTm>{part.closing_day}T18:00:00</CreDtTm>{_account(part)}"
        f"{_balance('OPBD', part.opening, part.currency, part.opening_day)}"
        f"{_balance('CLBD', part.closing, part.currency, part.closing_day)}{entries}</{name}>"
    )


def _balance(kind: str, amount: Decimal, currency: str, day: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(amount, currency)}{_sign(amount)}"
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _amount(amount: Decimal, currency: str) -> str:
    return f'<Amt Ccy="{currency}">{abs(amount)}</Amt>'


def _sign(amount: Decimal) -> str:
    return f"<CdtDbtInd>{'DBIT' if amount < 0 else 'CRDT'}</CdtDbtInd>"


def _entry(one: Booking, currency: str, version: str, *, details: bool) -> str:
    status = f"<Cd>{one.status}</Cd>" if version >= "08" else one.status
    reversal = "<RvslInd>true</RvslInd>" if one.reversal else ""
    reference = f"<AcctSvcrRef>{escape(one.bank_ref)}</AcctSvcrRef>" if one.bank_ref else ""
    paid = (one.amount < 0) != one.reversal
    if one.payments:
        named = f"<PmtInfId>{escape(one.batch_id)}</PmtInfId>" if one.batch_id else ""
        batch = f"<Btch>{named}<NbOfTxs>{len(one.payments)}</NbOfTxs></Btch>"
        told = "".join(_transaction(p, currency, version, paid=paid, signed=one.amount) for p in one.payments)
        inner = batch + (told if details else "")
    else:
        alone = Payment(abs(one.amount), one.payment_id, one.party, one.iban, one.reference, one.text)
        inner = _transaction(
            alone, currency, version, paid=paid, signed=one.amount, instructed=one.instructed,
            batch_id=one.batch_id,
        )  # fmt: skip
    return (
        f"<Ntry>{_amount(one.amount, currency)}{_sign(one.amount)}{reversal}<Sts>{status}</Sts>"
        f"<BookgDt><Dt>{one.day}</Dt></BookgDt><ValDt><Dt>{one.value_day}</Dt></ValDt>{reference}"
        f"<BkTxCd><Prtry><Cd>544</Cd></Prtry></BkTxCd><NtryDtls>{inner}</NtryDtls></Ntry>"
    )


def _transaction(
    one: Payment, currency: str, version: str, *, paid: bool, signed: Decimal,
    instructed: tuple[str, str, str] | None = None, batch_id: str = "",
) -> str:  # fmt: skip
    batch = f"<PmtInfId>{escape(batch_id)}</PmtInfId>" if batch_id else ""
    refs = f"<Refs>{batch}<EndToEndId>{escape(one.payment_id or 'NOTPROVIDED')}</EndToEndId></Refs>"
    exchange = ""
    if instructed:
        amount, foreign, rate = instructed
        exchange = (
            f'<InstdAmt><Amt Ccy="{foreign}">{amount}</Amt><CcyXchg><SrcCcy>{foreign}</SrcCcy>'
            f"<XchgRate>{rate}</XchgRate></CcyXchg></InstdAmt>"
        )
    if version >= "04":
        amounts = f"{_amount(one.amount, currency)}{_sign(signed)}"
        amounts += f"<AmtDtls>{exchange}</AmtDtls>" if exchange else ""
    else:
        amounts = f"<AmtDtls>{exchange}<TxAmt>{_amount(one.amount, currency)}</TxAmt></AmtDtls>"
    parties = ""
    if one.party or one.iban:
        side = "Cdtr" if paid else "Dbtr"
        name = f"<Nm>{escape(one.party)}</Nm>" if one.party else ""
        party = f"<{side}><Pty>{name}</Pty></{side}>" if version >= "08" else f"<{side}>{name}</{side}>"
        number = f"<{side}Acct><Id><IBAN>{one.iban}</IBAN></Id></{side}Acct>" if one.iban else ""
        parties = f"<RltdPties>{party if one.party else ''}{number}</RltdPties>"
    lines = f"<Ustrd>{escape(one.text)}</Ustrd>" if one.text else ""
    if one.reference:
        kind = "<Cd>SCOR</Cd>" if one.reference.startswith("RF") else "<Prtry>QRR</Prtry>"
        lines += f"<Strd><CdtrRefInf><Tp><CdOrPrtry>{kind}</CdOrPrtry></Tp>"
        lines += f"<Ref>{one.reference}</Ref></CdtrRefInf></Strd>"
    remittance = f"<RmtInf>{lines}</RmtInf>" if lines else ""
    return f"<TxDtls>{refs}{amounts}{parties}{remittance}</TxDtls>"


def mt940(*parts: Part, account: str | None = None, entry_dates: bool = True) -> bytes:
    """Statements of SWIFT MT940, with German fields in `:86:`."""
    lines: list[str] = []
    for part in parts:
        lines += [
            f":20:REF{part.number}",
            f":25:{account or part.account}",
            f":28C:{part.number}/1",
            f":60F:{_swift_balance(part.opening, part.opening_day, part.currency)}",
        ]
        for one in part.booked:
            lines += _swift_entry(one, entry_dates=entry_dates)
        lines += [f":62F:{_swift_balance(part.closing, part.closing_day, part.currency)}", "-"]
    return "\r\n".join([*lines, ""]).encode("latin-1", errors="replace")


def _swift_amount(amount: Decimal) -> str:
    text = f"{abs(amount):f}".replace(".", ",")
    return text if "," in text else f"{text},"


def _swift_balance(amount: Decimal, day: date, currency: str) -> str:
    return f"{'D' if amount < 0 else 'C'}{day:%y%m%d}{currency}{_swift_amount(amount)}"


def _swift_entry(one: Booking, *, entry_dates: bool) -> Iterable[str]:
    mark = ("RD" if one.amount > 0 else "RC") if one.reversal else ("C" if one.amount >= 0 else "D")
    booked = f"{one.day:%m%d}" if entry_dates else ""
    reference = f"//{one.bank_ref[:16]}" if one.bank_ref else ""
    yield f":61:{one.value_day:%y%m%d}{booked}{mark}{_swift_amount(one.amount)}NTRFNONREF{reference}"
    purpose = "".join(
        part
        for part in (
            f"EREF+{one.payment_id} " if one.payment_id else "",
            f"SVWZ+{one.reference or one.text}" if one.reference or one.text else "",
        )
    )
    fields = [f"166?00{'SAMMLER' if one.payments else 'UEBERWEISUNG'}"]
    fields += [
        f"?{20 + number}{purpose[start : start + 27]}"
        for number, start in enumerate(range(0, len(purpose), 27))
    ]
    fields += [f"?31{one.iban}"] if one.iban else []
    fields += [f"?32{one.party[:27]}"] if one.party else []
    text = "".join(fields)
    yield ":86:" + "\r\n".join(text[start : start + 65] for start in range(0, len(text), 65))


def large_ledger(count: int, *, per_day: int = 1_000) -> list[Booking]:
    """Ordinary bookings, all with references and parties; `per_day` on each day."""
    ledger = []
    for number in range(count):
        amount = Decimal(number * 37 % 250_000 + 5) / 100
        ledger.append(
            Booking(
                amount=amount if number % 3 == 0 else -amount,
                day=FIRST_DAY + timedelta(days=number // per_day),
                bank_ref=f"BR{number:012d}",
                payment_id=f"E2E-{number:010d}",
                party=f"Party {number % 500} AG",
                iban="CH5604835012345678009",
                text=f"Invoice {number:08d} of a supplier, thank you",
            )
        )
    return ledger


def without(booking: Booking, *names: str) -> Booking:
    """The same booking, as a bank tells it that leaves these fields out."""
    empty: dict[str, Any] = dict.fromkeys(names, "")
    return dataclasses.replace(booking, **empty)
