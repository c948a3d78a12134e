"""Observing the team: spans of the SDK become rows of the trace store, here on this machine and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agents.tracing import TracingProcessor, set_trace_provider

from triage.tracing.provider import RunTraceProvider

if TYPE_CHECKING:
    from triage.tracing.processor import ContentMode

INBOX = "inbox"
"""Folder in a console's data folder into which other programs write."""


def install(*processors: TracingProcessor) -> RunTraceProvider:
    """Let the SDK tell its spans to these processors only, and return the provider that does so.

    This takes the place of the SDK's own provider before it exists, so its upload thread never starts. Tracing is on
    even where ``OPENAI_AGENTS_DISABLE_TRACING`` is set: that variable is about the upload.
    """
    provider = RunTraceProvider()
    provider.set_processors(list(processors))
    provider.set_disabled(False)
    set_trace_provider(provider)
    return provider


def console_inbox(data_dir: str | Path, *, content: ContentMode = "full") -> TracingProcessor:
    """Return a processor for another program of the Agents SDK, whose spans go to the console of ``data_dir``.

    Each finished span is one write to a file; the console need not run. ``content`` says how much of messages and tool
    calls is written; the console keeps of that what its own setting allows.
    """
    from triage.tracing.processor import SpoolingProcessor  # noqa: PLC0415 - the console itself does not need this

    return SpoolingProcessor(Path(data_dir) / INBOX, sink=None, content=content)
