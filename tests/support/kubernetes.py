"""The bus as the manifests have it: three real servers, with TLS and keys."""

import json
import signal
import ssl
import subprocess
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import nats
from nats.aio.client import Client

from deploy.certificates import ensure_certificate
from deploy.kubernetes.peers import K8S
from deploy.kubernetes.rendering import render
from deploy.kubernetes.secrets import Maker
from deploy.local.children import child_options
from deploy.local.nats import server_binary
from deploy.local.ports import LOOPBACK, free_port
from shared.permissions import inbox_prefix
from tests.support.servers import wait_until

RESOURCES: Final = render(K8S / "overlays" / "high-availability")


class Cluster:
    """The servers of the overlay for high availability, on ports and folders of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        Maker(self.secrets, RESOURCES, "https://tagwerk.example").make()
        self.authority = self.secrets / "authority" / "ca.crt"
        # Here the servers are called by their address.
        self._certificates = self.secrets / "certificates"
        ensure_certificate(self._certificates, LOOPBACK)
        self.ports = [{port: free_port() for port in (4222, 6222, 8222)} for _ in range(3)]
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        (data,) = (r["data"] for r in RESOURCES if r["metadata"]["name"].startswith("nats-") and "data" in r)
        for number in range(3):
            place = self.folder / f"nats-{number}"
            place.mkdir()
            for name, text in data.items():
                (place / name).write_text(self._here(text, number, place))
            with (place / "log").open("wb") as log:
                self._processes.append(
                    subprocess.Popen(
                        [server_binary(), "--config", place / "nats.conf"],
                        env=self._environment(number),
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        **child_options(signal.SIGKILL),
                    )
                )
        wait_until(self._ready, "three servers with a leader")

    def _here(self, text: str, number: int, place: Path) -> str:
        """The configuration with the places of this test for those of the containers."""
        for server, ports in enumerate(self.ports):
            text = text.replace(f"nats-{server}.nats-peers:6222", f"{LOOPBACK}:{ports[6222]}")
        for port, here in self.ports[number].items():
            text = text.replace(f"0.0.0.0:{port}", f"{LOOPBACK}:{here}")
        for there, file in (
            ("/tls/tls.crt", self._certificates / f"{LOOPBACK}.pem"),
            ("/tls/tls.key", self._certificates / f"{LOOPBACK}.key"),
            ("/peers-tls/tls.crt", self._certificates / f"{LOOPBACK}.pem"),
            ("/peers-tls/tls.key", self._certificates / f"{LOOPBACK}.key"),
            ("/authority/ca.crt", self.authority),
            ("/data", place / "data"),
            ("/run/nats", place),
        ):
            text = text.replace(f'"{there}', f'"{file}')
        return text

    def _environment(self, number: int) -> dict[str, str]:
        """The variables of the container: what its manifest says, and the Secret beside it."""
        (bus,) = (r for r in RESOURCES if (r["kind"], r["metadata"]["name"]) == ("StatefulSet", "nats"))
        told: list[dict[str, Any]] = bus["spec"]["template"]["spec"]["containers"][0]["env"]
        said = {entry["name"]: entry.get("value", f"nats-{number}") for entry in told}
        secret = {file.name: file.read_text() for file in (self.secrets / "nats-users").iterdir()}
        return said | secret

    def monitor(self, number: int, path: str) -> Any:
        with urllib.request.urlopen(
            f"http://{LOOPBACK}:{self.ports[number][8222]}{path}", timeout=5
        ) as answer:
            return json.load(answer)

    def _ready(self) -> bool:
        for number, process in enumerate(self._processes):
            assert process.poll() is None, (self.folder / f"nats-{number}" / "log").read_text()
        with suppress(OSError):
            meta = self.monitor(0, "/jsz").get("meta_cluster", {})
            return bool(meta.get("leader")) and meta.get("cluster_size") == 3
        return False

    async def connect(self, service: str | None = None, **options: Any) -> Client:
        """As the administrator, or as a service with its key."""
        trusted = ssl.create_default_context(cafile=self.authority)
        if service is None:
            password = (self.secrets / "nats-users" / "ADMIN_PASSWORD").read_text()
            options |= {"user": "admin", "password": password}
        else:
            seed = self.secrets / service / "bus.nk"
            options |= {"nkeys_seed": str(seed), "inbox_prefix": inbox_prefix(service)}
        servers = [f"tls://{LOOPBACK}:{ports[4222]}" for ports in self.ports]
        return await nats.connect(servers, tls=trusted, tls_handshake_first=True, **options)

    def kill(self, number: int) -> None:
        self._processes[number].kill()
        self._processes[number].wait()

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
