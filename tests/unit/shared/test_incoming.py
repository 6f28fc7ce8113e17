import hashlib
from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore
from pydantic import BaseModel, ValidationError

from shared.errors import TagwerkError
from shared.files import Files
from shared.incoming import Incoming, IncomingFile, keep_upload, name_of, takes_files

SHA = "a" * 64


class Parameters(BaseModel):
    file: IncomingFile | None = None


@pytest.fixture
def files() -> Files:
    return Files(MemoryStore(), "acme")


async def keep(files: Files, folder: Path, content: bytes, name: str) -> tuple[str, bool]:
    path = folder / "received"
    path.write_bytes(content)
    return await keep_upload(files, path, name, hashlib.sha256(content).hexdigest())


def test_the_schema_tells_that_the_parameter_is_a_file() -> None:
    assert takes_files(Parameters.model_json_schema())
    assert not takes_files({"properties": {"day": {"type": "string", "format": "date"}}})


@pytest.mark.parametrize("name", ["statement.xml", "Kontoauszug März (1).sta", f"upload:{SHA}/a b.xml"])
def test_a_name_or_a_reference_is_accepted(name: str) -> None:
    assert Parameters(file=name).file == name


@pytest.mark.parametrize(
    "name",
    ["", "../a", "a/b", "/etc/passwd", ".hidden", "a\\b", "a\x00b", "a\nb", f"upload:{SHA}/../x", "x" * 201,
     "upload:abc/x", f"upload:{SHA}/", f"upload:{SHA}/.x"],
)  # fmt: skip
def test_what_could_lead_out_of_the_folder_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Parameters(file=name)


async def test_an_upload_is_read_by_its_reference(files: Files, tmp_path: Path) -> None:
    reference, duplicate = await keep(files, tmp_path, b"content", "june.xml")
    assert (name_of(reference), duplicate) == ("june.xml", False)
    assert await Incoming(files, "bank").read(reference, at_most=100) == b"content"
    await Incoming(files, "rates").fetch(reference, tmp_path / "copy", at_most=100)
    assert (tmp_path / "copy").read_bytes() == b"content"


async def test_the_same_content_is_the_same_reference_under_any_name(files: Files, tmp_path: Path) -> None:
    first, _ = await keep(files, tmp_path, b"content", "june.xml")
    assert await keep(files, tmp_path, b"content", "june (1).xml") == (first, True)
    other, duplicate = await keep(files, tmp_path, b"other", "june.xml")
    assert other != first
    assert not duplicate


async def test_the_inbox_is_listed_and_read_by_name(files: Files) -> None:
    incoming = Incoming(files, "bank")
    assert await incoming.waiting() == []
    for name in ("b.xml", "a.sta", ".hidden"):
        await files.put(f"inbox/bank/{name}", b"x")
    await files.put("inbox/bank/done/old.xml", b"x")
    await files.put("inbox/rates/rates.xml", b"x")
    assert [(one.name, one.size) for one in await incoming.waiting()] == [("a.sta", 1), ("b.xml", 1)]
    assert await incoming.read("a.sta", at_most=1) == b"x"


@pytest.mark.parametrize(
    ("content", "code"), [(None, "file_missing"), (b"", "file_empty"), (b"xx", "file_too_large")]
)
@pytest.mark.parametrize("uploaded", [True, False])
async def test_what_cannot_be_read_is_refused_with_its_name(
    files: Files, content: bytes | None, code: str, uploaded: bool
) -> None:
    if content is not None:
        await files.put(f"incoming/{SHA}/a.xml" if uploaded else "inbox/bank/a.xml", content)
    with pytest.raises(TagwerkError) as caught:
        await Incoming(files, "bank").read(f"upload:{SHA}/a.xml" if uploaded else "a.xml", at_most=1)
    assert (caught.value.failure.code, caught.value.failure.concern) == (code, "a.xml")


@pytest.mark.parametrize(
    ("name", "content", "code"), [("a.xml", b"", "file_empty"), ("a/b", b"x", "file_name_invalid")]
)
async def test_what_cannot_be_kept_is_refused(
    files: Files, tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    with pytest.raises(TagwerkError) as caught:
        await keep(files, tmp_path, content, name)
    assert caught.value.failure.code == code


async def test_one_client_cannot_read_the_upload_of_another(tmp_path: Path) -> None:
    store: Any = MemoryStore()
    reference, _ = await keep(Files(store, "acme"), tmp_path, b"content", "june.xml")
    with pytest.raises(TagwerkError) as caught:
        await Incoming(Files(store, "beta"), "bank").read(reference, at_most=100)
    assert caught.value.failure.code == "file_missing"
