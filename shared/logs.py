"""Logs: one line an event, structured, readable on a console, JSON for machines. Configured once, by the
composition root; what libraries log goes the same way."""

import logging
import sys
from collections.abc import Sequence

import structlog
import structlog.tracebacks
from structlog.typing import EventDict, Processor

from shared.redaction import redact
from shared.telemetry.context import trace_id_at_hand


def configure_logs(service: str, *, format: str, level: str, version: str | None = None) -> None:
    """`format` is `console` or `json`. Every line names its service; of machines, its version too."""
    threshold = logging.getLevelName(level.upper())
    if not isinstance(threshold, int):
        raise ValueError(f"unknown log level {level!r}; use debug, info, warning or error")
    as_json = format == "json"
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _name_trace,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending = [*_exceptions(as_json), redact, _renderer(as_json)]
    structlog.configure(
        processors=[*processors, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    if as_json and version is not None:
        structlog.contextvars.bind_contextvars(version=version)
    _configure_libraries(max(threshold, logging.WARNING), processors, ending)


def _exceptions(as_json: bool) -> list[Processor]:
    """Tracebacks as text before they are redacted; without local variables, which hold parameters and
    credentials."""
    if as_json:
        shown = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [structlog.processors.ExceptionRenderer(shown)]
    return [structlog.processors.format_exc_info]


def _renderer(as_json: bool) -> Processor:
    if as_json:
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)


def _configure_libraries(
    threshold: int, processors: Sequence[Processor], ending: Sequence[Processor]
) -> None:
    """Through the standard library's logging, by the same renderer; warnings and what is worse."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*processors, _name_logger],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    for old in [
        one for one in root.handlers if isinstance(one.formatter, structlog.stdlib.ProcessorFormatter)
    ]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(threshold)


def _name_logger(_: object, __: str, line: EventDict) -> EventDict:
    """Which library speaks."""
    record: logging.LogRecord = line["_record"]
    line["logger"] = record.name
    return line


def _name_trace(_: object, __: str, line: EventDict) -> EventDict:
    """The trace of what is being done, by which its spans are found."""
    trace_id = trace_id_at_hand()
    if trace_id is not None:
        line.setdefault("trace_id", trace_id)
    return line
