"""Logs as JSON lines with ids of runs and conversations, never with what people or models wrote."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer


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
    for name in ("httpx", "httpx2", "httpcore2", "openai", "openai.agents", "dbos", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
