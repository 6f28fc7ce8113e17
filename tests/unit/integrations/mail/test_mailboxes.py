"""The file of mailboxes: what it says, and what is wrong with it."""

from pathlib import Path

import pytest

from services.integrations.mail.mailboxes import read_mailboxes
from shared.errors import TagwerkError

GOOD = """
[[clients.main.mailboxes]]
name = "invoices"
host = "imap.example.org"
user = "invoices@example.org"
password_file = "invoices.password"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mailboxes.toml"
    path.write_text(text)
    return path


def test_a_mailbox_needs_a_name_a_host_a_user_and_a_password_beside_the_file(tmp_path: Path) -> None:
    mailboxes = read_mailboxes(written(tmp_path, GOOD))
    (mailbox,) = mailboxes.chosen("main", None)
    (tmp_path / "invoices.password").write_text("pass word\r\nand what else stands there\n")
    address = mailbox.address()
    assert (address.host, address.port, address.security) == ("imap.example.org", 993, "tls")
    assert (address.user, address.password) == ("invoices@example.org", "pass word")
    assert (mailbox.folder, mailbox.imported, mailbox.refused) == ("INBOX", "Imported", "Refused")
    assert "pass word" not in repr(address) + repr(mailboxes)
    # Renewed without a restart.
    (tmp_path / "invoices.password").write_text("another")
    assert mailbox.address().password == "another"
    assert mailboxes.chosen("other", None) == ()
    with pytest.raises(TagwerkError, match="known: invoices"):
        mailboxes.chosen("main", "invoice")


def test_without_a_file_there_are_none() -> None:
    assert read_mailboxes(None).chosen("main", None) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[clients", "it is no TOML"),
        (GOOD.replace("host", "hots"), "host: Field required"),
        (GOOD + 'password = "hush-hush"', "belongs into a file of its own"),
        (GOOD + 'security = "none"', "would go unencrypted"),
        (GOOD + 'imported = "INBOX"', "three different folders"),
        (GOOD + 'ca_file = "nowhere.pem"', "there is no file nowhere.pem"),
        (GOOD + GOOD, "two have the same name"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_without_the_password(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(TagwerkError) as caught:
        read_mailboxes(written(tmp_path, text))
    failure = caught.value.failure
    assert failure.code == "mailboxes_file_invalid"
    assert says in failure.cause
    assert "hush-hush" not in failure.cause
