"""What an ERP holds of suppliers, cost centers and open items, as it was read last."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from shared.commands.common import PagedQuery
from shared.words import ErpList


class ErpEntriesQuery(PagedQuery):
    """`query.integrations.erp-entries` -> `ErpEntriesPage`, by list and id."""

    client: str | None = None
    list: ErpList | None = None
    #: Only what is gone from the ERP, or only what is not.
    gone: bool | None = None


class ErpEntryRow(BaseModel):
    client: str
    list: ErpList
    #: How the ERP knows it.
    id: str
    #: What people call it.
    label: str
    #: Field -> value, as docs/erp-rest.md names them; the last known of what is gone.
    values: dict[str, Any]
    gone: bool
    changed_at: datetime
    #: The run that changed it last.
    run_id: UUID


class ErpEntriesPage(BaseModel):
    items: list[ErpEntryRow]
    next_cursor: str | None = None
