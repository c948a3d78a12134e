"""A model server that sends half characters, as some do where they cut an emoji in two, and signs that are no text."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from tests.protocol.desk import Desk, raw_events
from tests.protocol.product import CHECK_MODEL, TEAM_MODEL, WRITER_MODEL, Product, first_from
from tests.protocol.test_runs_stories import INVOICES
from tests.servers.model_brain import offline_brain
from tests.servers.model_script import ModelRequest, Reply, ToolCall
from triage.domain import EventKind, RunStatus

pytestmark = pytest.mark.protocol

HALF = "\ud83d"
NUL = "\x00"


def broken(value: str) -> str:
    """Return JSON with half a character in one of its sentences."""
    fields = json.loads(value)
    for name in ("summary", "reason", "query", "brief"):
        if name in fields:
            fields[name] += NUL + HALF
    return json.dumps(fields)


def brain_with_half_characters(request: ModelRequest) -> Reply:
    """Answer like the offline engine, with half a character in each text and each call."""
    reply = offline_brain(request)
    calls = tuple(ToolCall(call.name, broken(call.arguments_text), f"call-{NUL}{uuid4().hex}") for call in reply.calls)
    text = f"{reply.text} {NUL}{HALF}" if request.model == WRITER_MODEL else reply.text and broken(reply.text)
    return replace(reply, calls=calls, text=text)


async def test_what_is_shown_while_it_comes_has_no_half_characters(desk: Desk) -> None:
    desk.server.enqueue(Reply(pieces=("Hi ", HALF, "!")))
    events = raw_events(desk.start(role="writer"))
    seen = [event.delta async for event in events if event.type == "response.output_text.delta"]
    assert seen == ["Hi ", "\ufffd", "!"]


@pytest.mark.parametrize("overrides", [{}, {"openai_api": "chat_completions"}])
def test_half_characters_do_not_fail_the_run(product: Product) -> None:
    product.server.brain = brain_with_half_characters
    run = product.run(INVOICES)
    assert run.failure is None
    assert (run.status, run.degraded) == (RunStatus.COMPLETED, False)
    assert run.result is not None
    assert run.reply is not None
    assert run.result.summary.endswith("\ufffd")
    assert run.reply.endswith("\ufffd")
    assert product.shown_text(run).strip() == run.reply

    def readable(value: Any) -> bool:
        return HALF not in json.dumps(value, ensure_ascii=False, default=str)

    told = [event.payload for event in product.events(run)]
    assert readable(told)
    # PostgreSQL takes it nowhere.
    assert r"\u0000" not in json.dumps([told, run.model_dump(mode="json")])
    assert readable(product.spans(run))
    [check] = product.spans(run, f"model = '{CHECK_MODEL}' and error is null")
    assert json.loads(check["content"])["output"]
    searches = [event.payload for event in product.events(run, EventKind.TOOL_CALLED)]
    assert any("\ufffd" in str(payload["arguments"]) for payload in searches)


def test_a_text_in_place_of_arguments_is_told_without_them(product: Product) -> None:
    product.server.brain = first_from(TEAM_MODEL, Reply(calls=(ToolCall("search_knowledge_base", r'"in\u0000v"'),)))
    [called, *_] = product.events(product.run(INVOICES), EventKind.TOOL_CALLED)
    assert called.payload["arguments"] == "in\ufffdv"
