"""`integrations.import-daily-rates`: rates of the ECB and the Swiss customs office, each day once."""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from services.integrations.rates.core import Publication, batches, wanted
from services.integrations.rates.feed import RatesFeed
from services.integrations.rates.store import RateStore
from shared.access import Access
from shared.choices import ChosenFrom
from shared.errors import TagwerkError, foremost
from shared.events import Record
from shared.incoming import IncomingFile
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext, RunLog
from shared.words import Kind, Level, RateSource

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217: `USD`")]


@job(
    "integrations.import-daily-rates",
    title="Import daily rates",
    kind=Kind.INTEGRATION,
    owner="Treasury",
    access=Access(module="rates", level=Level.OPERATIONAL, roles=frozenset({"accounting", "trustee"})),
    expected_runtime=minutes(1),
    retry=Retry(attempts=3, backoff=exponential(seconds(5))),
    repeat=Safe("rates are keyed by source, currency and day; what is stored already stays unchanged"),
    systems=["ecb", "bazg"],
    dry_run=True,
    output="exchange rates, and an event that names those that are new or have changed",
    expected_result="one rate per source, currency and day, none twice",
    logs="service=integrations job=integrations.import-daily-rates",
    troubleshooting="docs/jobs/import-daily-rates.md",
)
async def import_daily_rates(
    since: Annotated[date | None, Field(description="No day before this one; none: the newest only")] = None,
    currencies: Annotated[
        list[Currency], ChosenFrom("rate-currency"), Field(description="Only these; none: all")
    ] = [],  # noqa: B006
    source: Annotated[Literal["ecb", "bazg", "both"], Field(description="Whose rates")] = "both",
    file: Annotated[
        IncomingFile | None,
        ChosenFrom("inbox-rates"),
        Field(description="Read this instead: a file of inbox/rates, or an upload"),
    ] = None,
    *,
    feed: RatesFeed,
    store: RateStore,
    context: RunContext,
    log: RunLog,
    progress: Progress,
) -> AsyncIterator[Sequence[Record]]:
    """Read the daily exchange rates of the ECB and the Swiss customs office and store what is new.

    One source that fails does not keep the other's rates back; the run then fails in the end. A dry run reads
    the sources, and tells which rates are new.
    """
    only = None if source == "both" else RateSource(source)
    origins: list[RateSource | str]
    origins = [file] if file is not None else ([only] if only else list(RateSource))
    failures: list[TagwerkError] = []
    done = 0
    for origin in origins:
        try:
            if isinstance(origin, RateSource):
                publication = await feed.fetch(origin, since)
            else:
                publication = await feed.read_file(origin, only)
        except TagwerkError as error:
            failures.append(error)
            log.error("no rates from here", origin=origin, code=error.failure.code, cause=error.failure.cause)
            continue
        rates, wrong = wanted(publication, since, currencies)
        _tell_what_is_missing(publication, since, currencies, log)
        yield [entry.record() for entry in wrong if context.wants(entry.key)]
        for batch in batches([rate for rate in rates if context.wants(rate.key)]):
            yield await store.store_many(batch)
            done += len(batch)
            await progress(done)
    if failures:
        raise foremost(failures)


def _tell_what_is_missing(
    publication: Publication, since: date | None, currencies: list[str], log: RunLog
) -> None:
    first = publication.first_day
    if since is not None and first is not None and first > since:
        log.warning("the publication begins later than asked", source=publication.source, first_day=first)
    published = {entry.currency for entry in publication.entries}
    if missing := sorted(set(currencies) - published):
        log.warning("not published here", source=publication.source, currencies=", ".join(missing))
