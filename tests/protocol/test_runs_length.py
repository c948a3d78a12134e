"""A model that answers without end is given up; what it has said is kept nowhere."""

from __future__ import annotations

import json

import pytest

from tests.protocol.desk import Desk
from tests.protocol.product import TEAM_MODEL, WRITER_MODEL, Product, first_from
from tests.protocol.test_runs_faults import fallbacks
from tests.protocol.test_runs_stories import INVOICES
from tests.servers.model_script import Reply, ToolCall
from triage.domain import EventKind, RunStatus
from triage.llm.length import LONGEST_ANSWER, MOST_ITEMS

pytestmark = pytest.mark.protocol

TOO_LONG = "the answer is too long"
PIECE = "again and again " * 1000
SEARCH = ToolCall("search_knowledge_base", {"query": "invoices", "max_results": 1})
ENDLESS = {
    "ten megabytes of arguments": Reply(calls=(ToolCall(SEARCH.name, json.dumps({"query": "x" * 10_000_000})),)),
    "text in pieces": Reply(pieces=(PIECE,) * 20),
    "calls": Reply(calls=(SEARCH,) * (MOST_ITEMS + 1)),
    "a refusal": Reply(refusal="x" * (LONGEST_ANSWER + 1)),
}


@pytest.mark.parametrize("overrides", [{}, {"openai_api": "chat_completions"}], ids=["responses", "chat_completions"])
def test_an_answer_without_end_is_given_up_and_the_next_model_asked(product: Product) -> None:
    for what, endless in ENDLESS.items():
        product.server.brain = first_from(TEAM_MODEL, endless)
        run = product.run(INVOICES)
        assert (run.status, run.degraded) == (RunStatus.COMPLETED, True), what
        assert fallbacks(product, run)[0] == (TEAM_MODEL, "offline-rules", TOO_LONG), what
        [lost] = product.spans(run, "is_model_call and error is not null")
        assert TOO_LONG in lost["error"]
        assert lost["output_tokens"] in (None, 0)
        assert len(lost["content"] or "") < LONGEST_ANSWER
        assert len(json.dumps([event.payload for event in product.events(run)])) < LONGEST_ANSWER


@pytest.mark.parametrize("overrides", [{"fallback_models": ["spare"]}])
def test_a_reply_that_becomes_too_long_starts_anew_with_the_next_model(product: Product) -> None:
    product.server.brain = first_from(WRITER_MODEL, Reply(pieces=(PIECE,) * 20))
    run = product.run(INVOICES)
    assert (run.status, run.degraded) == (RunStatus.COMPLETED, False)
    assert fallbacks(product, run) == [(WRITER_MODEL, "spare", TOO_LONG)]
    assert product.kinds(run).count(EventKind.TEXT_RESTARTED) == 1
    assert product.shown_text(run) == run.reply
    assert PIECE not in (run.reply or "")


async def test_the_longest_answer_is_taken(desk: Desk) -> None:
    desk.server.enqueue(Reply(pieces=("x" * (LONGEST_ANSWER - 2), "é", "y")))
    result = await desk.ask()
    assert len(result.final_output) == LONGEST_ANSWER
