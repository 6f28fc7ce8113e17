"""Verify an export of Tagwerk's audit log, offline and without Tagwerk: this file and Python 3.9 are enough.

    python verify_audit_export.py audit-export.ndjson --key key.pem.pub [--heads FOLDER]

It recomputes every hash and checks the Ed25519 signatures of the heads. `--key` is the public key (PEM) that
you got from whoever runs the log, at another time and on another way than the export; `--heads` is the folder
with the signed heads that you were given meanwhile. It ends with 0 if everything fits, and with 1 if not; it
then names the first entry that is not as it was written.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Point = tuple[int, int, int, int]

# Ed25519 as in RFC 8032, appendix A: verification alone, on affine numbers in extended coordinates.
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)


def _x_of(y: int, sign: int) -> int | None:
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    if square == 0:
        return None if sign else 0
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P != 0:
        x = x * _ROOT % _P
    if (x * x - square) % _P != 0:
        return None
    return _P - x if x & 1 != sign else x


def _point(data: bytes) -> Point | None:
    number = int.from_bytes(data, "little")
    y = number & ((1 << 255) - 1)
    x = _x_of(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % _P)


def _add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(number: int, p: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = _add(result, p)
        p = _add(p, p)
        number >>= 1
    return result


def _same(p: Point, q: Point) -> bool:
    return (p[0] * q[2] - q[0] * p[2]) % _P == 0 and (p[1] * q[2] - q[1] * p[2]) % _P == 0


_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE_X = _x_of(_BASE_Y, 0) or 0
_BASE: Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)


def signature_fits(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) of `message` is one of the public `key` (32 bytes)."""
    if len(key) != 32 or len(signature) != 64:
        return False
    public, start = _point(key), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if public is None or start is None or s >= _L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % _L
    return _same(_times(s, _BASE), _add(start, _times(h, public)))


def public_key(file: Path) -> bytes:
    """The 32 bytes in a PEM file: they are the last of its DER."""
    lines = [line.strip() for line in file.read_text().splitlines()]
    return base64.b64decode("".join(line for line in lines if line and not line.startswith("-----")))[-32:]


def entry_hash(log_id: str, entry: dict[str, Any], previous: str) -> str:
    lines = (
        "tagwerk-audit-entry-1", log_id, str(entry["number"]), entry["event_id"],
        moment(entry["recorded_at"]), entry["kind"], entry["content_hash"], previous,
    )  # fmt: skip
    return hashlib.sha256(("\n".join(lines) + "\n").encode()).hexdigest()


def moment(written: str) -> str:
    """With six digits of a second, whatever was left out."""
    seconds, _, rest = written.removesuffix("Z").partition(".")
    return f"{seconds}.{rest:0<6}Z"


def head_of(fields: dict[str, Any], key: bytes) -> dict[str, Any]:
    """Ordinal, number, hash and statement of a signed head. Raises `ValueError`."""
    statement = fields["statement"]
    if bytes.fromhex(fields["key"]) != key:
        raise ValueError("a head is signed with another key")
    if not signature_fits(key, statement.encode(), bytes.fromhex(fields["signature"])):
        raise ValueError("the signature of a head does not fit")
    form, log_id, ordinal, number, hash, _, previous, end = statement.split("\n")
    if form != "tagwerk-audit-head-1" or end:
        raise ValueError("a head has an unknown form")
    return {
        "log_id": log_id, "ordinal": int(ordinal), "number": int(number), "hash": hash,
        "previous": previous, "digest": hashlib.sha256(statement.encode()).hexdigest(),
    }  # fmt: skip


class Wrong(Exception):
    """What is wrong, with the first entry that is not as it was."""


def verify(lines: Iterator[str], key: bytes, given_heads: Iterable[dict[str, Any]]) -> str:
    """Check an export; returns a sentence. Raises `Wrong`."""
    about = json.loads(next(lines))
    if about.get("form") != "tagwerk-audit-export-1":
        raise Wrong("this is no export of an audit log")
    number, hash, log_id = about["first"] - 1, about["previous"], about["log_id"]
    if about["first"] == 1 and hash != "0" * 64:
        raise Wrong("entry 1: something is said to come before it")
    hashes, heads = {number: hash}, {}
    told, signed = 0, number
    for line in lines:
        fields = json.loads(line)
        if "head" in fields:
            head = head_of(fields["head"], key)
            heads[head["ordinal"]] = head
            continue
        if fields["number"] != number + 1:
            raise Wrong(f"entry {number + 1}: it is missing; entry {fields['number']} follows {number}")
        if entry_hash(log_id, fields, hash) != fields["hash"]:
            raise Wrong(f"entry {fields['number']}: it is not the one that was written after {number}")
        if "content" in fields:
            content = bytes.fromhex(fields["salt"]) + fields["content"].encode("utf-8", "backslashreplace")
            if hashlib.sha256(content).hexdigest() != fields["content_hash"]:
                raise Wrong(f"entry {fields['number']}: its content was changed")
            told += 1
        number, hash = fields["number"], fields["hash"]
        hashes[number] = hash
    if number != about["last"]:
        raise Wrong(f"entry {number + 1}: the export ends before it, and was made up to {about['last']}")
    for head in given_heads:
        heads[head["ordinal"]] = head
    for _, head in sorted(heads.items()):
        before = heads.get(head["ordinal"] - 1)
        if head["log_id"] != log_id:
            raise Wrong(f"head {head['ordinal']} is one of another log")
        if before is not None and head["previous"] != before["digest"]:
            raise Wrong(f"head {head['ordinal']} follows another head {head['ordinal'] - 1}")
        if head["number"] in hashes:
            if hashes[head["number"]] != head["hash"]:
                first = signed + 1
                raise Wrong(
                    f"entry {first}: it, or one up to {head['number']}, was rewritten after it was signed"
                )
            signed = max(signed, head["number"])
    first = about["first"]
    if number < first:
        return "No entry fits; nothing to verify."
    covered = f"a signed head covers them up to {signed}" if signed >= first else "no head covers them yet"
    return f"Entries {first} to {number} follow each other, {told} with their content; {covered}."


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("export", type=Path)
    parser.add_argument("--key", type=Path, required=True, help="public key, as PEM")
    parser.add_argument("--heads", type=Path, help="folder with signed heads that you were given")
    asked = parser.parse_args()
    try:
        key = public_key(asked.key)
        files = sorted(asked.heads.glob("head-*.json")) if asked.heads else []
        heads = [head_of(json.loads(file.read_text()), key) for file in files]
        with asked.export.open(encoding="utf-8") as lines:
            print(verify(lines, key, heads))
    except Wrong as wrong:
        sys.exit(f"BROKEN. {wrong}.")
    except (ValueError, KeyError, StopIteration) as error:
        sys.exit(f"BROKEN. The file cannot be read: {error}.")


if __name__ == "__main__":
    main()
