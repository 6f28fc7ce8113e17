"""Certificates of an installation's own authority."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from deploy.certificates import ensure_authority, ensure_certificate, issue, main
from shared.errors import TagwerkError


def serial(file: Path) -> int:
    return x509.load_pem_x509_certificate(file.read_bytes()).serial_number


def test_what_is_good_stays_and_what_is_old_is_renewed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path), "nats.example", "10.0.0.7"])
    authority, first = serial(tmp_path / "authority.pem"), serial(tmp_path / "nats.example.pem")
    assert (tmp_path / "nats.example.key").stat().st_mode & 0o777 == 0o600
    issue(tmp_path, "10.0.0.7", datetime.now(UTC) - timedelta(days=61), timedelta(days=90))
    old = serial(tmp_path / "10.0.0.7.pem")
    capsys.readouterr()
    main([str(tmp_path), "nats.example", "10.0.0.7"])
    assert capsys.readouterr().out == "nats.example: still good\n10.0.0.7: made\n"
    assert serial(tmp_path / "authority.pem") == authority
    assert serial(tmp_path / "nats.example.pem") == first
    assert serial(tmp_path / "10.0.0.7.pem") != old
    assert {entry.suffix for entry in tmp_path.iterdir()} == {".pem", ".key"}


def test_pieces_that_do_not_fit_are_made_anew(tmp_path: Path) -> None:
    ensure_authority(tmp_path)
    assert ensure_certificate(tmp_path, "nats")
    # Killed between the two files.
    ensure_certificate(tmp_path, "other")
    (tmp_path / "other.key").replace(tmp_path / "nats.key")
    assert ensure_certificate(tmp_path, "nats")
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "nats.pem", tmp_path / "nats.key")
    # Another authority has been put in place of the one that signed it.
    (tmp_path / "authority.pem").unlink()
    ensure_authority(tmp_path)
    assert ensure_certificate(tmp_path, "nats")
    assert not ensure_certificate(tmp_path, "nats")


def test_an_authority_without_its_key_is_not_replaced_silently(tmp_path: Path) -> None:
    file = ensure_authority(tmp_path)
    before = file.read_bytes()
    (tmp_path / "authority.key").unlink()
    with pytest.raises(TagwerkError) as failed:
        ensure_authority(tmp_path)
    assert failed.value.failure.code == "authority_incomplete"
    assert file.read_bytes() == before
