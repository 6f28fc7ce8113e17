"""Certificates of a private authority, for an installation that has no other.

`python -m deploy.certificates FOLDER nats.example 10.0.0.7` makes in FOLDER `authority.pem` with
its key, which no service needs, and for each name `NAME.pem` and `NAME.key`. Started again it renews those of
which the last third has begun, or that the authority has not signed; the rest stays. Run it by a timer, for
example each week.
"""

import ipaddress
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from shared.errors import TagwerkError

AUTHORITY: Final = "authority"
#: An authority is replaced by hand, since each client has to be told.
_AUTHORITY_LASTS: Final = timedelta(days=3652)
_LASTS: Final = timedelta(days=90)


def ensure_authority(folder: Path) -> Path:
    """The authority's certificate, made where there is none. Raises `authority_incomplete`."""
    certificate, key = folder / f"{AUTHORITY}.pem", folder / f"{AUTHORITY}.key"
    if certificate.exists() and not key.exists():
        raise TagwerkError(
            "authority_incomplete",
            f"there is {certificate} without its key, so nothing can be signed",
            concern=str(key),
            next_step="Put the key back, or remove the certificate: then another authority is made, which"
            " every client has to be given.",
        )
    if not certificate.exists():
        folder.mkdir(parents=True, exist_ok=True)
        private = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tagwerk's own authority")])
        made = (
            _builder(name, name, private.public_key(), datetime.now(UTC), _AUTHORITY_LASTS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(private, hashes.SHA256())
        )
        # Killed in between, the next start makes both anew.
        _write_key(key, private)
        _write(certificate, made.public_bytes(serialization.Encoding.PEM), 0o644)
    return certificate


def ensure_certificate(folder: Path, name: str) -> bool:
    """Whether one was made for this host name or address, because there was none that lasts long enough."""
    authority = x509.load_pem_x509_certificate((folder / f"{AUTHORITY}.pem").read_bytes())
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    if certificate.exists() and key.exists() and _holds(certificate, key, authority):
        return False
    issue(folder, name, datetime.now(UTC), _LASTS)
    return True


def issue(folder: Path, name: str, start: datetime, lasts: timedelta) -> None:
    """Write `<name>.key` and `<name>.pem`, in place of those that are there."""
    authority = x509.load_pem_x509_certificate((folder / f"{AUTHORITY}.pem").read_bytes())
    signer = serialization.load_pem_private_key((folder / f"{AUTHORITY}.key").read_bytes(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey), "as we made it"
    private = ec.generate_private_key(ec.SECP256R1())
    made = (
        _builder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
            authority.subject, private.public_key(), start, lasts,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.SubjectAlternativeName([_alternative(name)]), critical=False)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )  # fmt: skip
    # Whoever reads between the two finds that they do not fit, and keeps those of before.
    _write_key(folder / f"{name}.key", private)
    _write(folder / f"{name}.pem", made.public_bytes(serialization.Encoding.PEM), 0o644)


def _holds(certificate: Path, key: Path, authority: x509.Certificate) -> bool:
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
        found.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    start, end = found.not_valid_before_utc, found.not_valid_after_utc
    return private.public_key() == found.public_key() and datetime.now(UTC) < end - (end - start) / 3


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # Clocks of other machines may be behind.
        .not_valid_before(start - timedelta(hours=1))
        .not_valid_after(start + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(path, pem, 0o600)


def _write(path: Path, content: bytes, mode: int) -> None:
    """All of it or nothing, with the owner of what was there before."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        if path.exists():
            before = path.stat()
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), before.st_mode & 0o777)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def main(arguments: Sequence[str]) -> None:
    if len(arguments) < 2:
        sys.exit("usage: python -m deploy.certificates FOLDER NAME...")
    folder = Path(arguments[0])
    try:
        ensure_authority(folder)
        for name in arguments[1:]:
            made = ensure_certificate(folder, name)
            print(f"{name}: {'made' if made else 'still good'}")
    except TagwerkError as error:
        sys.exit(f"{error.failure.code}: {error.failure.cause}. {error.failure.next_step}")


if __name__ == "__main__":
    main(sys.argv[1:])
