"""`tagwerk --help` must be quick: no HTTP client, no contracts, no servers are loaded for it."""

import subprocess
import sys

HEAVY = ("httpx", "pydantic", "rich", "asyncio", "nats", "asyncpg", "deploy", "fastapi", "jinja2")

LOADED = """
import sys
from cli.app import app
try:
    app(args=["--help"], prog_name="tagwerk")
except SystemExit:
    pass
print("LOADED", *sorted(set(name.partition(".")[0] for name in sys.modules)))
"""


def test_help_loads_nothing_heavy() -> None:
    ran = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = ran.stdout.rpartition("LOADED")[2].split()
    assert set(loaded) & set(HEAVY) == set()
    assert "dead-letters" in ran.stdout


def test_every_command_tells_what_it_does() -> None:
    from cli.app import app

    for command in app.registered_commands:
        assert command.callback is not None
        assert (command.callback.__doc__ or "").strip().endswith((".", ":")), command.name
