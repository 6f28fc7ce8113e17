"""Exports to DATEV: a stack of bookings and its documents, as files in a folder."""

from collections.abc import AsyncIterator, Sequence

from services.integrations.erp.exporting import Wish
from services.integrations.erp.handover import ErpHandover
from services.integrations.erp.store import ErpExports
from shared.events import Record
from shared.intake import original_key
from shared.runner.context import Progress, RunLog


class DatevExporter:
    """Exports of one run's client. There is no place to stop between the decision what is booked and its end:
    a cancel comes before, or after."""

    def __init__(
        self,
        store: ErpExports,
        handover: ErpHandover,
        log: RunLog,
        progress: Progress,
    ) -> None:
        self._store = store
        self._handover = handover
        self._log = log
        self._progress = progress

    async def export(self, wish: Wish, *, dry_run: bool) -> AsyncIterator[Sequence[Record]]:
        """An export that was begun before is completed with the same bytes."""
        store, handover = self._store, self._handover
        keys = {original_key(one.document_id): one.document_id for one in await store.candidates(wish)}
        missing = frozenset(keys[key] for key in await handover.missing(list(keys)))
        if dry_run:
            yield await store.foresee(wish, missing)
            return
        yield await store.told()
        for export in await store.begun():
            self._log.info("completes an export that was begun before", export=export.name)
            await handover.hand_over(export, store)
            yield await store.complete(export.id)
        left_out = await store.reserve(wish, missing)
        made: list[Record] = []
        for export in await store.begun():
            await handover.hand_over(export, store)
            made += await store.complete(export.id)
            await self._progress(len(left_out) + len(made), None, f"export {export.name}")
        yield [*left_out, *made]
