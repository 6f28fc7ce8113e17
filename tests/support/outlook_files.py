"""Write Outlook messages (MS-OXMSG in MS-CFB version 3): as much of them as tests need."""

import struct
from dataclasses import dataclass
from typing import Any

SECTOR, MINI, CUTOFF = 512, 64, 4096
FAT, END, NONE = 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF

#: Property ids (MS-OXPROPS).
SUBJECT, BODY, HEADERS, HTML = 0x0037, 0x1000, 0x007D, 0x1013
FILE_NAME, MIME_TYPE, DATA, METHOD, CONTENT_ID = 0x3707, 0x370E, 0x3701, 0x3705, 0x3712
EMBEDDED = "__substg1.0_3701000D"


def message(
    properties: dict[int, Any], attachments: list[dict[str, Any]], *, within: bool = False
) -> dict[str, Any]:
    """The storage of a message; `within` another one its head is shorter (MS-OXMSG 2.4.1)."""
    count = len(attachments)
    head = struct.pack("<8x4I", 0, count, 0, count) + (b"" if within else bytes(8))
    storage = _storage(head, properties)
    for number, attachment in enumerate(attachments):
        storage[f"__attach_version1.0_#{number:08X}"] = attachment
    return storage


def file(name: str, media_type: str, data: bytes, content_id: str = "") -> dict[str, Any]:
    """The storage of an attached file."""
    properties = {FILE_NAME: name, MIME_TYPE: media_type, DATA: data, METHOD: 1}
    return _storage(bytes(8), properties | ({CONTENT_ID: content_id} if content_id else {}))


def embedded(content: dict[str, Any], method: int = 5) -> dict[str, Any]:
    """The storage of an attached message (method 5), or of an object of another program (6)."""
    return _storage(bytes(8), {METHOD: method}) | {EMBEDDED: content}


def _storage(head: bytes, properties: dict[int, Any]) -> dict[str, Any]:
    storage: dict[str, Any] = {}
    entries = b""
    for id, value in properties.items():
        if isinstance(value, int):
            entries += struct.pack("<HHIII", 0x0003, id, 6, value, 0)
            continue
        kind, data = (0x001F, value.encode("utf-16-le")) if isinstance(value, str) else (0x0102, value)
        storage[f"__substg1.0_{id:04X}{kind:04X}"] = data
        entries += struct.pack("<HHIII", kind, id, 6, len(data) + 2 * isinstance(value, str), 0)
    return {"__properties_version1.0": head + entries, **storage}


@dataclass
class _Entry:
    """One of the directory (MS-CFB 2.6.1)."""

    name: str
    kind: int
    data: bytes = b""
    child: int = NONE
    right: int = NONE
    start: int = END

    def encode(self) -> bytes:
        name = self.name.encode("utf-16-le")
        return struct.pack(
            "<64sHBBIII36xIQ",
            name, len(name) + 2, self.kind, 1, NONE, self.right, self.child, self.start, len(self.data),
        )  # fmt: skip


def compound_file(root: dict[str, Any]) -> bytes:
    """A compound file of nested storages (dictionaries) and streams (bytes)."""
    entries: list[_Entry] = []
    _add(entries, "Root Entry", 5, root)
    small, chains = b"", []
    for entry in entries:
        if entry.kind == 2 and 0 < len(entry.data) < CUTOFF:
            entry.start = len(small) // MINI
            count = -(-len(entry.data) // MINI)
            chains += [*range(entry.start + 1, entry.start + count), END]
            small += entry.data.ljust(count * MINI, b"\0")
    entries[0].data = small
    large = [entry for entry in entries if entry.kind == 5 or len(entry.data) >= CUTOFF]
    directory_size, mini_fat = 128 * len(entries), struct.pack(f"<{len(chains)}I", *chains)
    sizes = [directory_size, len(mini_fat), *(len(entry.data) for entry in large)]
    counts = [-(-size // SECTOR) for size in sizes]
    fats = next(n for n in range(1, 110) if n * SECTOR // 4 >= n + sum(counts))
    fat, starts = [FAT] * fats, []
    for count in counts:
        starts.append(len(fat) if count else END)
        fat += [*range(len(fat) + 1, len(fat) + count), END] if count else []
    for entry, start in zip(large, starts[2:], strict=True):
        entry.start = start
    fat += [NONE] * (fats * SECTOR // 4 - len(fat))
    directory = b"".join(entry.encode() for entry in entries)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + struct.pack(
        "<16xHHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, fats, starts[0], 0, CUTOFF,
        starts[1], counts[1], END, 0,
    )  # fmt: skip
    header += struct.pack("<109I", *(n if n < fats else NONE for n in range(109)))
    streams = [struct.pack(f"<{len(fat)}I", *fat), directory, mini_fat, *(entry.data for entry in large)]
    return header + b"".join(one.ljust(-(-len(one) // SECTOR) * SECTOR, b"\0") for one in streams)


def _add(entries: list[_Entry], name: str, kind: int, content: Any) -> int:
    """Add what lies below a storage, siblings as a list: each is the right one of the one before."""
    index = len(entries)
    entry = _Entry(name, kind, content if isinstance(content, bytes) else b"")
    entries.append(entry)
    before: _Entry | None = None
    for below, inner in content.items() if isinstance(content, dict) else ():
        added = _add(entries, below, 2 if isinstance(inner, bytes) else 1, inner)
        if before is None:
            entry.child = added
        else:
            before.right = added
        before = entries[added]
    return index
