"""Puts the export together, where the settings name a collector."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from triage.domain import Run
from triage.settings import Settings
from triage.tracing.ingest import TraceSink
from triage.tracing.spool import list_segments

log = structlog.get_logger(__name__)

if TYPE_CHECKING:
    from triage.tracing.otlp.exporter import OtlpExporter
    from triage.tracing.otlp.outbox import Known


def open_export(
    settings: Settings, *, sink: TraceSink, known: Known, find_run: Callable[[str], Run | None]
) -> tuple[OtlpExporter | None, TraceSink]:
    """Return the export, at work, and where finished spans have to go for it; without a collector the store alone."""
    if settings.otlp_url is None:
        _remove_waiting(settings)
        return None, sink
    # The packages of the protocol take a moment to import, and most consoles have no collector.
    from triage.tracing.otlp.exporter import OtlpExporter  # noqa: PLC0415
    from triage.tracing.otlp.outbox import Outbox, OutboxSink  # noqa: PLC0415
    from triage.tracing.otlp.sending import Collector  # noqa: PLC0415

    outbox = Outbox(settings.otlp_dir)
    exporter = OtlpExporter(
        outbox,
        sender=Collector(settings.otlp_url, headers=settings.otlp_header_values),
        content=settings.trace_content,
        find_run=find_run,
    )
    exporter.start()
    return exporter, OutboxSink(sink, outbox=outbox, known=known)


def _remove_waiting(settings: Settings) -> None:
    """Remove what an earlier collector has not got: what customers wrote must not lie about for nobody."""
    waiting = list_segments(settings.otlp_dir)
    for segment in waiting:
        segment.unlink()
    if waiting:
        log.warning("otlp_outbox_removed", files=len(waiting))
