"""The guardrails of the team: the check of the message before the work and of the answer after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    MaxTurnsExceeded,
    ModelBehaviorError,
    ModelRefusalError,
    OutputGuardrail,
    RunConfig,
    RunContextWrapper,
    Runner,
    TResponseInputItem,
    get_current_trace,
)

from triage.domain import Release, TriageResult
from triage.team.context import TriageContext
from triage.team.disclosure import find_foreign_data, find_secret
from triage.team.guardrail_notes import note, trip_of
from triage.team.promises import find_billing_promise
from triage.team.verdicts import GuardrailVerdict

__all__ = [
    "BILLING_PROMISES",
    "FOREIGN_DATA",
    "INPUT_CHECK",
    "SECRETS",
    "input_guardrail",
    "output_guardrails",
    "trip_of",
]

INPUT_CHECK = "Input check"
BILLING_PROMISES = "Billing promises"
FOREIGN_DATA = "Other customers' data"
SECRETS = "Secrets"
RELEASED = "released"
"""The verdict on a message that a person let through."""

Context = RunContextWrapper[TriageContext]
# The SDK does not pass the run's settings on to guardrails: without a trace around it the check starts none.
_TRACED, _UNTRACED = RunConfig(), RunConfig(tracing_disabled=True)
_NOT_CHECKED = "The input check gave no readable verdict; in doubt the message passes."
_EARLIER_ITEMS = 2
_EARLIER_CHARACTERS = 1000


def input_guardrail(checker: Agent[TriageContext], *, beside: bool) -> InputGuardrail[TriageContext]:
    """Build the guardrail that asks ``checker`` about the message: before the team or, with ``beside``, at its side."""

    async def check(
        wrapper: Context, _agent: Agent[Any], items: str | list[TResponseInputItem]
    ) -> GuardrailFunctionOutput:
        started = time.perf_counter()
        if (release := wrapper.context.release) and release.lifts(INPUT_CHECK, message=wrapper.context.message):
            return _released(wrapper.context, release)
        verdict = await _ask(checker, wrapper.context, items)
        tripped = verdict is not None and not verdict.appropriate and verdict.verdict != "support"
        return note(
            wrapper.context,
            guardrail=INPUT_CHECK,
            stage="input",
            verdict=verdict.verdict if verdict else "not_checked",
            reason=verdict.reason if verdict else _NOT_CHECKED,
            tripped=tripped,
            duration_ms=_milliseconds_since(started),
        )

    return InputGuardrail(guardrail_function=check, name=INPUT_CHECK, run_in_parallel=beside)


def _released(context: TriageContext, release: Release) -> GuardrailFunctionOutput:
    """Let a message through that a person released; asking the checker again would only cost time and money."""
    return note(
        context,
        guardrail=INPUT_CHECK,
        stage="input",
        verdict=RELEASED,
        reason=f"Released by {release.released_by}: {release.reason}",
        tripped=False,
        duration_ms=0,
    )


async def _ask(
    checker: Agent[TriageContext], context: TriageContext, items: str | list[TResponseInputItem]
) -> GuardrailVerdict | None:
    """Return the checker's verdict, or None when its answer cannot be read."""
    try:
        run_config = _TRACED if get_current_trace() is not None else _UNTRACED
        run = await Runner.run(
            checker, _latest(items, context.message), context=context, max_turns=1, run_config=run_config
        )
    except (ModelBehaviorError, ModelRefusalError, MaxTurnsExceeded):
        return None
    return run.final_output_as(GuardrailVerdict, raise_if_incorrect_type=True)


def _latest(items: str | list[TResponseInputItem], message: str) -> list[TResponseInputItem]:
    """Return the message with the little before it that a short answer such as "yes, please" needs to be understood."""
    earlier = [] if isinstance(items, str) else items[:-1][-_EARLIER_ITEMS:]
    kept: list[TResponseInputItem] = []
    for item in earlier:
        role, content = item.get("role"), item.get("content")
        if isinstance(content, str) and role in {"user", "assistant"}:
            kept.append({"role": role, "content": content[:_EARLIER_CHARACTERS]})
    kept.append({"role": "user", "content": message})
    return kept


def output_guardrails(secret_phrases: Collection[str]) -> list[OutputGuardrail[TriageContext]]:
    """Build the guardrails of every agent that can finish a run; ``secret_phrases`` are those of its instructions."""

    def promises(context: TriageContext, result: TriageResult) -> str | None:
        return _first(
            find_billing_promise(text, message=context.message, refunds=context.facts.refunds)
            for text in _reply_texts(context, result)
        )

    def foreign(context: TriageContext, result: TriageResult) -> str | None:
        own = (context.customer_email, context.account_id)
        facts = context.facts
        seen = (*facts.emails, *facts.account_ids, *facts.order_ids, *facts.mentioned)
        known = [*seen, *(value for value in own if value)]
        texts = (*_reply_texts(context, result), result.summary, result.recommended_action)
        return _first(find_foreign_data(text, message=context.message, known=known) for text in texts)

    def secrets(context: TriageContext, result: TriageResult) -> str | None:
        return _first(find_secret(text, instructions=secret_phrases) for text in _reply_texts(context, result))

    return [
        _output_guardrail(BILLING_PROMISES, "billing_promise", promises),
        _output_guardrail(FOREIGN_DATA, "foreign_data", foreign),
        _output_guardrail(SECRETS, "secret", secrets),
    ]


def _output_guardrail(
    name: str, verdict: str, rule: Callable[[TriageContext, TriageResult], str | None]
) -> OutputGuardrail[TriageContext]:
    async def check(wrapper: Context, _agent: Agent[Any], output: TriageResult) -> GuardrailFunctionOutput:
        started = time.perf_counter()
        reason = rule(wrapper.context, output)
        return note(
            wrapper.context,
            guardrail=name,
            stage="output",
            verdict=verdict if reason else "passed",
            reason=reason or "",
            tripped=reason is not None,
            duration_ms=_milliseconds_since(started),
        )

    return OutputGuardrail(guardrail_function=check, name=name)


def _reply_texts(context: TriageContext, result: TriageResult) -> tuple[str, ...]:
    """Return every text that may become the reply: the agent's and the writer's."""
    return (result.reply_draft, context.facts.draft or "")


def _first(reasons: Any) -> str | None:
    return next((reason for reason in reasons if reason), None)


def _milliseconds_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
