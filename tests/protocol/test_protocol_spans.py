"""What the trace shows of a model call that went wrong and was tried again."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from agents import RunConfig, Runner, Span, Trace, TracingProcessor, set_trace_processors
from agents.agent import Agent

from tests.protocol.desk import Desk, settings_for
from tests.servers.model_script import Failure, Hang, Reply
from tests.servers.model_server import ModelServer
from triage.llm.registry import ModelRegistry

pytestmark = pytest.mark.protocol

MODEL_SPANS = {"response", "generation"}


class SpanRecord(TracingProcessor):
    """Keeps spans as they start and end."""

    def __init__(self) -> None:
        self.started: list[Span[Any]] = []
        self.ended: list[Span[Any]] = []

    def on_trace_start(self, trace: Trace) -> None: ...

    def on_trace_end(self, trace: Trace) -> None: ...

    def on_span_start(self, span: Span[Any]) -> None:
        self.started.append(span)

    def on_span_end(self, span: Span[Any]) -> None:
        self.ended.append(span)

    def shutdown(self) -> None: ...

    def force_flush(self) -> None: ...


@pytest.fixture
def spans() -> Iterator[SpanRecord]:
    record = SpanRecord()
    set_trace_processors([record])
    yield record
    set_trace_processors([])


@pytest.mark.parametrize("overrides", [{"model_timeout_s": 0.2}])
@pytest.mark.parametrize(
    "fault", [Failure(500), Reply(text="Lost", fault="cut", fault_at=0), Hang()], ids=["500", "cut", "hang"]
)
async def test_each_try_is_a_span_below_the_same_parent_and_the_failed_one_says_so(
    desk: Desk, spans: SpanRecord, fault: Any
) -> None:
    desk.server.enqueue(fault, Reply(text="Good."))
    agent = Agent(name="A", model=desk.registry.for_role("triage"))
    result = Runner.run_streamed(agent, "Hello", run_config=RunConfig(tracing={"api_key": "unused"}))
    async for _ in result.stream_events():
        pass
    tries = [span for span in spans.ended if span.span_data.type in MODEL_SPANS]
    assert [span.error is not None for span in tries] == [True, False]
    assert tries[0].parent_id == tries[1].parent_id
    parents = {span.span_id: span.span_data.type for span in spans.started}
    assert parents[str(tries[0].parent_id)] in {"turn", "agent"}
    assert len(spans.started) == len(spans.ended)
    usage = tries[1].span_data.usage
    assert (usage["input_tokens"], usage["output_tokens"]) == (100, 10)


async def errors_of(registry: ModelRegistry, spans: SpanRecord) -> list[str]:
    """Ask the first model of a chain, and return the errors of the spans of model calls."""
    agent = Agent(name="A", model=registry.for_role("triage"))
    await Runner.run(agent, "Hello", run_config=RunConfig(tracing={"api_key": "unused"}))
    await registry.close()
    return [str(span.error) for span in spans.ended if span.span_data.type in MODEL_SPANS and span.error]


async def test_the_span_says_why_there_is_no_connection_and_no_more(protocol: str, spans: SpanRecord) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = f"127.0.0.1:{gone.getsockname()[1]}"
    with ModelServer() as server:
        plain = server.base_url.removeprefix("http://").removesuffix("/v1")
        addresses = {
            f"http://desk:pass-word@{nobody}/v1": "connection failed (refused)",
            "http://desk:pass-word@nowhere.invalid/v1": "connection failed (host name not found)",
            f"https://{plain}/v1": "connection failed (no secure connection)",
        }
        for address, reason in addresses.items():
            settings = settings_for(server, protocol, openai_base_url=address, model_retries=0)
            [error] = await errors_of(ModelRegistry(settings), spans)
            assert reason in error
            assert not any(secret in error for secret in ("desk", "pass-word", "127.0.0.1", "nowhere", "test-key"))
            spans.ended.clear()


@pytest.mark.parametrize("overrides", [{"model_timeout_s": 0.2, "model_retries": 0}])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Hang(), "no answer in time"),
        (Reply(text="One two", fault="hang", fault_at=1), "no answer in time"),
        (Reply(text="One two", fault="cut", fault_at=1), "connection failed"),
    ],
    ids=["silent", "silent in the middle", "cut in the middle"],
)
async def test_the_span_of_a_lost_stream_says_what_the_event_says(
    desk: Desk, spans: SpanRecord, fault: Any, reason: str
) -> None:
    desk.server.enqueue(fault)
    [error] = await errors_of(desk.registry, spans)
    assert reason in error
