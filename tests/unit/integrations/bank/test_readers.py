"""What files say, exactly; and what is refused: hostile, broken and foreign files, within limits."""

import gzip
import io
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.integrations.bank.readers.reader import Reader
from services.integrations.bank.readers.values import account_of, entry_day, plain, swift_day
from shared.identifiers import is_iban
from shared.process_child import Refused
from tests.support.bank_files import VERSIONS, Booking, Payment, camt053, camt054, mt940, part_of

Read = Callable[..., tuple[dict[str, Any], list[dict[str, Any]]]]

#: How an entry of `FULL` begins.
ENTRY = b'<Ntry><Amt Ccy="CHF">12.50</Amt><CdtDbtInd>DBIT'
FULL = Booking(
    Decimal("-12.50"), bank_ref="R1", payment_id="E2E-1", party="Müller & Söhne",
    iban="CH5604835012345678009", reference="RF18539007547034", text="Rechnung 7",
)  # fmt: skip


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Head and entries of the only statement of a file."""

    def read(content: bytes, at_most: int = 50_000_000) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        path = tmp_path / "file"
        path.write_bytes(content)
        reader = Reader(str(path), at_most)
        (head,) = reader.read()
        return head, orjson.loads(reader.batch(0, 0, 1000))["entries"]

    return read


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_of_camt_says_the_same(read: Read, version: str) -> None:
    head, (entry,) = read(camt053(part_of([FULL]), version=version))
    assert (head["account"], head["currency"], head["number"]) == ("CH9300762011623852957", "CHF", "1")
    assert head["opening"] == {"amount": "1000", "currency": "CHF", "day": "2026-03-01"}
    assert head["closing"]["amount"] == "987.5"
    (detail,) = entry["details"]
    assert (entry["amount"], entry["currency"], entry["bank_ref"]) == ("-12.5", "CHF", "R1")
    assert (entry["booked"], entry["valued"]) == ("2026-03-02", "2026-03-02")
    assert detail["party"] == "Müller & Söhne"
    assert (detail["party_account"], detail["payment_id"]) == ("CH5604835012345678009", "E2E-1")
    assert (detail["references"], detail["text"]) == (["RF18539007547034"], "Rechnung 7")


def test_mt940_says_what_it_can(read: Read) -> None:
    head, (entry,) = read(mt940(part_of([FULL])))
    (detail,) = entry["details"]
    assert (head["account"], head["closing"]["amount"], entry["amount"]) == (
        "CH9300762011623852957", "987.5", "-12.5",
    )  # fmt: skip
    assert (detail["payment_id"], detail["party_account"]) == ("E2E-1", "CH5604835012345678009")
    assert "RF18539007547034" in detail["text"]


@pytest.mark.parametrize("write", [camt053, mt940])
def test_a_reversal_keeps_its_own_sign(read: Read, write: Any) -> None:
    ledger = [Booking(Decimal("5.00"), reversal=True), Booking(Decimal("-7.00"), reversal=True)]
    head, entries = read(write(part_of(ledger)))
    assert sorted((one["amount"], one["reversal"]) for one in entries) == [("-7", True), ("5", True)]
    assert head["sum"] == "-2"


def test_pending_entries_and_those_for_information_are_counted_only(read: Read) -> None:
    ledger = [
        Booking(Decimal("1")),
        Booking(Decimal("2"), status="PDNG"),
        Booking(Decimal("4"), status="INFO"),
    ]
    for version in VERSIONS:
        head, entries = read(camt053(part_of(ledger), version=version))
        assert (head["not_booked"], head["sum"], len(entries)) == (2, "1", 1)


def test_a_batch_tells_each_of_its_payments(read: Read) -> None:
    payments = tuple(Payment(Decimal(n), f"E{n}", f"Party {n}") for n in (10, 20))
    _, (entry,) = read(camt054(part_of([Booking(Decimal(-30), payments=payments)])))
    assert [(one["amount"], one["payment_id"]) for one in entry["details"]] == [
        ("-10", "E10"),
        ("-20", "E20"),
    ]


def test_a_foreign_payment_keeps_its_amount_and_rate(read: Read) -> None:
    for version in VERSIONS:
        booking = Booking(Decimal("-95.40"), instructed=("100.00", "EUR", "0.954"))
        _, (entry,) = read(camt053(part_of([booking]), version=version))
        (detail,) = entry["details"]
        assert (detail["instructed"], detail["instructed_currency"], detail["rate"]) == (
            "100",
            "EUR",
            "0.954",
        )
        assert (entry["amount"], detail["amount"]) == ("-95.4", "-95.4")


def test_amounts_are_exact_to_the_last_digit(read: Read) -> None:
    ledger = [Booking(Decimal("0.12345")), Booking(Decimal("0")), Booking(Decimal("123456789012.99"))]
    head, entries = read(camt053(part_of(ledger)))
    assert sorted(one["amount"] for one in entries) == ["0", "0.12345", "123456789012.99"]
    assert head["sum"] == "123456789013.11345"


def test_dates_with_times_are_the_days_that_the_bank_writes(read: Read) -> None:
    content = camt053(part_of([FULL])).replace(
        b"<BookgDt><Dt>2026-03-02</Dt>", b"<BookgDt><DtTm>2026-03-02T23:59:00-05:00</DtTm>"
    )
    _, (entry,) = read(content)
    assert entry["booked"] == "2026-03-02"


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        (ENTRY, b'<Ntry><Amt Ccy="CHF">-12.50</Amt><CdtDbtInd>DBIT', "sign"),
        (ENTRY, b'<Ntry><Amt Ccy="CHF">12,50</Amt><CdtDbtInd>DBIT', "12,50"),
        (ENTRY, b'<Ntry><Amt Ccy="CHF">12.50</Amt><CdtDbtInd>DEBIT', "no sign"),
        (ENTRY, b'<Ntry><Amt Ccy="Fr.">12.50</Amt><CdtDbtInd>DBIT', "no currency"),
        (b"<BookgDt><Dt>2026-03-02", b"<BookgDt><Dt>2026-02-30", "calendar"),
        (b"<BookgDt><Dt>2026-03-02", b"<BookgDt><Dt>02.03.2026", "no date"),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_right_says_why(read: Read, good: bytes, bad: bytes, said: str) -> None:
    other = Booking(Decimal("3.00"))
    content = camt053(part_of([FULL, other]))
    assert good in content
    head, entries = read(content.replace(good, bad, 1))
    problems = [one["problem"] for one in entries if "problem" in one]
    assert (head["wrong"], len(problems), said in problems[0]) == (1, 1, True), problems


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><Document><BkToCstmrStmt><Stmt><Id>&j;</Id></Stmt></BkToCstmrStmt></Document>"
)
XXE = (
    b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document><BkToCstmrStmt><Stmt><Id>&x;</Id></Stmt>'
    b"</BkToCstmrStmt></Document>"
)


#: A line of nothing; one that never ends is refused by itself.
BLANK = b" " * 99 + b"\n"


def packed(*contents: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for number, content in enumerate(contents):
            file.writestr(f"{number}.xml", content)
    return archive.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (LAUGHS, "statement_xml_unsafe"),
        (XXE, "statement_xml_unsafe"),
        (b"<!DOCTYPE Document><Document><BkToCstmrStmt/></Document>", "statement_xml_unsafe"),
        (b"<a>" * 100_000, "statement_malformed"),
        (b"<Document>" + b" " * 20_000_000 + b"</Document>", "statement_malformed"),
        (b"<html><body>Log in</body></html>", "statement_malformed"),
        (b"<Document><CstmrCdtTrfInitn/></Document>", "statement_malformed"),
        (b"<Document><BkToCstmrStmt/></Document>", "statement_malformed"),
        (b"%PDF-1.7 no statement", "statement_malformed"),
        (b"date;amount\r\n2026-03-02;5\r\n", "statement_malformed"),
        (b"\x00" * 1_000_000, "statement_malformed"),
        (b"x" * 300_000, "statement_malformed"),
        (b"PK\x03\x04 no archive", "archive_unreadable"),
        (gzip.compress(b"<a>" * 1000)[:-20], "archive_unreadable"),
        (gzip.compress(BLANK * 20_000), "archive_too_large"),
        (packed(BLANK * 20_000), "archive_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_hostile_and_foreign_files_are_refused_with_their_reason(
    read: Read, content: bytes, code: str
) -> None:
    with pytest.raises(Refused) as caught:
        read(content, at_most=1_000_000)
    assert caught.value.code == code
    assert caught.value.next_step


@pytest.mark.parametrize("pack", [gzip.compress, packed])
def test_a_packed_file_is_read_as_what_it_holds(read: Read, pack: Callable[[bytes], bytes]) -> None:
    head, entries = read(pack(camt053(part_of([FULL]))))
    assert (len(entries), head["closing"]["amount"]) == (1, "987.5")


def test_another_file_in_an_archive_does_not_stop_the_statements(tmp_path: Path) -> None:
    archive = packed(camt053(part_of([FULL])), b"Please find enclosed", mt940(part_of([FULL])))
    (tmp_path / "file").write_bytes(archive)
    heads = Reader(str(tmp_path / "file"), 10_000_000).read()
    assert [head["entries"] for head in heads] == [1, 0, 1]
    assert [head["broken"] is not None for head in heads] == [False, True, False]


def test_a_file_that_breaks_off_keeps_the_statements_before(tmp_path: Path) -> None:
    whole = camt053(part_of([FULL]), part_of([FULL, FULL]))
    (tmp_path / "file").write_bytes(whole[: whole.rindex(b"<Ntry>") + 30])
    first, second = Reader(str(tmp_path / "file"), 10_000_000).read()
    assert (first["broken"], first["entries"]) == (None, 1)
    assert second["broken"][0] == "statement_malformed"


def test_an_empty_line_or_a_mark_before_the_beginning_does_no_harm(read: Read) -> None:
    for before in (b"\xef\xbb\xbf", b"\r\n \n", b"\xef\xbb\xbf\n"):
        assert len(read(before + camt053(part_of([FULL])))[1]) == 1
        assert len(read(before + mt940(part_of([FULL])))[1]) == 1


def test_equal_entries_come_together(tmp_path: Path) -> None:
    ledger = [Booking(Decimal(n % 7 + 1)) for n in range(70)]
    (tmp_path / "file").write_bytes(camt053(part_of(ledger)))
    reader = Reader(str(tmp_path / "file"), 10_000_000)
    reader.read()
    place: int | None = 0
    sizes = []
    while place is not None:
        answer = orjson.loads(reader.batch(0, place, 15))
        amounts = [one["amount"] for one in answer["entries"]]
        sizes.append((len(amounts), len(set(amounts))))
        place = answer["next"]
    assert sizes == [(20, 2), (20, 2), (20, 2), (10, 1)]


@pytest.mark.parametrize(
    ("written", "account"),
    [
        ("CH93 0076 2011 6238 5295 7", "CH9300762011623852957"),
        ("CH9300762011623852957CHF", "CH9300762011623852957"),
        ("51210600/9223382012EUR", "DE54512106009223382012"),
        ("TRIODOSBANK/0390123456", "0390123456"),
        ("1291.99.348EUR", "129199348"),
        ("50880050/0194774600888", "50880050/0194774600888"),
    ],
)
def test_accounts_are_brought_to_one_spelling(written: str, account: str) -> None:
    assert account_of(written) == account
    assert account_of(account) == account
    assert not account.startswith(("CH", "DE")) or is_iban(account)


def test_an_entry_date_takes_the_year_that_is_nearest() -> None:
    assert entry_day("1231", swift_day("260102")).isoformat() == "2025-12-31"
    assert entry_day("0102", swift_day("251230")).isoformat() == "2026-01-02"
    assert entry_day("0229", swift_day("240301")).isoformat() == "2024-02-29"


@pytest.mark.parametrize(("number", "text"), [("1.50", "1.5"), ("100", "100"), ("0.00", "0"), ("-0.0", "0")])
def test_numbers_are_written_one_way(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text
