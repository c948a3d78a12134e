from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from agents import ModelSettings, ModelTracing, set_trace_processors, set_tracing_disabled, trace
from agents.tracing import GenerationSpanData, Span, Trace, TracingProcessor

from triage.llm.offline import OfflineModel


class Recorder(TracingProcessor):
    def __init__(self) -> None:
        self.spans: list[Span[Any]] = []

    def on_trace_start(self, trace: Trace) -> None: ...

    def on_trace_end(self, trace: Trace) -> None: ...

    def on_span_start(self, span: Span[Any]) -> None: ...

    def on_span_end(self, span: Span[Any]) -> None:
        self.spans.append(span)

    def shutdown(self) -> None: ...

    def force_flush(self) -> None: ...


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recording = Recorder()
    set_tracing_disabled(False)
    set_trace_processors([recording])
    yield recording
    set_trace_processors([])


async def _ask(tracing: ModelTracing) -> None:
    await OfflineModel().get_response("Write.", "My invoices are missing", ModelSettings(), [], None, [], tracing)


async def test_a_call_leaves_a_generation_span_with_its_words(recorder: Recorder) -> None:
    with trace("test"):
        await _ask(ModelTracing.ENABLED)
    data = recorder.spans[0].span_data
    assert isinstance(data, GenerationSpanData)
    assert data.model == "offline-rules"
    assert data.usage is not None
    assert data.usage["input_tokens"] > 0
    assert "invoices" in str(data.input)
    assert "Hello" in str(data.output)


async def test_without_data_the_span_keeps_no_words(recorder: Recorder) -> None:
    with trace("test"):
        await _ask(ModelTracing.ENABLED_WITHOUT_DATA)
    data = recorder.spans[0].span_data
    assert (data.input, data.output) == (None, None)
    assert data.usage["output_tokens"] > 0


async def test_disabled_tracing_leaves_nothing(recorder: Recorder) -> None:
    with trace("test"):
        await _ask(ModelTracing.DISABLED)
    assert recorder.spans == []
