"""Span ids inside a run: the same on each replay, different for everything that is different."""

from __future__ import annotations

from typing import Any

import pytest
from agents import Agent, RunConfig, Runner, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call
from agents.tracing import agent_span, custom_span, function_span, generation_span, trace
from agents.tracing.processors import default_processor
from agents.tracing.setup import get_trace_provider

from triage.scope import _SCOPE, RunScope
from triage.tracing import install

TRACE_ID = "trace_" + "b" * 32


@function_tool
def look_up(word: str) -> str:
    """Look up."""
    return word


async def _run_segment() -> None:
    model = ScriptedModel(
        [
            [
                function_call("look_up", {"word": "a"}, call_id="c1"),
                function_call("look_up", {"word": "b"}, call_id="c2"),
            ],
            [assistant_message("done")],
        ],
        emit_traces=True,
    )
    agent = Agent(name="Triage agent", model=model, tools=[look_up])
    await Runner.run(agent, "hi", run_config=RunConfig(trace_id=TRACE_ID, group_id="conv_1"))


async def test_a_replay_gives_the_same_ids_but_new_ones_to_model_calls(recorder: Any) -> None:
    seen = []
    for _ in range(2):
        recorder.spans.clear()
        _SCOPE.set(RunScope(run_id="run_1"))
        await _run_segment()
        seen.append([(span.span_data.type, span.span_id) for span in recorder.spans])

    first, second = seen
    assert [kind for kind, _ in first] == [kind for kind, _ in second]
    same = {kind for (kind, one), (_, other) in zip(first, second, strict=True) if one == other}
    assert same == {"task", "agent", "turn", "function"}
    different = {kind for (kind, one), (_, other) in zip(first, second, strict=True) if one != other}
    assert different == {"generation"}
    assert len({span_id for _, span_id in first}) == len(first)


@pytest.mark.parametrize(
    "change",
    [
        {"segment": 1},
        {"trace_id": "trace_" + "c" * 32},
        {"parent": "Billing specialist"},
        {"name": "get_account_status"},
        {"ordinal": 1},
    ],
)
def test_what_differs_in_place_differs_in_id(recorder: Any, change: dict[str, Any]) -> None:
    def span_id(
        segment: int = 0, trace_id: str = TRACE_ID, parent: str = "Triage agent", name: str = "find", ordinal: int = 0
    ) -> str:
        _SCOPE.set(RunScope(run_id="run_1", segment=segment))
        with trace("t", trace_id=trace_id), agent_span(parent):
            for _ in range(ordinal):
                function_span(name)
            return function_span(name).span_id

    assert span_id() == span_id()
    assert span_id() != span_id(**change)


def test_ids_outside_of_a_run_are_random(recorder: Any) -> None:
    _SCOPE.set(None)
    with trace("t", trace_id=TRACE_ID):
        assert custom_span("x").span_id != custom_span("x").span_id


def test_a_span_without_a_trace_uses_up_no_ordinal(recorder: Any) -> None:
    scope = RunScope(run_id="run_1")
    _SCOPE.set(scope)

    assert custom_span("x").span_id == "no-op"
    assert scope.ordinals == {}


def test_an_id_that_is_given_stays(recorder: Any) -> None:
    _SCOPE.set(RunScope(run_id="run_1"))
    with trace("t", trace_id=TRACE_ID):
        assert function_span("x", span_id="span_mine").span_id == "span_mine"


def test_install_leaves_no_upload(recorder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_AGENTS_DISABLE_TRACING", "1")
    provider = install(recorder)

    assert get_trace_provider() is provider
    assert provider._multi_processor._processors == (recorder,)
    with trace("t"), generation_span():
        pass
    assert len(recorder.spans) == 1
    assert default_processor()._worker_thread is None
