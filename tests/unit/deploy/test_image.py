"""The image holds what a service needs, runs as nobody, and says how it is."""

import re
import socket
import threading
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from deploy.image.probe import PORT, trouble

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FINAL = ("full", "services")


def stage(name: str) -> str:
    found = re.search(rf"^FROM \S+ AS {name}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.DOTALL | re.MULTILINE)
    assert found, name
    return found[1]


def locked(path: str) -> dict[str, str]:
    """Name -> version and hashes."""
    entries = re.split(r"\n(?=\S)", (ROOT / path).read_text().strip())
    return {entry.split("==")[0]: entry for entry in entries}


def names(requirements: list[str]) -> set[str]:
    return {Requirement(one).name.lower() for one in requirements}


@pytest.mark.parametrize("name", FINAL)
def test_both_targets_run_as_nobody_and_are_asked_for_their_health(name: str) -> None:
    text = stage(name)
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE) == ["10001:10001"]
    assert "HEALTHCHECK" in text
    assert "/opt/code/lib/deploy/image/probe.py" in text
    assert f"TAGWERK_HEALTH_LISTEN=0.0.0.0:{PORT}" in text
    assert "org.opencontainers.image.revision" in text


def test_the_base_is_an_argument_with_a_version_and_the_small_image_is_one_layer_of_it() -> None:
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", DOCKERFILE, re.MULTILINE))
    assert bases - stages == {"${BASE}", "scratch"}
    assert re.search(r"^ARG BASE=python:3\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert DOCKERFILE.rfind("FROM scratch AS services") == DOCKERFILE.rfind("FROM ")
    assert "latest" not in DOCKERFILE


@pytest.mark.parametrize("name", FINAL)
def test_tools_and_tests_stay_outside(name: str) -> None:
    assert "/opt/tools" not in stage(name)
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert allowed[0] == "*"
    assert not {"!tests", "!secrets", "!.env", "!.git"} & set(allowed)


@pytest.mark.parametrize(("file", "extras"), [("services.txt", ()), ("full.txt", ("rules",))])
def test_the_image_has_what_pyproject_asks_for_in_the_versions_of_every_other_place(
    file: str, extras: tuple[str, ...]
) -> None:
    here, everywhere = locked(f"deploy/image/{file}"), locked("requirements.txt")
    for name, entry in here.items():
        version = re.match(r"\S+", entry)
        assert version
        assert everywhere[name].startswith(version[0]), name
        assert set(re.findall(r"sha256:\w+", entry)) <= set(re.findall(r"sha256:\w+", everywhere[name]))
    wanted = names(PROJECT["dependencies"])
    for extra in extras:
        wanted |= names(PROJECT["optional-dependencies"][extra])
    assert wanted <= set(here)
    for extra, requirements in PROJECT["optional-dependencies"].items():
        if extra not in extras:
            assert not (names(requirements) - {"setuptools"} - wanted) & set(here) - _ALSO_NEEDED, extra


#: What tests ask for by name and a library of the services needs as well.
_ALSO_NEEDED = {"pyyaml"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n{}", None),
        (b'HTTP/1.1 503 Service Unavailable\r\n\r\n{"database": "away"}', '"database": "away"'),
    ],
)
def test_the_health_check_tells_ready_from_not(answer: bytes, words: str | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                assert connection.recv(4096).startswith(b"GET /readyz ")
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        told = trouble(server.getsockname()[1])
        thread.join()
    assert (told is None) == (words is None)
    assert words is None or words in (told or "")


def test_the_health_check_tells_that_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "nobody answers" in (trouble(port) or "")
