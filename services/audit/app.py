"""The audit service: the log, its heads, its check and its queries, put together."""

import functools
from collections.abc import Awaitable, Callable
from pathlib import Path

from services.audit import queries
from services.audit.checking import LogCheck
from services.audit.declaration import DECLARATION
from services.audit.expiry import Expiry
from services.audit.keys import read_keys
from services.audit.measures import measure_log
from services.audit.recorder import Recorder
from services.audit.retention import read_retention
from services.audit.signing import Signer
from shared.commands import AuditEntriesQuery, AuditExportQuery, AuditStateQuery
from shared.entry import serve
from shared.service import Service
from shared.settings import Settings
from shared.subjects import AUDIT, RUNS, query

MIGRATIONS = Path(__file__).parent / "migrations"
#: The checkout or image that this runs from; an installed wheel has no docs to look for.
ROOT = Path(__file__).parents[2]


def build(settings: Settings) -> Service:
    """The service, ready to start. Raises `audit_key_unusable`, `audit_retention_invalid`."""
    keys = read_keys(settings.audit_key_file) if settings.audit_key_file is not None else None
    # Read again for each removal; a wrong file is told at the start already.
    read_retention(settings.audit_retention)
    service = Service(
        DECLARATION,
        settings,
        migrations=MIGRATIONS,
        providers={
            LogCheck: lambda attempt: LogCheck(
                service.pool, attempt.outbox, attempt.context, keys, settings.audit_heads_folder
            ),
            Expiry: lambda attempt: Expiry(
                settings.audit_keeper_url, read_retention(settings.audit_retention), attempt.context
            ),
        },
        rule_files={"audit-retention": settings.audit_retention},
        root=ROOT if (ROOT / "docs").is_dir() else None,
    )

    @functools.cache
    def signer() -> Signer:
        assert keys is not None
        return Signer(
            service.pool,
            keys,
            settings.audit_heads_folder,
            settings.audit_webhook_url,
            after=settings.audit_head_minutes * 60,
        )

    def written() -> None:
        if keys is not None:
            signer().wake()

    for stream in (AUDIT, RUNS):
        service.background(f"recorder {stream}", _recorder(service, stream, written))
    if keys is not None:
        service.background("heads", lambda: signer().run())
    service.measure("audit log", lambda: measure_log(service.pool))
    service.answer(
        query("audit", "entries"),
        AuditEntriesQuery,
        lambda asked: queries.list_entries(service.pool, asked),
    )
    service.answer(
        query("audit", "state"),
        AuditStateQuery,
        lambda asked: queries.read_state(service.pool, asked, signs=keys is not None),
    )
    service.answer(
        query("audit", "export"),
        AuditExportQuery,
        lambda asked: queries.export_entries(service.pool, asked),
    )
    return service


def _recorder(service: Service, stream: str, written: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    return lambda: Recorder(service.bus.nc, service.pool, stream, written).run()


def main() -> None:
    serve(build)
