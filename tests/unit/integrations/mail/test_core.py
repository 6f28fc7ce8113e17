"""What a mail is called and known by, however its headers are written."""

import pytest

from services.integrations.mail.core import check_mail, head_of
from shared.errors import TagwerkError

HEAD = b"From: ada@example.org\r\nMessage-ID: <4711@example.org>\r\nSubject: Invoice\r\n"


def test_a_mail_has_one_key_whether_all_of_it_was_fetched_or_its_headers() -> None:
    key = head_of(HEAD + b"\r\n").key
    assert key.startswith("mail:4711@example.org/")
    assert {head_of(HEAD + b"\r\nbody").key, head_of(HEAD).key, head_of(b"\r\n" + HEAD).key} == {key}
    assert head_of(HEAD + b"\r\nanother body").key == key
    assert head_of(b"Received: later\r\n" + HEAD).key != key, "delivered twice"


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("Invoice 4711", "Invoice 4711.eml"),
        ("=?utf-8?Q?Rechnung_f=C3=BCr_M=C3=A4rz?=", "Rechnung für März.eml"),
        ("=?no-such-charset?Q?Rechnung?=", "Rechnung.eml"),
        ("../../etc/passwd\x07", "etc passwd.eml"),
        ("Re: a\r\n folded", "Re a folded.eml"),
        ("\u202egnp.exe", "gnp.exe.eml"),
        ("x" * 300, "x" * 100 + ".eml"),
        ("", "mail.eml"),
        ("...", "mail.eml"),
    ],
)
def test_a_document_is_called_as_the_subject_as_far_as_that_is_a_name(subject: str, name: str) -> None:
    assert head_of(f"From: a\r\nSubject: {subject}\r\n\r\n".encode()).file_name == name


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\x00\x01\x02", b"\x80: no header", b"no header at all"])
def test_what_has_no_headers_is_no_mail(raw: bytes) -> None:
    with pytest.raises(TagwerkError) as caught:
        check_mail(raw)
    assert caught.value.failure.code == "mail_malformed"
    assert head_of(raw).key.startswith("mail:without-id/")
    assert head_of(raw).file_name == "mail.eml"


@pytest.mark.parametrize("start", [b"", b"\r\n", b"From ada@example.org Mon Mar  2 08:00:00 2026\n"])
def test_a_mail_may_begin_as_mailboxes_write_it(start: bytes) -> None:
    check_mail(start + HEAD + b"\r\nbody")
    assert head_of(start + HEAD).file_name == "Invoice.eml"
