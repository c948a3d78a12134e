"""The engine as a model of the SDK: reads a call, lets the rules decide, answers like a provider."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

from agents import Handoff, Model, ModelResponse, ModelSettings, ModelTracing, Tool, Usage, generation_span
from agents.agent_output import AgentOutputSchemaBase
from agents.items import TResponseInputItem, TResponseOutputItem, TResponseStreamEvent
from agents.tracing import GenerationSpanData, Span
from openai.types.responses import (
    Response,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseTextDeltaEvent,
    ResponseUsage,
)
from openai.types.responses.response_prompt_param import ResponsePromptParam

from triage.llm.names import OFFLINE_MODEL_NAME
from triage.llm.offline.decisions import Call, Decision
from triage.llm.offline.events import stream_events
from triage.llm.offline.request import Request, read_request
from triage.llm.offline.roles import decide

_CHARACTERS_PER_TOKEN = 4


class OfflineModel(Model):
    """Answers every role of the support team by written rules; free of charge and stateless.

    ``words_per_second`` paces prose that people watch being written; None or 0 writes it at once.
    """

    def __init__(self, *, name: str = OFFLINE_MODEL_NAME, words_per_second: float | None = 120.0) -> None:
        self.model = name
        self._pause_s = 1 / words_per_second if words_per_second else 0.0

    async def get_response(  # noqa: PLR0917 - the SDK's signature
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],  # noqa: A002 - the SDK names it
        model_settings: ModelSettings,  # noqa: ARG002
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None = None,  # noqa: ARG002
        conversation_id: str | None = None,  # noqa: ARG002
        prompt: ResponsePromptParam | None = None,  # noqa: ARG002
    ) -> ModelResponse:
        """Decide and answer in one piece."""
        with generation_span(model=self.model, disabled=tracing.is_disabled()) as span:
            _, response = self._answer(_request_of(system_instructions, input, tools, output_schema, handoffs))
            _describe(span, system_instructions, input, response, tracing)
        return ModelResponse(output=response.output, usage=_sdk_usage(response), response_id=response.id)

    async def stream_response(  # noqa: PLR0917 - the SDK's signature
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],  # noqa: A002 - the SDK names it
        model_settings: ModelSettings,  # noqa: ARG002
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None = None,  # noqa: ARG002
        conversation_id: str | None = None,  # noqa: ARG002
        prompt: ResponsePromptParam | None = None,  # noqa: ARG002
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Decide and answer as the events that a provider would send, prose word by word."""
        with generation_span(model=self.model, disabled=tracing.is_disabled()) as span:
            decision, response = self._answer(_request_of(system_instructions, input, tools, output_schema, handoffs))
            is_prose = not isinstance(decision, Call) and decision.is_prose
            for event in stream_events(response, by_word=is_prose):
                if self._pause_s and is_prose and isinstance(event, ResponseTextDeltaEvent):
                    await asyncio.sleep(self._pause_s)
                yield event
            _describe(span, system_instructions, input, response, tracing)

    def _answer(self, request: Request) -> tuple[Decision, Response]:
        decision = decide(request)
        return decision, Response(
            id=f"resp_{uuid4().hex}",
            created_at=time.time(),
            model=self.model,
            object="response",
            output=[_output_item(decision)],
            parallel_tool_calls=False,
            tool_choice="auto",
            tools=[],
            status="completed",
            usage=_estimate(request, decision),
        )


def _request_of(
    instructions: str | None,
    items: str | list[TResponseInputItem],
    tools: list[Tool],
    output_schema: AgentOutputSchemaBase | None,
    handoffs: list[Handoff],
) -> Request:
    offers: dict[str, dict[str, Any]] = {tool.name: getattr(tool, "params_json_schema", {}) for tool in tools}
    offers |= {handoff.tool_name: handoff.input_json_schema for handoff in handoffs}
    is_typed = output_schema is not None and not output_schema.is_plain_text()
    fields = output_schema.json_schema().get("properties", {}) if output_schema is not None and is_typed else {}
    return read_request(instructions, items=items, offers=offers, fields=fields)


def _output_item(decision: Decision) -> TResponseOutputItem:
    if isinstance(decision, Call):
        return ResponseFunctionToolCall(
            id=f"fc_{uuid4().hex}",
            call_id=f"call_{uuid4().hex}",
            type="function_call",
            name=decision.name,
            arguments=json.dumps(dict(decision.arguments), ensure_ascii=False),
            status="completed",
        )
    return ResponseOutputMessage(
        id=f"msg_{uuid4().hex}",
        type="message",
        role="assistant",
        status="completed",
        content=[ResponseOutputText(type="output_text", text=decision.text, annotations=[], logprobs=[])],
    )


def _estimate(request: Request, decision: Decision) -> ResponseUsage:
    """Estimate tokens at four characters each, so that dashboards have an order of magnitude."""
    said = json.dumps(dict(decision.arguments)) if isinstance(decision, Call) else decision.text
    read = [request.instructions, request.message, *request.earlier, *(call.output or "" for call in request.calls)]
    input_tokens = sum(len(text) for text in read) // _CHARACTERS_PER_TOKEN + 1
    output_tokens = len(said) // _CHARACTERS_PER_TOKEN + 1
    return ResponseUsage.model_validate(
        {
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "total_tokens": input_tokens + output_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        }
    )


def _sdk_usage(response: Response) -> Usage:
    used = response.usage
    if used is None:
        return Usage(requests=1)
    return Usage(
        requests=1, input_tokens=used.input_tokens, output_tokens=used.output_tokens, total_tokens=used.total_tokens
    )


def _describe(
    span: Span[GenerationSpanData],
    instructions: str | None,
    items: str | list[TResponseInputItem],
    response: Response,
    tracing: ModelTracing,
) -> None:
    if response.usage is not None:
        span.span_data.usage = {
            "requests": 1,
            "input_tokens": response.usage.input_tokens,
            "output_tokens": response.usage.output_tokens,
            "total_tokens": response.usage.total_tokens,
        }
    if not tracing.include_data():
        return
    said: list[Any] = [{"role": "user", "content": items}] if isinstance(items, str) else list(items)
    span.span_data.input = [{"role": "system", "content": instructions}, *said] if instructions else said
    span.span_data.output = [item.model_dump() for item in response.output]
