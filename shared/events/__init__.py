"""The events of a run and the facts of the business, as they lie in the streams.

Every event carries a stable type string, a version, its own id, and the time at which it happened (UTC).
Readers ignore fields that they do not know and keep going on types that they do not know; what cannot be
decoded at all raises `Undecodable`. One golden JSON per version lies in `tests/contracts/`.
"""

from shared.events.base import BusinessEventBase
from shared.events.business import (
    ApprovalRequested,
    ApprovalWithdrawn,
    BusinessEvent,
    DailyRate,
    DocumentConverted,
    DocumentTextRecognized,
    DocumentUploaded,
    Exact,
    InvoiceAnalysed,
    InvoiceApproved,
    InvoiceCorrected,
    InvoicePaid,
    InvoiceQuestioned,
    InvoiceRejected,
    MessageReceived,
    PaymentStatusChanged,
    PaymentWithheld,
    RatesImported,
)
from shared.events.decoding import (
    BUSINESS_EVENTS,
    Undecodable,
    UnknownEvent,
    decode_business_event,
    decode_run_event,
)
from shared.events.message import Message, now
from shared.events.occurrence import Occurrence
from shared.events.parts import Call, Cause, DoubtfulEffect, LogLine, Record
from shared.events.run import (
    AttemptFailed,
    Called,
    CancelRequested,
    Decided,
    Due,
    Finished,
    Logged,
    Progressed,
    Recorded,
    Requested,
    RunEvent,
    RunEventBase,
    Started,
)
from shared.events.systems import SystemReachable, SystemUnreachable
from shared.events.watch import (
    QueueUnworked,
    QueueWorked,
    RunFound,
    RunLost,
    RunOverdue,
    RunOverdueEnded,
)

__all__ = [
    "BUSINESS_EVENTS",
    "ApprovalRequested",
    "ApprovalWithdrawn",
    "AttemptFailed",
    "BusinessEvent",
    "BusinessEventBase",
    "Call",
    "Called",
    "CancelRequested",
    "Cause",
    "DailyRate",
    "Decided",
    "DocumentConverted",
    "DocumentTextRecognized",
    "DocumentUploaded",
    "DoubtfulEffect",
    "Due",
    "Exact",
    "Finished",
    "InvoiceAnalysed",
    "InvoiceApproved",
    "InvoiceCorrected",
    "InvoicePaid",
    "InvoiceQuestioned",
    "InvoiceRejected",
    "LogLine",
    "Logged",
    "Message",
    "MessageReceived",
    "Occurrence",
    "PaymentStatusChanged",
    "PaymentWithheld",
    "Progressed",
    "QueueUnworked",
    "QueueWorked",
    "RatesImported",
    "Record",
    "Recorded",
    "Requested",
    "RunEvent",
    "RunEventBase",
    "RunFound",
    "RunLost",
    "RunOverdue",
    "RunOverdueEnded",
    "Started",
    "SystemReachable",
    "SystemUnreachable",
    "Undecodable",
    "UnknownEvent",
    "decode_business_event",
    "decode_run_event",
    "now",
]
