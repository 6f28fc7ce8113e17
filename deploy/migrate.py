"""The migration step of a deployment, for those that want it before the new version starts.

`python -m deploy.migrate services.gateway services.status …` with the administrator's address of the database
in the environment (`MigrateSettings`). What it runs only adds (expand), so the version that still runs goes
on. With `--contract`, once no replica of an earlier version runs, it takes away what only those needed.
Idempotent; a service that finds work left does the first part itself when it starts.
"""

import asyncio
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from deploy.declarations import declaration_of
from shared.database import SHARED_MIGRATIONS, migrate
from shared.errors import TagwerkError, wrong_fields
from shared.settings import FiledSettings, Secret
from shared.tls import hosts, refuse_plain_database

_CONTRACT: Final = "--contract"


class MigrateSettings(FiledSettings):
    """Environment variables with the prefix `TAGWERK_`, as `deploy.provision` has them."""

    #: Address of the database server, with a role that may become each service's.
    database_url: Secret
    database_name: str = "tagwerk"
    plaintext_hosts: str | None = None


async def migrate_all(settings: MigrateSettings, modules: Sequence[str], *, contract: bool) -> list[str]:
    """The names of what ran. Raises `service_unknown`, `plaintext_refused`."""
    refuse_plain_database(settings.database_url, hosts(settings.plaintext_hosts))
    ran = []
    for module in modules:
        role = declaration_of(module).name
        folder = _folder(module) / "migrations"
        if not folder.is_dir():
            continue
        for one in (SHARED_MIGRATIONS, folder):
            applied = await migrate(
                settings.database_url,
                role,
                one,
                database=settings.database_name,
                role=role,
                contract=contract,
            )
            ran += [f"{role}: {name}" for name in applied]
    return ran


def _folder(module: str) -> Path:
    """The package of a service's module."""
    spec = importlib.util.find_spec(module)
    assert spec is not None, "declaration_of has found it"
    assert spec.origin is not None, "it is a file"
    return Path(spec.origin).parent


def main(arguments: Sequence[str]) -> None:
    modules = [one for one in arguments if one != _CONTRACT]
    if not modules:
        sys.exit(f"usage: python -m deploy.migrate [{_CONTRACT}] MODULE...")
    try:
        ran = asyncio.run(migrate_all(MigrateSettings(), modules, contract=_CONTRACT in arguments))
    except ValidationError as error:
        sys.exit(f"settings_invalid: {wrong_fields(error)}")
    except TagwerkError as error:
        sys.exit(f"{error.failure.code}: {error.failure.cause} {error.failure.next_step}")
    print("\n".join(ran) or "nothing was left to migrate")


if __name__ == "__main__":
    main(sys.argv[1:])
