"""Which way a list of runs takes to what it shows, so that no filter and order makes it read millions. Pure.

Runs that match are found by the index of one condition (their client, their job, ...) or by that of the
order alone. Each index of a condition also holds `requested_at`, so that it gives the newest first: for each
value of the condition as many as the page needs are read, and these merged. Each job has an index for each
order, which holds besides all that lists are filtered by, so that only runs are read that are shown. For
other conditions and orders all that the condition leaves are read and sorted. What that costs is told by the
totals, which are exact; the database's own estimates know nothing of which client has which jobs, and take
rare things to be spread evenly.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

#: What one more value costs, in rows.
PROBE = 10
#: What a row costs that is read from the table, where it lies far from the one before: to be sorted, or in
#: the order of durations.
READ = 20
#: How much of the worst case counts: nothing is spread as evenly as it is taken to be.
DOUBT = 0.02
#: How much more has to be read for what only some jobs have.
UNEVEN = 10


@dataclass(frozen=True, slots=True)
class Condition:
    """One that leaves `size` runs. Without values the index of the column holds only those that it leaves;
    without a column it is that of the time."""

    column: str | None
    values: tuple[str, ...]
    size: int


class OfJob(NamedTuple):
    runs: int
    #: Those of them that match, as far as the totals know.
    matching: int


@dataclass(frozen=True, slots=True)
class Sizes:
    everything: int
    #: Jobs of which any run matches.
    jobs: Mapping[str, OfJob]
    conditions: tuple[Condition, ...]
    #: Share that conditions leave of which the totals know nothing.
    share: float = 1.0
    #: The share of the period among them: the indexes of conditions begin and end there.
    period: float = 1.0
    #: Whether only runs are asked for that were requested before some time.
    before: bool = False

    @property
    def matching(self) -> float:
        """Runs that match, if what the totals do not know is spread evenly."""
        return max(1.0, sum(job.matching for job in self.jobs.values()) * self.share)


@dataclass(frozen=True, slots=True)
class Way:
    """Through the index of `column`, value by value; without a column through that of the order."""

    column: str | None = None
    values: tuple[str, ...] = ()
    #: Read everything that the condition leaves, and sort it.
    sort: bool = False
    #: Rows that are read.
    cost: float = field(default=0.0, compare=False)


def choose(order: str, sizes: Sizes, need: int) -> Way | None:
    """The cheapest way to the first `need` runs that match; None if none does.

    `order`: `requested_at`, `finished_at`, `duration` or `job`, in either direction.
    """
    if not sizes.jobs:
        return None
    return min(_ways(order.lstrip("-"), sizes, need), key=lambda way: way.cost)


def _ways(order: str, sizes: Sizes, need: int) -> Iterable[Way]:
    known = {condition.column for condition in sizes.conditions}
    for condition in sizes.conditions:
        column, values, size = condition.column, condition.values, condition.size
        if order != "requested_at":
            yield Way(column, values, sort=True, cost=READ * size + PROBE * len(values))
        elif column not in (None, "job"):
            yield Way(column, values, cost=_in_order(sizes, need, size * sizes.period, len(values)))
    through_all = _in_order(sizes, need, sizes.everything)
    # A principal or a trigger is that of some jobs.
    uneven = UNEVEN if sizes.share < sizes.period else 1
    by_job = Way("job", tuple(sorted(sizes.jobs)), cost=_by_job(order, sizes, need, uneven))
    match order:
        case "requested_at":
            yield by_job
            yield Way(cost=_in_order(sizes, need, sizes.everything * sizes.period))
        case "finished_at":
            # Those that ended later than the time before which they were requested can be very many.
            yield Way(cost=sizes.everything if sizes.before else through_all)
            runs = sum(job.runs for job in sizes.jobs.values())
            yield replace(by_job, cost=runs + PROBE * len(sizes.jobs)) if sizes.before else by_job
        case "duration":
            yield by_job
            if not known & {"job", "state"}:
                yield Way(cost=READ * uneven * through_all)
        case _:
            yield replace(by_job, cost=uneven * _first_jobs(sizes, need))


def _in_order(sizes: Sizes, need: int, size: float, values: int = 1) -> float:
    """Until so many match of `size` runs in the order of the list, which begin anew for each value."""
    values = max(1, values)
    if sizes.matching >= sizes.everything:
        return values * (need + PROBE)
    return min(size, values * need * size / sizes.matching) + DOUBT * size + PROBE * values


def _by_job(order: str, sizes: Sizes, need: int, uneven: int) -> float:
    period = sizes.period if order == "requested_at" else 1.0
    cost = 0.0
    for job in sizes.jobs.values():
        size = job.runs * period
        matching = max(job.matching * sizes.share, 1e-9)
        cost += PROBE + DOUBT * size + min(size, uneven * need * size / matching)
    return cost


def _first_jobs(sizes: Sizes, need: int) -> float:
    """Job after job, until there are as many as are needed."""
    cost = 0.0
    for _, job in sorted(sizes.jobs.items()):
        matching = max(job.matching * sizes.share, 1e-9)
        cost += PROBE + DOUBT * job.runs + job.runs * min(1.0, need / matching)
        need -= int(matching)
        if need <= 0:
            break
    return cost
