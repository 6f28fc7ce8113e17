"""What the integrations service offers."""

from typing import Final

from services.integrations.jobs.create_payment_file import create_payment_file
from services.integrations.jobs.erp_export import erp_export
from services.integrations.jobs.erp_import import erp_import
from services.integrations.jobs.import_bank_statements import import_bank_statements
from services.integrations.jobs.import_daily_rates import import_daily_rates
from services.integrations.jobs.import_mail import import_mail
from services.integrations.jobs.mqtt_agent_action import mqtt_agent_action
from services.integrations.jobs.nightly_synchronization import nightly_synchronization
from services.integrations.jobs.update_payment_status import update_payment_status
from shared import subjects
from shared.declaration import BusUse, Declaration, Durable

DECLARATION: Final = Declaration(
    name="integrations",
    jobs=(
        import_daily_rates,
        import_bank_statements,
        create_payment_file,
        update_payment_status,
        import_mail,
        erp_export,
        erp_import,
        nightly_synchronization,
        mqtt_agent_action,
    ),
    listens=(
        "event.document.uploaded",
        "event.invoice.approved",
        "event.invoice.corrected",
        "event.invoice.rejected",
    ),
    durables=(Durable(subjects.INGRESS, subjects.AGENTS_DURABLE, subjects.AGENTS_FILTER),),
    bus=BusUse(
        tells=(
            "event.agent.away",
            "event.agent.back",
            "event.document.uploaded",
            "event.invoice.paid",
            "event.payment.status_changed",
            "event.payment.withheld",
            "event.rates.imported",
        ),
        publishes=(subjects.to_agent("*", "*"),),
    ),
)
