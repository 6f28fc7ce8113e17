"""The catalogue: what gateway and scheduler know of jobs without importing a service."""

import structlog

from shared import subjects
from shared.buckets import Bucket
from shared.bus import Bus
from shared.declaration import Declaration
from shared.jobs import CatalogueEntry

log = structlog.get_logger(__name__)


def catalogue(bus: Bus) -> Bucket[CatalogueEntry]:
    return Bucket(bus, subjects.CATALOGUE, CatalogueEntry)


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


async def publish_catalogue(bus: Bus, declaration: Declaration, software_version: str) -> None:
    """Write the service's jobs, over lower or equal versions only; retire those that it no longer offers."""
    bucket = catalogue(bus)
    known = await bucket.all()
    offered = {job.id: CatalogueEntry.of(job, software_version) for job in declaration.jobs}
    for id, entry in known.items():
        if entry.service == declaration.name and id not in offered and not entry.retired:
            offered[id] = entry.model_copy(update={"retired": True})
    for id, entry in offered.items():
        before = known.get(id)
        if before is not None and _order(before.software_version) > _order(software_version):
            log.warning("the catalogue holds a newer version", job=id, newer=before.software_version)
        elif before != entry:
            await bucket.put(id, entry)
