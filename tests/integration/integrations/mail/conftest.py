from collections.abc import Iterator

import pytest

from tests.integration.integrations.conftest import feed_url, installation
from tests.support.mail_server import MailServer, serving_mail

__all__ = ["feed_url", "installation"]


@pytest.fixture(scope="session")
def mail_server() -> Iterator[MailServer]:
    with serving_mail() as server:
        yield server
