"""Logs as JSON lines with ids of runs and conversations, never with what people or models wrote."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from pathlib import PurePath

import structlog
from structlog.tracebacks import ExceptionDictTransformer

SDK = "openai.agents"


class SdkLines(logging.Handler):
    """Writes what the agents SDK logs as lines of ours: where, and which error, but not its sentence.

    Some of its sentences quote what models and tools have said, others do by a setting. That a model did not answer is
    left out, because the chain of models says so itself, and why.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        place = PurePath(record.pathname)
        if place.parent.name == "models" or record.funcName == "model_span_errors":
            return
        said = {"place": f"{place.parent.name}/{place.name}:{record.lineno}", "function": record.funcName}
        if record.exc_info and record.exc_info[0]:
            said["error"] = record.exc_info[0].__name__
        # At the end of a process standard error may be closed; a line less must not be an error of the SDK's.
        with suppress(ValueError, OSError):
            structlog.get_logger(__name__).error("sdk_error", **said)


def configure_logs(*, level: int = logging.INFO) -> None:
    """Write the product's log lines to standard error and keep the libraries' chatter down."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without local variables: they hold what people and models wrote.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    for name in ("httpx", "httpx2", "httpcore2", "openai", SDK, "dbos", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    sdk = logging.getLogger(SDK)
    sdk.handlers = [SdkLines()]
    # Else Python writes the sentences as they are to standard error.
    sdk.propagate = False
