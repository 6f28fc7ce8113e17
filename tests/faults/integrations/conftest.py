from pathlib import Path

import pytest

from tests.integration.integrations.conftest import feed_url
from tests.support.payments import EUROS, FRANCS

__all__ = ["feed_url"]

#: Repetitions, each of a client of its own.
CLIENTS = 1_000


@pytest.fixture(scope="session")
def payment_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Accounts of every client, and the folder from which the bank takes payment files."""
    folder = tmp_path_factory.mktemp("payments")
    accounts = "".join(
        f"[[clients.client-{number}.accounts]]\n"
        + "".join(f'{name} = "{value}"\n' for name, value in account.model_dump(exclude_none=True).items())
        for number in range(1, CLIENTS)
        for account in (FRANCS, EUROS)
    )
    (folder / "accounts.toml").write_text(accounts)
    return {
        "ACCOUNTS_FILE": str(folder / "accounts.toml"),
        "PAYMENTS_FOLDER": str(folder / "pickup"),
    }


@pytest.fixture
def pickup(payment_settings: dict[str, str]) -> Path:
    return Path(payment_settings["PAYMENTS_FOLDER"])
