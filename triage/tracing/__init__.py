"""Observing the team: spans of the SDK become rows of the trace store, here on this machine and nowhere else."""

from __future__ import annotations

from agents.tracing import TracingProcessor, set_trace_provider

from triage.tracing.provider import RunTraceProvider


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
