"""What the pods of the manifests are told is enough: each is started here with its variables and files, on
three servers of the bus with TLS and keys, after the steps of the Job, and is ready. PostgreSQL of
the wheel knows no TLS, so its addresses are plain ones, on this machine."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from deploy.kubernetes.policies import Installation, pod_of
from deploy.kubernetes.rendering import containers_of
from deploy.kubernetes.settings_policies import environment_of
from deploy.local.accounts import ensure_accounts
from deploy.local.children import child_options
from deploy.local.ports import LOOPBACK, free_port
from tests.support.folders import remove_folder, temporary_folder
from tests.support.kubernetes import RESOURCES, Cluster
from tests.support.servers import PostgresServer, wait_until

pytestmark = [pytest.mark.soak, pytest.mark.timeout(300)]
ROOT: Final = Path(__file__).parents[2]
INSTALLATION: Final = Installation(RESOURCES, [])


class Node:
    """Runs the containers of the manifests as processes of this machine."""

    def __init__(self, folder: Path, cluster: Cluster, postgres: PostgresServer) -> None:
        self._folder = folder
        self._cluster = cluster
        self._port = postgres.config.port
        ensure_accounts(cluster.secrets / "integrations")
        (cluster.secrets / "reporting" / "smtp-url").write_text("smtps://mail.example:465")
        (cluster.secrets / "provision" / "database-url").write_text(postgres.admin_url)

    def environment(
        self, workload: dict[str, Any], container: dict[str, Any]
    ) -> tuple[dict[str, str], dict[int, int]]:
        """The container's variables with the places of this machine, and its ports here."""
        volumes = {volume["name"]: volume for volume in pod_of(workload)["volumes"]}
        places = {
            mount["mountPath"]: self._place(volumes[mount["name"]]) for mount in container["volumeMounts"]
        }
        ports = {port["containerPort"]: free_port() for port in container.get("ports", ())}
        told = {}
        for name, value in environment_of(container, INSTALLATION).items():
            for there, here in places.items():
                value = re.sub(rf"^{there}(?=/|$)", str(here), value)
            for port, here_port in ports.items():
                value = value.replace(f"0.0.0.0:{port}", f"{LOOPBACK}:{here_port}")
                value = str(here_port) if name == "TAGWERK_HTTP_PORT" else value
            value = value.replace("tls://nats:4222", f"tls://{LOOPBACK}:{self._cluster.ports[0][4222]}")
            value = value.replace("s3://tagwerk/files", (self._folder / "files").as_uri())
            told[name] = LOOPBACK if value == "0.0.0.0" else value
        return told, ports

    def _place(self, volume: dict[str, Any]) -> Path:
        if "secret" in volume:
            place = self._cluster.secrets / str(volume["secret"]["secretName"])
            for file in place.iterdir():
                if file.name in ("database-url", "keeper-url", "nats-url"):
                    text = re.sub(
                        r"@postgres-rw/(\w+)\?.*",
                        rf"@{LOOPBACK}:{self._port}/\1?sslmode=disable",
                        file.read_text(),
                    )
                    file.write_text(text.replace("@nats:4222", f"@{LOOPBACK}:{self._cluster.ports[0][4222]}"))
            return place
        if "configMap" in volume:
            return self._cluster.secrets / str(volume["configMap"]["name"])
        place = self._folder / str(volume["name"])
        place.mkdir(exist_ok=True)
        return place

    def start(
        self, name: str, container: dict[str, Any], environment: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("TAGWERK_")}
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *container["args"]],
                env=clean | environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **child_options(signal.SIGKILL),
            )


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with ExitStack() as stack:
        for name in ("bus", "node"):
            (tmp_path / name).mkdir()
        cluster = Cluster(tmp_path / "bus")
        stack.callback(cluster.stop)
        cluster.start()
        database = temporary_folder()
        stack.callback(remove_folder, database)
        # One of its own: the step changes passwords.
        postgres = PostgresServer(database)
        postgres.start()
        stack.callback(postgres.stop)
        yield Node(tmp_path / "node", cluster, postgres)


def test_every_pod_becomes_ready_with_what_its_manifest_tells_it(node: Node, tmp_path: Path) -> None:
    log = tmp_path / "node"
    (job,) = (job for job in INSTALLATION.of("Job") if job["metadata"]["name"] == "provision")
    for step in containers_of(job):
        environment, _ = node.environment(job, step)
        ended = node.start(step["name"], step, environment).wait(timeout=120)
        assert ended == 0, (log / f"{step['name']}.log").read_text()

    # No broker is here for the bridge.
    services = [d for d in INSTALLATION.of("Deployment") if d["metadata"]["name"] != "mqtt-bridge"]
    health = {}
    with ExitStack() as stack:
        for service in services:
            (container,) = containers_of(service)
            environment, ports = node.environment(service, container)
            name = service["metadata"]["name"]
            process = node.start(name, container, environment)
            stack.callback(process.wait)
            stack.callback(process.kill)
            health[name] = (process, ports[8081], container)

        def says(name: str, probe: str) -> int:
            process, port, container = health[name]
            assert process.poll() is None, (log / f"{name}.log").read_text()
            try:
                return httpx.get(f"http://{LOOPBACK}:{port}{container[probe]['httpGet']['path']}").status_code
            except httpx.HTTPError:
                return 0

        for name in health:
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                wait_until(lambda name=name, probe=probe: says(name, probe) == 200, f"{probe} of {name}")  # type: ignore[misc]
