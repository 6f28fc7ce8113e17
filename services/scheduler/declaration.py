from shared import subjects
from shared.declaration import Declaration, Durable

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
)
