from shared import subjects
from shared.declaration import BusUse, Declaration, Durable

DECLARATION = Declaration(
    "scheduler",
    durables=[
        # A waiting retry keeps its place among the unacknowledged; there may be many.
        Durable(subjects.RUNS, subjects.RETRIES_DURABLE, subjects.RETRIES_FILTER, max_ack_pending=1_000_000),
        Durable(subjects.RUNS, subjects.CANCELS_DURABLE, subjects.CANCELS_FILTER),
        # One that waits for the run before keeps its place, too.
        Durable(
            subjects.OCCURRENCES, subjects.STARTS_DURABLE, subjects.STARTS_FILTER, max_ack_pending=1_000_000
        ),
    ],
    bus=BusUse(
        tells=(
            "event.run.overdue",
            "event.run.overdue_ended",
            "event.run.lost",
            "event.run.found",
            "event.queue.unworked",
            "event.queue.worked",
        ),
        asks=(subjects.query("status", "runs"), subjects.health("*")),
        starts=("*.*",),
        publishes=(
            # A retry whose time has come; the end of a run that nobody works on; a run in the next one's way.
            "run.*.*.*.*.due",
            "run.*.*.*.ev",
            "run.*.*.*.cancel_requested",
            "occurrence.>",
            f"$KV.{subjects.SCHEDULES}.>",
        ),
        reads=(subjects.RUNS, subjects.EVENTS, subjects.OCCURRENCES, f"KV_{subjects.SCHEDULES}"),
        manages=(f"CONSUMER.INFO.{subjects.RUNS}.*",),
        hears=(subjects.HEARTBEATS,),
    ),
)
