"""The published contract: AsyncAPI, made from the events, commands and subjects of the code.

FastStream writes the document; the broker here is never connected. It is kept in `docs/asyncapi.json`, and
`make check` fails when that is not what the code says (`deploy/generated.py`).
"""

from typing import Annotated

import orjson
from faststream.nats import NatsBroker
from faststream.specification import AsyncAPI
from pydantic import BaseModel, Field

from shared import events, subjects
from shared.audit import AuditEntry
from shared.commands import (
    AgentsPage,
    AgentsQuery,
    AlertRow,
    AlertsPage,
    AlertsQuery,
    AnswerQuestion,
    ApprovalDetail,
    ApprovalQuery,
    ApprovalsPage,
    ApprovalsQuery,
    ApproveInvoice,
    AskBack,
    AuditEntriesPage,
    AuditEntriesQuery,
    AuditExport,
    AuditExportQuery,
    AuditState,
    AuditStateQuery,
    Backfill,
    Backfilled,
    BankStatementsPage,
    BankStatementsQuery,
    BankTransactionsPage,
    BankTransactionsQuery,
    BridgeQuery,
    BridgeState,
    CallsPage,
    CallsQuery,
    ChangesQuery,
    ChoicesPage,
    ChoicesQuery,
    CloseAlert,
    CorrectInvoice,
    Decide,
    DocumentDetail,
    DocumentQuery,
    DocumentsFound,
    DocumentsQuery,
    Durations,
    DurationsQuery,
    EndSilence,
    ErpEntriesPage,
    ErpEntriesQuery,
    EventsPage,
    EventsQuery,
    LastRuns,
    LastRunsQuery,
    LogsPage,
    LogsQuery,
    OccurrencesPage,
    OccurrencesQuery,
    Overview,
    OverviewQuery,
    PageImage,
    PageImageQuery,
    PauseChanged,
    PauseSchedules,
    PayablesPage,
    PayablesQuery,
    PaymentFileDetail,
    PaymentFileQuery,
    PaymentFilesPage,
    PaymentFilesQuery,
    People,
    PeopleQuery,
    Preview,
    PreviewQuery,
    ProbeAnswer,
    ProbeQuery,
    Published,
    RatesPage,
    RatesQuery,
    Rebuild,
    RebuildReport,
    RecordsPage,
    RecordsQuery,
    RejectInvoice,
    RemindersOfInvoice,
    RemindersQuery,
    Repeats,
    RepeatsQuery,
    ReportQuery,
    ReportRow,
    ReportsPage,
    ReportsQuery,
    RunDetail,
    RunQuery,
    RunsPage,
    RunsQuery,
    RunTree,
    ScheduleChanged,
    SchedulesPage,
    SchedulesQuery,
    SearchHits,
    SearchQuery,
    SeeMissed,
    SetSchedule,
    SetSilence,
    SilenceRow,
    SilencesPage,
    SilencesQuery,
    StepTaken,
    SystemCalls,
    SystemCallsQuery,
    Trace,
    TraceQuery,
    TracesPage,
    TracesQuery,
    TreeQuery,
    Watched,
    WatchQuery,
    WithdrawApproval,
    Withheld,
    WithholdPayment,
)
from shared.dead_letters import DeadLetter

#: Subject of a request -> what it asks, what is answered, and in which words.
REQUESTS: dict[str, tuple[type[BaseModel], type[BaseModel]]] = {
    subjects.query("gateway", "people"): (PeopleQuery, People),
    subjects.query("status", "runs"): (RunsQuery, RunsPage),
    subjects.query("status", "run"): (RunQuery, RunDetail),
    subjects.query("status", "records"): (RecordsQuery, RecordsPage),
    subjects.query("status", "calls"): (CallsQuery, CallsPage),
    subjects.query("status", "changes"): (ChangesQuery, RecordsPage),
    subjects.query("status", "logs"): (LogsQuery, LogsPage),
    subjects.query("status", "events"): (EventsQuery, EventsPage),
    subjects.query("status", "overview"): (OverviewQuery, Overview),
    subjects.query("status", "last-runs"): (LastRunsQuery, LastRuns),
    subjects.query("status", "durations"): (DurationsQuery, Durations),
    subjects.query("status", "tree"): (TreeQuery, RunTree),
    subjects.query("status", "trace"): (TraceQuery, Trace),
    subjects.query("status", "traces"): (TracesQuery, TracesPage),
    subjects.query("status", "search"): (SearchQuery, SearchHits),
    subjects.query("documents", "document"): (DocumentQuery, DocumentDetail),
    subjects.query("documents", "documents"): (DocumentsQuery, DocumentsFound),
    subjects.query("documents", "page-image"): (PageImageQuery, PageImage),
    subjects.query("documents", "search"): (SearchQuery, SearchHits),
    subjects.query("documents", "approvals"): (ApprovalsQuery, ApprovalsPage),
    subjects.query("documents", "approval"): (ApprovalQuery, ApprovalDetail),
    subjects.APPROVE: (ApproveInvoice, StepTaken),
    subjects.REJECT: (RejectInvoice, StepTaken),
    subjects.ASK: (AskBack, StepTaken),
    subjects.ANSWER: (AnswerQuestion, StepTaken),
    subjects.CORRECT: (CorrectInvoice, StepTaken),
    subjects.WITHDRAW: (WithdrawApproval, StepTaken),
    subjects.WITHHOLD: (WithholdPayment, Withheld),
    subjects.query("integrations", "erp-entries"): (ErpEntriesQuery, ErpEntriesPage),
    subjects.query("integrations", "rates"): (RatesQuery, RatesPage),
    subjects.query("integrations", "bank-transactions"): (BankTransactionsQuery, BankTransactionsPage),
    subjects.query("integrations", "bank-statements"): (BankStatementsQuery, BankStatementsPage),
    subjects.query("integrations", "payables"): (PayablesQuery, PayablesPage),
    subjects.query("integrations", "payment-files"): (PaymentFilesQuery, PaymentFilesPage),
    subjects.query("integrations", "payment-file"): (PaymentFileQuery, PaymentFileDetail),
    subjects.query("integrations", "agents"): (AgentsQuery, AgentsPage),
    subjects.query("scheduler", "schedules"): (SchedulesQuery, SchedulesPage),
    subjects.query("scheduler", "occurrences"): (OccurrencesQuery, OccurrencesPage),
    subjects.query("scheduler", "preview"): (PreviewQuery, Preview),
    subjects.query("scheduler", "watch"): (WatchQuery, Watched),
    subjects.SET_SCHEDULE: (SetSchedule, ScheduleChanged),
    subjects.PAUSE_SCHEDULES: (PauseSchedules, PauseChanged),
    subjects.SEE_MISSED: (SeeMissed, ScheduleChanged),
    subjects.BACKFILL: (Backfill, Backfilled),
    subjects.query("status", "repeats"): (RepeatsQuery, Repeats),
    subjects.query("status", "system-calls"): (SystemCallsQuery, SystemCalls),
    subjects.query("reporting", "reports"): (ReportsQuery, ReportsPage),
    subjects.query("reporting", "reminders"): (RemindersQuery, RemindersOfInvoice),
    subjects.query("reporting", "report"): (ReportQuery, ReportRow),
    subjects.query("reporting", "alerts"): (AlertsQuery, AlertsPage),
    subjects.query("reporting", "silences"): (SilencesQuery, SilencesPage),
    subjects.SET_SILENCE: (SetSilence, SilenceRow),
    subjects.END_SILENCE: (EndSilence, SilenceRow),
    subjects.CLOSE_ALERT: (CloseAlert, AlertRow),
    subjects.query("audit", "entries"): (AuditEntriesQuery, AuditEntriesPage),
    subjects.query("audit", "state"): (AuditStateQuery, AuditState),
    subjects.query("audit", "export"): (AuditExportQuery, AuditExport),
    subjects.query("mqtt_bridge", "state"): (BridgeQuery, BridgeState),
    subjects.probe("{service}"): (ProbeQuery, ProbeAnswer),
    subjects.choices("{service}"): (ChoicesQuery, ChoicesPage),
    subjects.REBUILD: (Rebuild, RebuildReport),
    subjects.decide("{service}"): (Decide, Published),
}

RunEventOnEv = Annotated[
    events.Started
    | events.Progressed
    | events.Recorded
    | events.Called
    | events.Logged
    | events.AttemptFailed
    | events.Decided
    | events.Finished,
    Field(discriminator="type"),
]

RUN = "run.{service}.{job}.{run_id}"


def asyncapi() -> str:
    """The document as JSON, indented, the same for the same code."""
    broker = NatsBroker(description="NATS with JetStream; the streams are named in the operations.")
    published: list[tuple[str, object, str]] = [
        (f"{RUN}.{{lane}}.requested", events.Requested, "RUNS: a run is asked for; event and work item"),
        (f"{RUN}.{{lane}}.due", events.Due, "RUNS: the wait for the next attempt is over"),
        (
            f"{RUN}.attempt_failed.{{lane}}",
            events.AttemptFailed,
            "RUNS: a retry is parked with the scheduler",
        ),
        (f"{RUN}.cancel_requested", events.CancelRequested, "RUNS: somebody asks to stop a run"),
        (f"{RUN}.ev", RunEventOnEv, "RUNS: everything else that a run tells"),
        (
            "occurrence.{schedule}.{nominal}",
            events.Occurrence,
            "OCCURRENCES: what was decided about one occurrence",
        ),
        ("audit.{action}", AuditEntry, "AUDIT: who did what"),
        ("dead.{durable}", DeadLetter, "DEAD: what could not be handled, with the reason"),
    ]
    published += [
        (kind, model, f"EVENTS: {(model.__doc__ or '').strip().splitlines()[0]}")
        for kind, model in sorted(events.BUSINESS_EVENTS.items())
    ]
    for subject, schema, description in published:
        broker.publisher(subject, schema=schema, title=subject, description=description)
    for subject, (question, answer) in REQUESTS.items():
        words = subjects.QUERIES.get(subject, (question.__doc__ or "").strip().splitlines()[0])
        broker.publisher(subject, schema=question, title=f"{subject} request", description=words)
        broker.publisher(
            f"{subject}.reply", schema=answer, title=f"{subject} reply", description="`data` of the Reply"
        )
    document = AsyncAPI(broker, title="Tagwerk", version="1", schema_version="3.0.0")
    raw = orjson.loads(document.to_specification().to_json())
    return orjson.dumps(raw, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"
