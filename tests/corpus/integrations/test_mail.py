"""Mails of the world that break the rules: none stops an import."""

import re
from pathlib import Path

import pytest

from services.integrations.mail.core import check_mail, head_of
from shared.media_types import media_type_of


def test_a_malformed_mail_is_a_mail_with_a_name_and_a_key(corpus: Path) -> None:
    files = sorted((corpus / "mail").glob("mail_malformed_*"))
    if not files:
        pytest.skip(f"no samples mail/mail_malformed_* in {corpus}")
    for file in files:
        raw = file.read_bytes()
        check_mail(raw)
        head = head_of(raw)
        # A name and a Message-ID that the mail has, and nothing made up instead.
        assert re.search(re.escape(head.key[5:].rpartition("/")[0]).encode(), raw)
        assert re.search(
            rb"^Subject: " + re.escape(head.file_name.removesuffix(".eml")[:12].encode()), raw, re.MULTILINE
        )
        assert media_type_of(file, "message/rfc822", head.file_name) == "message/rfc822"
