"""What the integrations service offers."""

from typing import Final

from services.integrations.jobs.create_payment_file import create_payment_file
from services.integrations.jobs.import_daily_rates import import_daily_rates
from shared.declaration import Declaration

DECLARATION: Final = Declaration(
    name="integrations",
    jobs=(import_daily_rates, create_payment_file),
    listens=("event.approval.requested", "event.invoice.approved", "event.invoice.rejected"),
)
