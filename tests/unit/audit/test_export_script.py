"""The script that verifies an export without Tagwerk: what it accepts, and which entry it names."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy import verify_audit_export
from deploy.verify_audit_export import signature_fits
from services.audit.core import BEGINNING, canonical, content_hash, encoded, entry_hash, moment
from services.audit.heads import NO_HEAD, Head, SignedHead
from services.audit.keys import Keys, ensure_keys, read_keys
from shared.ids import derived_id

LOG = UUID("01956000-0000-7000-8000-000000000001")
TIME = datetime(2026, 3, 1, 14, 2, tzinfo=UTC)
SCRIPT = Path(verify_audit_export.__file__)

Lines = list[dict[str, Any]]


class Export:
    """Ten entries, of which heads have signed the fourth and the eighth; contents of all but the third."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ensure_keys(folder / "key.pem")
        self.keys: Keys = read_keys(folder / "key.pem")
        (folder / "heads").mkdir()
        self.heads: list[Head] = []

    def lines(self, *, principal: str = "ada", last: int = 10, hand_out: bool = True) -> Lines:
        lines: Lines = [
            {"form": "tagwerk-audit-export-1", "log_id": str(LOG), "first": 1, "last": last,
             "previous": BEGINNING.hex()}
        ]  # fmt: skip
        hash, previous, heads = BEGINNING, NO_HEAD, 0
        for number in range(1, last + 1):
            text = canonical({"principal": principal, "said": f"ü 😀 {number}"}).text
            salt, event_id = number.to_bytes(16, "big"), derived_id(str(number))
            recorded_at = TIME + timedelta(seconds=number, microseconds=0 if number % 2 else 250_000)
            hashed = content_hash(salt, encoded(text))
            hash = entry_hash(LOG, number, event_id, recorded_at, "signed_in", hashed, hash)
            told = {} if number == 3 else {"salt": salt.hex(), "content": text}
            lines.append(
                {"number": number, "event_id": str(event_id),
                 "recorded_at": recorded_at.isoformat().replace("+00:00", "Z"), "kind": "signed_in",
                 "content_hash": hashed.hex(), "hash": hash.hex(), **told}
            )  # fmt: skip
            if number in (4, 8):
                heads += 1
                head = Head(LOG, heads, number, hash, recorded_at, previous)
                previous = head.digest
                signed = SignedHead(head.statement, self.keys.sign(head.statement), self.keys.public)
                lines.append({"head": json.loads(signed.encode())})
                if hand_out:
                    (self.folder / "heads" / signed.file_name).write_bytes(signed.encode())
        return lines

    def verify(self, lines: Lines, *arguments: str) -> tuple[int, str]:
        """As its reader runs it: without any package, and without Tagwerk."""
        file = self.folder / "export.ndjson"
        file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        key = str(self.folder / "key.pem.pub")
        ended = subprocess.run(
            [sys.executable, "-I", "-S", str(SCRIPT), str(file), "--key", key, *arguments],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return ended.returncode, (ended.stdout + ended.stderr).strip()


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export(tmp_path)


def entry(lines: Lines, number: int) -> dict[str, Any]:
    return next(line for line in lines if line.get("number") == number)


def test_an_export_as_it_was_made_is_accepted(export: Export) -> None:
    lines = export.lines()
    heads = ("--heads", str(export.folder / "heads"))
    words = "Entries 1 to 10 follow each other, 9 with their content; a signed head covers them up to 8."
    assert export.verify(lines) == (0, words)
    assert export.verify(lines, *heads) == (0, words)
    # Of an export from the fifth on, the hash before it is given.
    part = [lines[0] | {"first": 5, "previous": entry(lines, 4)["hash"]}, *lines[6:]]
    code, said = export.verify(part, *heads)
    assert (code, said) == (0, words.replace("1 to 10", "5 to 10").replace("9 with", "6 with"))


def change(number: int, **fields: Any) -> Callable[[Lines], Lines]:
    def broken(lines: Lines) -> Lines:
        entry(lines, number).update(fields)
        return lines

    return broken


def swapped(lines: Lines) -> Lines:
    one, other = entry(lines, 5), entry(lines, 6)
    one["number"], other["number"] = 6, 5
    lines[lines.index(one)], lines[lines.index(other)] = other, one
    return lines


def without(number: int) -> Callable[[Lines], Lines]:
    return lambda lines: [line for line in lines if line.get("number") != number]


def inserted(lines: Lines) -> Lines:
    place = lines.index(entry(lines, 5))
    for line in lines[place:]:
        if "number" in line:
            line["number"] += 1
    return [*lines[:place], dict(entry(lines, 4), number=5), *lines[place:]]


@pytest.mark.parametrize(
    ("break_it", "named"),
    [
        pytest.param(change(5, content='{"principal":"mallory"}'), "entry 5", id="edit of a content"),
        pytest.param(change(5, kind="signed_out"), "entry 5", id="edit of a kind"),
        pytest.param(change(5, recorded_at="2026-02-01T00:00:00Z"), "entry 5", id="edit of a time"),
        pytest.param(without(5), "entry 5", id="delete"),
        pytest.param(swapped, "entry 5", id="reorder"),
        pytest.param(inserted, "entry 5", id="insert"),
        pytest.param(lambda lines: lines[:7], "entry 6", id="truncation"),
    ],
)
def test_the_first_broken_entry_is_named(
    export: Export, break_it: Callable[[Lines], Lines], named: str
) -> None:
    code, said = export.verify(break_it(export.lines()))
    assert code == 1
    assert said.startswith(f"BROKEN. {named}: ")


def test_a_log_that_was_rewritten_does_not_fit_the_heads_that_were_handed_out(export: Export) -> None:
    export.lines()
    rewritten = [line for line in export.lines(principal="mallory", hand_out=False) if "head" not in line]
    # It fits in itself, and whoever rewrote it leaves the heads out that they cannot sign.
    assert export.verify(rewritten)[0] == 0
    code, said = export.verify(rewritten, "--heads", str(export.folder / "heads"))
    assert (code, said) == (
        1, "BROKEN. entry 1: it, or one up to 4, was rewritten after it was signed.",
    )  # fmt: skip


@pytest.mark.parametrize("field", ["signature", "key", "statement"])
def test_a_head_that_was_not_signed_by_the_key_is_refused(export: Export, field: str) -> None:
    lines = export.lines()
    head = next(line["head"] for line in lines if "head" in line)
    head[field] = head[field].translate(str.maketrans("0123456789", "1234567890"))
    code, said = export.verify(lines)
    assert code == 1
    assert said.startswith("BROKEN.")


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.integers(0, 511))
def test_its_own_signatures_are_those_of_the_library(seed: bytes, message: bytes, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert signature_fits(key, message, signature)
    wrong = bytearray(signature)
    wrong[bit // 8] ^= 1 << bit % 8
    assert not signature_fits(key, message, bytes(wrong))
    assert not signature_fits(key, message + b"!", signature)


def test_it_writes_moments_as_the_log_does() -> None:
    for time in (TIME, TIME.replace(microsecond=250_000), TIME.replace(microsecond=1)):
        assert verify_audit_export.moment(time.isoformat().replace("+00:00", "Z")) == moment(time)
