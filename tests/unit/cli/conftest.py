"""How the tests run a command: in this process, against a canned gateway, with both streams read."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.app import app
from tests.unit.cli.gateway import CannedGateway, canned_gateway


@dataclass(frozen=True, slots=True)
class Ran:
    exit: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def gateway() -> Iterator[CannedGateway]:
    with canned_gateway() as gateway:
        yield gateway


@pytest.fixture
def run(
    gateway: CannedGateway,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Run:
    """Run `tagwerk <words>` with the canned gateway's address and a token in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAGWERK_URL", gateway.url)
    monkeypatch.setenv("TAGWERK_TOKEN", "secret")
    for name in ("TAGWERK_STATE", "COLUMNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: object) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            app(args=[str(word) for word in words], prog_name="tagwerk")
        read = capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else 0, read.out, read.err)

    return run
