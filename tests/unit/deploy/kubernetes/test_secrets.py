"""The secrets that are made are those that the manifests read; they fit each other, and stay."""

import json
from pathlib import Path

import yaml
from cryptography import x509
from nkeys import from_seed

from deploy.kubernetes.peers import K8S
from deploy.kubernetes.rendering import read, render
from deploy.kubernetes.secrets import EXPECTED, Maker, named
from deploy.permissions import SERVICES
from deploy.roles import AUDIT_KEEPER
from services.audit.keys import read_keys

OVERLAYS = K8S / "overlays"
RESOURCES = {name: render(OVERLAYS / name) for name in ("single-node", "high-availability")}


def made(folder: Path, overlay: str) -> list[str]:
    """The files that are left for a person, as `secret/key`."""
    missing = Maker(folder, RESOURCES[overlay], "https://tagwerk.example").make()
    return sorted(str(path.relative_to(folder)) for path in missing)


def test_only_what_a_person_knows_is_left(tmp_path: Path) -> None:
    by_hand = [
        "integrations/accounts.toml",
        "reporting/smtp-url",
        "tagwerk-example/tls.crt",
        "tagwerk-example/tls.key",
    ]
    assert made(tmp_path / "one", "single-node") == by_hand
    more = ["files/access-key-id", "files/secret-access-key", "mqtt-bridge/mqtt-url"]
    assert made(tmp_path / "three", "high-availability") == sorted(by_hand + more)


def test_what_is_made_fits_each_other_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    made(tmp_path, "high-availability")

    def value(name: str) -> str:
        return (tmp_path / name).read_text()

    roles = json.loads(value("provision/database-roles.json"))
    assert set(roles) == {*SERVICES, AUDIT_KEEPER}
    for service in SERVICES:
        place = service.replace("_", "-")
        assert value(f"{place}/database-url").startswith(
            f"postgresql://{service}:{roles[service]}@postgres-rw/tagwerk?sslmode=verify-full&"
        )
        seed = bytearray((tmp_path / place / "bus.nk").read_bytes())
        assert value(f"nats-users/{service.upper()}_NKEY") == from_seed(seed).public_key.decode()
    assert f":{roles[AUDIT_KEEPER]}@" in value("audit/keeper-url")
    assert f":{value('nats-users/ADMIN_PASSWORD')}@" in value("provision/nats-url")
    assert f":{value('postgres-superuser/password')}@" in value("provision/database-url")
    assert len(set(roles.values())) == len(roles)
    assert read_keys(tmp_path / "audit" / "key.pem").public

    authority = x509.load_pem_x509_certificate((tmp_path / "authority" / "ca.crt").read_bytes())
    for secret, host in (("nats", "nats"), ("nats-peers", "*.nats-peers"), ("postgres", "postgres-rw")):
        shown = x509.load_pem_x509_certificate((tmp_path / f"{secret}-tls" / "tls.crt").read_bytes())
        shown.verify_directly_issued_by(authority)
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [host]
    for path in tmp_path.rglob("*"):
        public = path.suffix in (".pem", ".pub") and path.parent.name == "certificates"
        if not public and path.suffix != ".pub" and path.name != "certificates":
            assert path.stat().st_mode & 0o077 == 0, path


def test_made_again_everything_stays(tmp_path: Path) -> None:
    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    made(tmp_path, "single-node")
    (tmp_path / "reporting" / "smtp-url").write_text("smtps://a:b@mail.example:465")
    before = contents()
    assert "reporting/smtp-url" not in made(tmp_path, "single-node")
    assert contents() == before
    kustomization = yaml.safe_load((tmp_path / "kustomization.yaml").read_text())
    generated = {entry["name"]: entry["files"] for entry in kustomization["secretGenerator"]}
    assert generated["reporting"] == ["reporting/bus.nk", "reporting/database-url", "reporting/smtp-url"]


def test_everything_that_is_listed_is_read_by_some_overlay() -> None:
    read_by = {found for resources in RESOURCES.values() for found in named(resources)}
    assert {(r["kind"], r["metadata"]["name"]) for r in read(EXPECTED)} <= read_by
