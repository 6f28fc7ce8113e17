"""What the checks of a preflight are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.gateway.problems import WrongField
from shared.access import Principal
from shared.commands import Breaker, Probed, Repeats
from shared.errors import Failure
from shared.jobs import CatalogueEntry


class Instance(BaseModel):
    """One process of a service, as it tells of itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    service: str
    #: `<host>:<pid>`.
    instance: str
    ready: bool
    #: Why it cannot do its work, although it runs.
    trouble: Failure | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody is about to start."""

    entry: CatalogueEntry
    asking: Principal
    #: None if it is not clear for whom, or if they may not act for whom they name.
    client: str | None
    parameters: dict[str, Any]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was found out about it. None where it could not be, or was not worth asking."""

    wanted: Wanted
    now: datetime
    #: Why the client cannot be meant.
    client_refused: Failure | None
    #: Whether the asker may start the job for the client.
    role_missing: bool
    wrong: Sequence[WrongField]
    #: As whom the run works, if that is a service user whom the gateway knows.
    service_user: Principal | None
    instances: Sequence[Instance] = ()
    repeats: Repeats | None = None
    #: Why the earlier runs are not known.
    repeats_unknown: Failure | None = None
    #: By the name of the system or location.
    probed: dict[str, Probed] | None = None
    probes_unknown: Failure | None = None
    #: Of the systems, at every address that was called.
    breakers: Sequence[Breaker] = ()

    @property
    def permitted(self) -> bool:
        return self.client_refused is None and not self.role_missing
