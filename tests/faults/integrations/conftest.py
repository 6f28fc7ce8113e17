from pathlib import Path

import pytest

from tests.integration.integrations.conftest import feed_url
from tests.support.payments import EUROS, FRANCS

__all__ = ["feed_url"]

#: Repetitions, each of a client of its own.
CLIENTS = 1_000


@pytest.fixture
def payment_settings(tmp_path: Path) -> dict[str, str]:
    """Accounts of every client, and the folder from which the bank takes payment files."""
    accounts = "".join(
        f"[[clients.client-{number}.accounts]]\n"
        + "".join(f'{name} = "{value}"\n' for name, value in account.model_dump(exclude_none=True).items())
        for number in range(1, CLIENTS)
        for account in (FRANCS, EUROS)
    )
    (tmp_path / "accounts.toml").write_text(accounts)
    return {
        "ACCOUNTS_FILE": str(tmp_path / "accounts.toml"),
        "PAYMENTS_FOLDER": str(tmp_path / "pickup"),
    }


@pytest.fixture
def pickup(payment_settings: dict[str, str]) -> Path:
    return Path(payment_settings["PAYMENTS_FOLDER"])
