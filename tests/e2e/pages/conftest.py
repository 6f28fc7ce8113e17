"""A real Chromium in front of a whole stack, which the files of tests share."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from deploy.local.config import SERVICES, StackConfig
from deploy.local.mqtt import RULES_FILE, bridge_of
from deploy.local.stack import LocalStack
from deploy.local.state import StateFolder
from tests.e2e.pages.reader import Reader, prepare
from tests.support.folders import remove_folder, temporary_folder

#: Of the MQTT bridge.
RULES = Path(__file__).parents[3] / "docs" / "mqtt.example.toml"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no program `chromium`: on Debian and Ubuntu `apt-get install chromium` brings it")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        await started.close()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def stack(browser: Browser) -> AsyncIterator[LocalStack]:
    """All services, the laboratory too, with some runs of every sort."""
    folder = temporary_folder()
    state = folder / "state"
    with StateFolder(state):
        shutil.copyfile(RULES, state / RULES_FILE)
    services = {**SERVICES, **bridge_of(state), "lab": "tests.support.lab"}
    config = StackConfig(state=state, services=services)
    async with LocalStack(config) as started:
        await prepare(started)
        yield started
    remove_folder(folder)


@pytest_asyncio.fixture(loop_scope="package")
async def reader(browser: Browser, stack: LocalStack) -> AsyncIterator[Reader]:
    """The administrator, with a browser of their own."""
    async with Reader(browser, stack) as someone:
        yield someone
