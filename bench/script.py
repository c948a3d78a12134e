"""The scripted run: three model calls (the input check, a turn with two tools, the result) and two tool calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from agents import Model, ModelResponse
from agents.items import TResponseStreamEvent
from agents.models.interface import ModelTracing
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from agents.tracing import response_span
from agents.usage import Usage
from openai.types.responses import ResponseCompletedEvent

from triage.domain import Category, TriageResult, Urgency
from triage.team.verdicts import GuardrailVerdict

MODEL_CALLS = 3
MESSAGE = "My invoices aren't generating since yesterday and we have a client audit tomorrow."
EMAIL = "dana@northwind.example"
ACCOUNT = "A-1042"

VERDICT = GuardrailVerdict(appropriate=True, verdict="support", reason="A question about invoices.").model_dump_json()
SEARCH = {"query": "invoices are not generated", "max_results": 3}
RESULT = TriageResult(
    category=Category.BILLING,
    urgency=Urgency.HIGH,
    summary="No invoices have been generated since yesterday; the customer needs them for an audit tomorrow.",
    recommended_action="Check the billing schedule of the account and generate the missing invoices by hand.",
    requires_human=False,
    reply_draft="Thank you for telling us. " + "We are looking at the billing schedule of your account now. " * 6,
    citations=[],
    confidence=0.9,
).model_dump_json()
USAGE = Usage(requests=1, input_tokens=900, output_tokens=120, total_tokens=1020)


def guardrail_steps() -> list[ModelStep]:
    """Return what the input check answers in one run."""
    return [ModelStep(output=[assistant_message(VERDICT)], usage=USAGE)]


def triage_steps() -> list[ModelStep]:
    """Return what the triage agent answers in one run."""
    calls = [
        function_call("search_knowledge_base", SEARCH, call_id="call_search"),
        function_call("get_account_status", {"account_id": ACCOUNT}, call_id="call_account"),
    ]
    return [ModelStep(output=calls, usage=USAGE), ModelStep(output=[assistant_message(RESULT)], usage=USAGE)]


class TracedScript(ScriptedModel):
    """A scripted model with the span that the SDK's Responses model makes: input, answer and tokens on it."""

    async def get_response(  # noqa: PLR0917 - the SDK's signature
        self,
        system_instructions: Any,
        input: Any,  # noqa: A002 - the SDK's name
        model_settings: Any,
        tools: Any,
        output_schema: Any,
        handoffs: Any,
        tracing: ModelTracing,
        **named: Any,
    ) -> ModelResponse:
        """Answer in one piece."""
        given = (system_instructions, input, model_settings, tools, output_schema, handoffs, tracing)
        with response_span(disabled=tracing.is_disabled()) as span:
            span.span_data.input = input
            return await super().get_response(*given, **named)

    async def stream_response(  # noqa: PLR0917
        self,
        system_instructions: Any,
        input: Any,  # noqa: A002
        model_settings: Any,
        tools: Any,
        output_schema: Any,
        handoffs: Any,
        tracing: ModelTracing,
        **named: Any,
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Answer as a stream of events."""
        given = (system_instructions, input, model_settings, tools, output_schema, handoffs, tracing)
        with response_span(disabled=tracing.is_disabled()) as span:
            async for event in super().stream_response(*given, **named):
                if isinstance(event, ResponseCompletedEvent):
                    span.span_data.input, span.span_data.response = input, event.response
                yield event


class Scripts:
    """A scripted model for each role; both ways to run the team ask the same objects."""

    def __init__(self) -> None:
        self.guardrail = TracedScript()
        self.triage = TracedScript()

    def add_runs(self, count: int) -> None:
        """Script this many runs, one after the other."""
        for _ in range(count):
            self.guardrail.extend(guardrail_steps())
            self.triage.extend(triage_steps())

    def for_role(self, role: str, /) -> Model:
        """Return the model of a role; a team can be built from it directly."""
        return self.guardrail if role == "guardrail" else self.triage

    def assert_complete(self) -> None:
        """Fail when runs did not ask for what was scripted."""
        self.guardrail.assert_complete()
        self.triage.assert_complete()
