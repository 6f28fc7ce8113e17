"""The laboratory: a service like any other, whose jobs exist for tests and benchmarks."""

from pathlib import Path

from shared.runner.attempt import Attempt
from shared.service import Service
from shared.settings import Settings
from tests.support.lab.broken import Voice
from tests.support.lab.declaration import DECLARATION
from tests.support.lab.jobs import Items, Outside


def _items(attempt: Attempt) -> Items:
    return Items(attempt.outbox, attempt.context.client)


def _outside(attempt: Attempt) -> Outside:
    return Outside("outside", attempt.calls)


def _voice(attempt: Attempt) -> Voice:
    return Voice(attempt.bus, attempt.context)


def build(settings: Settings) -> Service:
    return Service(
        DECLARATION,
        settings,
        migrations=Path(__file__).parent / "migrations",
        providers={Items: _items, Outside: _outside, Voice: _voice},
    )


def main() -> None:
    build(Settings()).run()
