"""Make what the manifests expect and do not contain: keys, passwords, certificates.

`python -m deploy.kubernetes.secrets FOLDER OVERLAY https://tagwerk.example` makes in FOLDER a folder for
each Secret that the overlay reads, with a file for each key, and a kustomization that makes the objects.
Started again it keeps what is there, and renews certificates of which the last third has begun. What only a
person knows it names, and leaves alone.
"""

import json
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import nkeys
import yaml

from deploy.certificates import AUTHORITY, ensure_authority, ensure_certificate
from deploy.kubernetes.bus import key_of
from deploy.kubernetes.peers import K8S
from deploy.kubernetes.rendering import Resource, read, render
from deploy.local.sign_in import SIGN_IN_FILE, ensure_sign_in
from deploy.local.state import write_private
from deploy.permissions import SERVICES
from deploy.roles import AUDIT_KEEPER
from services.audit.keys import ensure_keys
from shared.errors import TagwerkError

#: The objects that the manifests expect, with their keys.
EXPECTED: Final = K8S / "secrets.example.yaml"
_PASSWORDS: Final = "passwords.json"
_CERTIFICATES: Final = "certificates"
_TRUST: Final = "sslmode=verify-full&sslrootcert=/authority/ca.crt"


def named(resources: list[Resource]) -> set[tuple[str, str]]:
    """Kind and name of every Secret and ConfigMap that resources read."""
    return {found for resource in resources for found in _named(resource)}


def _named(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for entry in value:
            yield from _named(entry)
    if not isinstance(value, dict):
        return
    for field, entry in value.items():
        if field in ("secretName", "serverCASecret", "serverTLSSecret"):
            yield "Secret", entry
        elif field in ("secretRef", "secretKeyRef", "superuserSecret"):
            yield "Secret", entry["name"]
        elif field in ("configMap", "configMapRef"):
            yield "ConfigMap", entry["name"]
        else:
            yield from _named(entry)


class Maker:
    """Values for the keys of one installation, in a folder that nobody else reads."""

    def __init__(self, folder: Path, resources: list[Resource], address: str) -> None:
        self.folder = folder
        self._address = address
        read_names = named(resources)
        self._expected = [r for r in read(EXPECTED) if (r["kind"], r["metadata"]["name"]) in read_names]
        clustered = any(resource["kind"] == "Cluster" for resource in resources)
        self._database = "postgres-rw" if clustered else "postgres"
        self._roles = (*SERVICES, AUDIT_KEEPER)

    def make(self) -> list[Path]:
        """Write what can be made. The files that a person has to write are returned."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._passwords = self._kept_passwords()
        ensure_authority(self.folder / _CERTIFICATES)
        missing = []
        for resource in self._expected:
            name = resource["metadata"]["name"]
            place = self.folder / name
            place.mkdir(mode=0o700, exist_ok=True)
            for key in _keys(resource):
                if (value := self._value(name, key)) is not None:
                    _write(place / key, value)
                elif not (place / key).exists():
                    missing.append(place / key)
        _write(self.folder / "kustomization.yaml", self._kustomization().encode())
        return missing

    def _kept_passwords(self) -> dict[str, str]:
        file = self.folder / _PASSWORDS
        kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        # A letter first: nats-server would read digits as a number.
        made = {
            name: f"p{secrets.token_hex(24)}"
            for name in ("bus", "postgres", *self._roles)
            if name not in kept
        }
        if made:
            write_private(file, kept | made)
        return kept | made

    def _value(self, secret: str, key: str) -> bytes | None:
        """None for what stays as it is, or what only a person knows."""
        service = secret.replace("-", "_")
        text: str | None = None
        if key == "database-url":
            role, database = ("postgres", "postgres") if secret == "provision" else (service, "tagwerk")  # noqa: S105
            text = self._database_url(role, database)
        elif key == "keeper-url":
            text = self._database_url(AUDIT_KEEPER, "tagwerk")
        elif key == "nats-url":
            text = f"tls://admin:{self._passwords['bus']}@nats:4222"
        elif key == "database-roles.json":
            text = json.dumps({role: self._passwords[role] for role in self._roles})
        elif key in ("superuser-password", "password"):
            text = self._passwords["postgres"]
        elif key == "username":
            text = "postgres"
        elif key == "ADMIN_PASSWORD":
            text = self._passwords["bus"]
        elif key.endswith("_NKEY"):
            (name,) = (name for name in SERVICES if key_of(name) == key)
            text = nkeys.from_seed(bytearray(self._seed(name))).public_key.decode()
        if text is not None:
            return text.encode()
        return self._file(secret, service, key)

    def _file(self, secret: str, service: str, key: str) -> bytes | None:
        if key == "bus.nk":
            return self._seed(service)
        if key == "key.pem":
            ensure_keys(self.folder / "audit.pem")
            return (self.folder / "audit.pem").read_bytes()
        if key == SIGN_IN_FILE:
            ensure_sign_in(self.folder, self._address)
            return (self.folder / SIGN_IN_FILE).read_bytes()
        certificates = self.folder / _CERTIFICATES
        if key == "ca.crt":
            return (certificates / f"{AUTHORITY}.pem").read_bytes()
        shown = {
            "nats-tls": "nats",
            "nats-peers-tls": "*.nats-peers",
            "postgres-tls": self._database,
            "gateway-tls": "gateway",
        }
        if secret in shown:
            ensure_certificate(certificates, shown[secret])
            return (certificates / f"{shown[secret]}{'.pem' if key == 'tls.crt' else '.key'}").read_bytes()
        return None

    def _database_url(self, role: str, database: str) -> str:
        password = quote(self._passwords[role])
        return f"postgresql://{role}:{password}@{self._database}/{database}?{_TRUST}"

    def _seed(self, service: str) -> bytes:
        file = self.folder / f"{service}.nk"
        if not file.exists():
            _write(file, nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER))
        return file.read_bytes()

    def _kustomization(self) -> str:
        def generators(kind: str) -> list[dict[str, Any]]:
            return [
                {
                    "name": resource["metadata"]["name"],
                    "files": [f"{resource['metadata']['name']}/{key}" for key in _keys(resource)],
                    **({"type": resource["type"]} if "type" in resource else {}),
                }
                for resource in self._expected
                if resource["kind"] == kind
            ]

        made = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": "tagwerk",
            "generatorOptions": {"disableNameSuffixHash": True},
            "secretGenerator": generators("Secret"),
            "configMapGenerator": generators("ConfigMap"),
        }
        return yaml.safe_dump(made, sort_keys=False)


def _keys(resource: Resource) -> list[str]:
    return [*resource.get("stringData", {}), *resource.get("data", {})]


def _write(path: Path, content: bytes) -> None:
    """For its owner alone; whole or not at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    unfinished.replace(path)


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit("usage: python -m deploy.kubernetes.secrets FOLDER OVERLAY ADDRESS")
    folder, overlay, address = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    try:
        missing = Maker(folder, render(overlay), address).make()
    except TagwerkError as error:
        sys.exit(f"{error.failure.code}: {error.failure.cause} {error.failure.next_step}")
    for path in missing:
        print(f"yours to write: {path}")
    print(f"then: kubectl apply --server-side -k {folder}")


if __name__ == "__main__":
    main()
