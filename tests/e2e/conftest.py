from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from deploy.local.config import SERVICES, StackConfig
from deploy.local.stack import LocalStack
from tests.support.folders import remove_folder, temporary_folder
from tests.support.installation import Installation


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation() -> AsyncIterator[Installation]:
    """The whole stack, with the laboratory beside it. A worker that died is replaced after 3 s, not 15."""
    folder = temporary_folder()
    config = StackConfig(
        state=folder / "state",
        services={**SERVICES, "lab": "tests.support.lab"},
        environment={"TAGWERK_ACK_WAIT": "3", "TAGWERK_LOG_LEVEL": "info"},
    )
    async with LocalStack(config) as stack:
        headers = {"Authorization": f"Bearer {stack.token}"}
        async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60) as http:
            yield Installation(stack, http)
    remove_folder(folder)


@pytest.fixture(autouse=True)
def _leave_time(request: pytest.FixtureRequest) -> None:
    """Starting the stack counts as the first test's time."""
    request.node.add_marker(pytest.mark.timeout(240))
