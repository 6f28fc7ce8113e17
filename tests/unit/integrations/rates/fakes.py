"""Stand-ins for what the integrations service gives its jobs: publications at hand, rows in memory."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from services.integrations.jobs.import_daily_rates import import_daily_rates
from services.integrations.rates.core import Publication, Rate, StoredRate, judge
from shared.errors import TagwerkError
from shared.events import LogLine, Record
from shared.ids import new_id
from shared.runner.context import Progress, RunContext, RunLog
from shared.words import RateSource


class FakeFeed:
    """What each source or file says: a publication, or why there is none."""

    def __init__(self, says: Mapping[RateSource | str, Publication | TagwerkError]) -> None:
        self._says = says
        self.asked: list[tuple[RateSource | str, object]] = []

    async def fetch(self, source: RateSource, since: date | None) -> Publication:
        return self._answer(source, since)

    async def read_file(self, name: str, source: RateSource | None) -> Publication:
        return self._answer(name, source)

    def _answer(self, origin: RateSource | str, how: object) -> Publication:
        self.asked.append((origin, how))
        said = self._says[origin]
        if isinstance(said, TagwerkError):
            raise said
        return said


class MemoryRates:
    """Rows of one client, decided on as the real store does."""

    def __init__(self) -> None:
        self.rows: dict[str, StoredRate] = {}
        self.run_id = new_id()

    async def store_many(self, rates: Sequence[Rate]) -> Sequence[Record]:
        records = []
        for rate in rates:
            judged = judge(rate, self.rows.get(rate.key), self.run_id)
            if judged.write:
                self.rows[rate.key] = StoredRate(rate.value, judged.before, self.run_id)
            records.append(judged.record)
        return records


class Treasury:
    """One client's rates, and runs over them."""

    def __init__(self) -> None:
        self.rates = MemoryRates()
        self.lines: list[LogLine] = []
        #: The records of the last run, also of one that failed in the end.
        self.records: list[Record] = []

    async def run(
        self,
        feed: FakeFeed,
        *parameters: object,
        run_id: UUID | None = None,
        only: frozenset[str] | None = None,
        **named: object,
    ) -> list[Record]:
        self.rates.run_id = run_id or new_id()
        context = RunContext(
            self.rates.run_id, 1, "integrations.import-daily-rates", "acme", "ada", only_records=only
        )
        self.records = []
        async for item in import_daily_rates.function(
            *parameters,
            feed=feed,
            store=self.rates,
            context=context,
            log=RunLog(context, self.lines.append),
            progress=Progress(lambda done, total, message: None),
            **named,
        ):
            self.records += [item] if isinstance(item, Record) else item
        return self.records
