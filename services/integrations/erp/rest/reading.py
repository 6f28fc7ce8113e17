"""Reading a list of the ERP into the store, page by page."""

from collections.abc import AsyncIterator, Sequence

from services.integrations.erp.rest.api import ErpApi, Unchanged
from services.integrations.erp.rest.entries import Entry, WrongEntry
from services.integrations.erp.rest.entry_store import EntryStore, Gone
from shared.errors import TagwerkError
from shared.events import Record
from shared.outbox import Superseded
from shared.runner.context import Progress, RunContext, RunLog
from shared.words import ErpList


class Reading:
    """One list, read once."""

    def __init__(
        self,
        of: ErpList,
        api: ErpApi,
        store: EntryStore,
        gone: Gone,
        context: RunContext,
        log: RunLog,
        progress: Progress,
    ) -> None:
        self._of = of
        self._api = api
        self._store = store
        self._gone = gone
        self._context = context
        self._log = log
        self._progress = progress
        self._seen: set[str] = set()
        self._nameless = False
        self._wrong = False
        #: What the list holds, once it was read; what is stored, where the ERP says that this is the same.
        self.entries: Sequence[Entry] = []
        #: Why it was not read to its end by `records_until_it_fails`.
        self.failure: TagwerkError | None = None

    async def records_until_it_fails(self) -> AsyncIterator[Sequence[Record]]:
        """As `records`; a list that fails says so in `failure`, and does not keep the others back."""
        try:
            async for records in self.records():
                yield records
        except Superseded:
            raise
        except TagwerkError as error:
            self.failure, failure = error, error.failure
            self._log.error(
                "the list was not read to its end", list=self._of, code=failure.code, cause=failure.cause
            )

    async def records(self) -> AsyncIterator[Sequence[Record]]:
        """Read the list to its end; what became of each entry. What was read before a page fails is stored.

        A rerun of some records, and a dry run, read everything whatever the ETag says.
        """
        whole = self._context.only_records is None
        known = await self._store.begin(self._of)
        etag = known if whole and not self._context.dry_run else None
        newest: str | None = None
        found: list[Entry] = []
        async for page in self._api.read(self._of, etag):
            if isinstance(page, Unchanged):
                self.entries = await self._store.known(self._of)
                yield [await self._store.unchanged(self._of)]
                return
            newest = newest or page.etag
            good = [one for one in page.entries if isinstance(one, Entry)]
            found += good
            yield self._wrong_ones(page.entries)
            yield await self._store.store_page([one for one in good if self._context.wants(one.key)])
            self._seen.update(one.id for one in page.entries if one.id)
            await self._progress(len(found), None, str(self._of).replace("-", " "))
        self.entries = found
        if not whole:
            return
        if self._nameless:
            self._log.warning(
                "nothing is marked as gone: an entry says no id, so it may be any of those that are missing",
                list=self._of,
            )
            return
        # With an entry that cannot be read the list is not known: the next run reads it again.
        yield await self._store.finish(self._of, self._seen, None if self._wrong else newest, self._gone)

    def _wrong_ones(self, entries: Sequence[Entry | WrongEntry]) -> list[Record]:
        wrong = [one for one in entries if isinstance(one, WrongEntry)]
        self._wrong = self._wrong or bool(wrong)
        self._nameless = self._nameless or any(one.id is None for one in wrong)
        return [one.record() for one in wrong if self._context.wants(one.key)]
