"""A password reaches the gateway, and nothing else: neither arguments, nor output."""

import io

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.gateway import CannedGateway

PASSWORD = "heron under a paper moon"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_is_read_from_stdin(gateway: CannedGateway, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.on("PUT", "/principals/ada/password", b"", status=204)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\r\n"))
    ran = run("principals", "set-password", "ada", "--keep")
    assert (ran.exit, ran.err) == (0, "")
    assert PASSWORD not in ran.out
    assert gateway.asked[-1].json == {"password": PASSWORD, "must_change": False}


def test_it_is_typed_twice(gateway: CannedGateway, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.on("PUT", "/principals/ada/password", b"", status=204)
    monkeypatch.setattr("sys.stdin", Terminal())
    typed = iter([PASSWORD, PASSWORD, PASSWORD, "something else"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    assert run("principals", "set-password", "ada").exit == 0
    ran = run("principals", "set-password", "ada")
    assert ran.exit == 2
    assert "not the same" in ran.err
    assert len(gateway.asked) == 1


def test_nothing_on_stdin_is_no_password(
    gateway: CannedGateway, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run("principals", "set-password", "ada").exit == 2
    assert gateway.asked == []


def test_it_is_no_argument(gateway: CannedGateway, run: Run) -> None:
    for words in (("ada", PASSWORD), ("ada", "--password", PASSWORD)):
        assert run("principals", "set-password", *words).exit == 2
    assert gateway.asked == []
