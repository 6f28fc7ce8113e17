"""docker-compose.yml describes the same stack as `make up`, in the settings' own words, and closed."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.container_secrets import ensure_secrets
from deploy.image.probe import PORT
from deploy.local.config import SERVICES
from deploy.local.nats import server_binary
from deploy.permissions import SERVICES as ON_THE_BUS
from deploy.provision import ProvisionSettings
from deploy.roles import AUDIT_KEEPER
from shared.settings import Settings

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
#: Container -> module of the service that runs in it.
MODULES = {**SERVICES, "mqtt-bridge": "services.mqtt_bridge"}
#: They do one thing and end.
ONCE = {"secrets", "sign-in", "provision"}
#: Their images have no program that could ask.
UNASKED = {"collector", "jaeger"}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    ensure_secrets(folder)
    return folder


def filled(value: str) -> str:
    """With the defaults of its variables put in."""
    pattern = re.compile(r"\$\{\w+:-([^${}]*)\}")
    while pattern.search(value):
        value = pattern.sub(r"\1", value)
    return value


def environment_of(container: str, secrets: Path) -> dict[str, str]:
    """Its variables, with files of secrets looked for where they lie here."""
    mounted = CONTAINERS[container]["secrets"]

    def here(match: re.Match[str]) -> str:
        assert match[1] in mounted, f"{container} is not given {match[1]}"
        return str(secrets / Path(COMPOSE["secrets"][match[1]]["file"]).name)

    variables: dict[str, str] = CONTAINERS[container]["environment"]
    return {name: re.sub(r"/run/secrets/([\w-]+)", here, filled(value)) for name, value in variables.items()}


@pytest.mark.parametrize("container", MODULES)
def test_each_service_gets_settings_that_it_knows_and_all_that_it_needs(
    container: str, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = environment_of(container, secrets)
    known = {f"TAGWERK_{name.upper()}" for name in Settings.model_fields}
    assert {name if name in known else name.removesuffix("_FILE") for name in environment} <= known
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    service = MODULES[container].rpartition(".")[2]
    assert settings.nats_url == "tls://nats:4222"
    assert settings.nats_nkey_file is not None
    assert settings.nats_nkey_file.read_text().startswith("SU")
    assert settings.nats_nkey_file.name == f"{service}.nk"
    assert settings.database_url.startswith(f"postgresql://{service}:")
    assert "sslmode=verify-full" in settings.database_url
    assert CONTAINERS[container]["command"] == [MODULES[container]]


def test_every_service_of_the_stack_is_there_and_provisioned(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(CONTAINERS) >= {*MODULES, "nats", "postgres", *ONCE}
    assert CONTAINERS["provision"]["command"] == ["deploy.provision", *MODULES.values()]
    for name, value in environment_of("provision", secrets).items():
        monkeypatch.setenv(name, value)
    settings = ProvisionSettings()
    assert set(settings.database_roles) == {*SERVICES, "mqtt_bridge", AUDIT_KEEPER}
    for role, password in settings.database_roles.items():
        assert f"//{role}:{password}@" in (secrets / f"{role}-database").read_text()
    assert settings.audit_key_file is not None


def test_without_a_profile_exactly_the_core_comes_up() -> None:
    core = {name for name, container in CONTAINERS.items() if "profiles" not in container}
    assert core == {*SERVICES, "nats", "postgres", "provision", "sign-in"}
    named = {profile for container in CONTAINERS.values() for profile in container.get("profiles", [])}
    assert named == {"setup", "mqtt", "observability"}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_may_do_nothing_that_it_does_not_need(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["mem_limit"]
    assert container["cpus"]
    user = container["user"].split(":")[0]
    assert (user == "0") == (name == "secrets")
    assert ("cap_add" in container) == (name == "secrets")
    assert "privileged" not in container
    assert not any("docker.sock" in volume for volume in container.get("volumes", []))


@pytest.mark.parametrize("name", CONTAINERS)
def test_an_image_has_a_version_and_can_be_pinned(name: str) -> None:
    written = CONTAINERS[name]["image"]
    assert re.match(r"\$\{\w+_IMAGE:-", written)
    image, _, tag = filled(written).partition(":")
    assert image
    assert re.search(r"\d", tag), f"{name}: {written}"
    assert tag != "latest"


@pytest.mark.parametrize("name", CONTAINERS)
def test_no_secret_stands_in_the_file_and_each_is_given_to_its_own_service_alone(name: str) -> None:
    container = CONTAINERS[name]
    for variable, value in container.get("environment", {}).items():
        if not variable.endswith("_FILE"):
            assert not re.search(r"PASSWORD|SECRET|TOKEN|NKEY", variable), variable
        assert not re.search(r"//[^/]*:[^/]*@", str(value)), variable
    others = {f"{other}-{kind}" for other in MODULES for kind in ("key", "database") if other != name}
    assert not others & set(container.get("secrets", []))


def test_every_secret_is_made_and_used(secrets: Path) -> None:
    for name, secret in COMPOSE["secrets"].items():
        assert (secrets / Path(secret["file"]).name).is_file(), name
    used = {secret for container in CONTAINERS.values() for secret in container.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])


def test_every_container_that_stays_is_asked_for_its_health_and_every_volume_exists() -> None:
    volumes = set(COMPOSE["volumes"])
    for name, container in CONTAINERS.items():
        if name not in ONCE | UNASKED:
            assert container["healthcheck"]["test"][0] == "CMD", name
        if name in MODULES:
            # As in the image, which has the port in its environment.
            assert container["healthcheck"]["test"][-1] == "/opt/code/lib/deploy/image/probe.py"
        for volume in container.get("volumes", []):
            source = filled(volume).split(":")[0]
            assert source in volumes or source == "./secrets" or (ROOT / source).exists(), f"{name}: {volume}"


def test_nothing_starts_before_what_it_needs_is_healthy() -> None:
    for name, container in CONTAINERS.items():
        for other, how in container.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONCE else "service_healthy"
            if other in UNASKED:
                wanted = "service_started"
            assert how["condition"] == wanted, f"{name}: {other}"
    for name in MODULES:
        assert "provision" in CONTAINERS[name]["depends_on"], name
    assert set(CONTAINERS["provision"]["depends_on"]) == {"nats", "postgres"}


def test_only_this_machine_reaches_the_published_ports() -> None:
    published = [port for container in CONTAINERS.values() for port in container.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_prometheus_asks_each_service_at_the_port_of_its_health() -> None:
    (group,) = yaml.safe_load((ROOT / "deploy" / "containers" / "prometheus.json").read_text())
    assert group["targets"] == [f"{name}:{PORT}" for name in MODULES]


@pytest.fixture
def bus_folder(secrets: Path, tmp_path: Path) -> Path:
    """The configuration of nats-server and its secrets, laid out as in its container."""
    etc, run = tmp_path / "etc" / "nats", tmp_path / "run" / "secrets"
    etc.mkdir(parents=True)
    run.mkdir(parents=True)
    for name in CONTAINERS["nats"]["secrets"]:
        shutil.copy(secrets / Path(COMPOSE["secrets"][name]["file"]).name, run / name)
    text = (ROOT / "deploy" / "nats" / "nats.conf").read_text()
    (etc / "nats.conf").write_text(text.replace('"/run/secrets/', f'"{run}/'))
    return etc


def test_nats_accepts_the_configuration_and_knows_every_service(bus_folder: Path) -> None:
    checked = subprocess.run(
        [server_binary(), "--config", bus_folder / "nats.conf", "-t"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    users = (bus_folder.parents[1] / "run" / "secrets" / "bus-users").read_text()
    assert len(re.findall(r"nkey: U[A-Z2-7]{55}", users)) == len(ON_THE_BUS)
    assert re.findall(r"user: (\w+)", users) == ["admin"]
    # All but the administrator's are limited.
    assert users.count("permissions:") == len(ON_THE_BUS)
