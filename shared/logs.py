"""Logs: structured, readable on a console, JSON for machines. Configured once, by the composition root."""

import logging
import sys

import structlog
import structlog.tracebacks

from shared.telemetry.context import trace_id_at_hand


def configure_logs(service: str, *, format: str, level: str) -> None:
    """`format` is `console` or `json`. Every line names its service."""
    threshold = logging.getLevelName(level.upper())
    if not isinstance(threshold, int):
        raise ValueError(f"unknown log level {level!r}; use debug, info, warning or error")
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=0,
            # Plain: a traceback with local variables would show parameters and credentials.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _name_trace,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if format == "json":
        # Without local variables, for the same reason.
        tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        processors.append(structlog.processors.ExceptionRenderer(tracebacks))
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(
        stream=sys.stderr, level=max(threshold, logging.WARNING), format="%(name)s: %(message)s"
    )


def _name_trace(_: object, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The trace of what is being done, by which its spans are found."""
    trace_id = trace_id_at_hand()
    if trace_id is not None:
        line.setdefault("trace_id", trace_id)
    return line
