"""What the integrations service offers."""

from typing import Final

from services.integrations.jobs.import_daily_rates import import_daily_rates
from shared.declaration import Declaration

DECLARATION: Final = Declaration(
    name="integrations", jobs=(import_daily_rates,), listens=("event.invoice.approved",)
)
