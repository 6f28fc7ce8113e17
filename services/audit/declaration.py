"""What the audit service offers. It reads RUNS and AUDIT with consumers of its own making, from its own
checkpoints, so it has no durable for them."""

from typing import Final

from services.audit.jobs.delete_expired import delete_expired
from services.audit.jobs.verify_log import verify_log
from shared import subjects
from shared.declaration import BusUse, Declaration

#: Its consumers' name.
READER: Final = "audit-recorder"

DECLARATION: Final = Declaration(
    name="audit",
    jobs=(verify_log, delete_expired),
    bus=BusUse(follows=((READER, subjects.RUNS), (READER, subjects.AUDIT))),
)
