"""Makes traces and spans; inside a run a span's id is the same each time the run is replayed.

A run that was killed starts its segment again and takes the same steps, so its spans come a second time. With an id
that depends on the place of the span only, the trace store sees that it has them already. Model calls are the
exception: a finished one is never made again, so a second span is a second real call and gets an id of its own.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from agents.tracing import Span, SpanData, Trace
from agents.tracing.provider import DefaultTraceProvider
from agents.tracing.spans import TSpanData

from triage.scope import RunScope, current_scope
from triage.tracing.rows import MODEL_CALL_TYPES, name_of


class RunTraceProvider(DefaultTraceProvider):
    """The SDK's provider with stable span ids inside a ``RunScope``; it uploads nothing by itself."""

    def create_span(
        self,
        span_data: TSpanData,
        span_id: str | None = None,
        parent: Trace | Span[Any] | None = None,
        disabled: bool = False,  # noqa: FBT001, FBT002 - the signature is the SDK's
    ) -> Span[TSpanData]:
        """Create a span; without ``span_id`` it gets a stable one where the segment can be replayed."""
        if span_id is None and not disabled and span_data.type not in MODEL_CALL_TYPES:
            scope = current_scope()
            if scope is not None:
                span_id = self._stable_id(span_data, scope=scope, parent=parent)
        return super().create_span(span_data, span_id=span_id, parent=parent, disabled=disabled)

    def _stable_id(self, span_data: SpanData, *, scope: RunScope, parent: Trace | Span[Any] | None) -> str | None:
        """Return the id by place, or None outside of a trace."""
        above = parent or self.get_current_span() or self.get_current_trace()
        if above is None:
            return None
        trace_id = above.trace_id
        parent_id = above.span_id if isinstance(above, Span) else trace_id
        place = (parent_id, span_data.type, name_of(span_data))
        ordinal = scope.ordinals.get(place, 0)
        scope.ordinals[place] = ordinal + 1
        return stable_span_id(trace_id, segment=scope.segment, place=place, ordinal=ordinal)


def stable_span_id(trace_id: str, *, segment: int, place: tuple[str, str, str], ordinal: int) -> str:
    """Return the id of the span number ``ordinal`` of a ``place`` (parent id, type, name) in a segment."""
    parts = "\x1f".join((trace_id, str(segment), *place, str(ordinal)))
    return f"span_{blake2b(parts.encode('utf-8', 'replace'), digest_size=12).hexdigest()}"
