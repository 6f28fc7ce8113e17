"""Outlook messages: head, bodies, pictures in them, files, and messages within messages."""

from pathlib import Path
from typing import Any

import pytest

from services.documents.steps.mails import read_eml
from services.documents.steps.outlook import read_msg
from shared.media_types import media_type_of
from shared.process_child import Refused
from tests.support import outlook_files as outlook
from tests.unit.documents import papers

HEADERS = (
    "From: Rosa Muster <rosa@example.com>\r\nTo: buch@example.com\r\nDate: Mon, 2 Mar 2026 08:00:00 +0100\r\n"
)
PDF = papers.typed_pdf("Rechnung 4711")


def properties(subject: str, **more: Any) -> dict[int, Any]:
    return {
        outlook.SUBJECT: subject,
        outlook.BODY: "Guten Tag\r\n\r\nGrüße €\r\n",
        outlook.HEADERS: HEADERS,
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mail.msg"


def write(path: Path, *attachments: dict[str, Any], **more: Any) -> None:
    content = outlook.message(properties("Ihre Rechnung") | more.get("also", {}), list(attachments))
    path.write_bytes(outlook.compound_file(content))


def test_head_body_and_files_are_taken_out(path: Path) -> None:
    large = b"%PDF-1.7\n" + b"x" * 5000
    write(
        path, outlook.file("a.pdf", "application/pdf", PDF), outlook.file("b.pdf", "application/pdf", large)
    )
    assert media_type_of(path, None, "mail.msg") == "application/vnd.ms-outlook"
    mail = read_msg(path)
    assert mail.head == [
        ("From", "Rosa Muster <rosa@example.com>"),
        ("To", "buch@example.com"),
        ("Date", "Mon, 2 Mar 2026 08:00:00 +0100"),
        ("Subject", "Ihre Rechnung"),
    ]
    assert mail.text is not None
    assert "Grüße €" in mail.text
    assert [(one.name, one.media_type, one.data) for one in mail.attached] == [
        ("a.pdf", "application/pdf", PDF),
        ("b.pdf", "application/pdf", large),
    ]


def test_a_picture_that_the_body_shows_is_no_document(path: Path) -> None:
    body = b'<html><body><p>Hallo</p><img src="cid:logo@1"></body></html>'
    write(path, outlook.file("logo.png", "image/png", b"PNG", "logo@1"), also={outlook.HTML: body})
    mail = read_msg(path)
    assert mail.html is not None
    assert "Hallo" in mail.html
    assert (mail.inline, mail.attached) == ({"logo@1": b"PNG"}, [])


def test_a_message_within_the_message_becomes_a_mail_with_its_own_attachments(path: Path) -> None:
    innermost = outlook.message(properties("Ganz innen"), [], within=True)
    inner = outlook.message(
        properties("Fwd: Rechnung/März"),
        [outlook.file("a.pdf", "application/pdf", PDF), outlook.embedded(innermost)],
        within=True,
    )
    write(path, outlook.embedded(inner))
    (attached,) = read_msg(path).attached
    assert (attached.name, attached.media_type, attached.lost) == ("März.eml", "message/rfc822", None)
    (again,) = read_msg(path).attached
    assert again.data == attached.data, "the same message is the same document"

    path.write_bytes(attached.data)
    assert media_type_of(path, None, "März.eml") == "message/rfc822"
    mail = read_eml(path)
    assert ("From", "Rosa Muster <rosa@example.com>") in mail.head
    assert mail.subject == "Fwd: Rechnung/März"
    assert mail.text is not None
    assert "Grüße €" in mail.text
    assert [(one.name, one.media_type) for one in mail.attached] == [
        ("a.pdf", "application/pdf"),
        ("Ganz innen.eml", "message/rfc822"),
    ]
    assert mail.attached[0].data == PDF


def test_an_object_of_another_program_is_told_as_lost(path: Path) -> None:
    write(path, outlook.embedded({"\x01Ole": b"object"}, method=6))
    (attached,) = read_msg(path).attached
    assert attached.lost is not None
    assert "object" in attached.lost


@pytest.mark.parametrize("keep", [600, 2000, 0.5, 0.8])
def test_a_message_that_was_cut_off_is_refused(path: Path, keep: float) -> None:
    write(path, outlook.file("a.pdf", "application/pdf", PDF))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if keep < 1 else int(keep)])
    with pytest.raises(Refused) as caught:
        read_msg(path)
    assert caught.value.code == "mail_broken"
