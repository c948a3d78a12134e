"""A model that writes brackets without end: nothing that reads JSON may fail over it, in no part of the run."""

from __future__ import annotations

import pytest

from tests.protocol.product import TEAM_MODEL, WRITER_MODEL, Product, first_from
from tests.protocol.test_runs_stories import INVOICES
from tests.servers.model_script import Reply, ToolCall
from triage.domain import EventKind, RunStatus

pytestmark = pytest.mark.protocol

# At the first depth the reader of JSON gives up, at the second the comparison of calls, at the third pydantic.
DEPTHS = (50_000, 900, 300)
TOOLS = {
    "search_knowledge_base": "query",
    "draft_reply": "brief",
    "create_support_ticket": "title",
    "ask_teammate": "question",
}


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("overrides", [{}, {"openai_api": "chat_completions"}], ids=["responses", "chat_completions"])
def test_a_tool_refuses_arguments_without_end_and_the_run_goes_on(product: Product) -> None:
    for (tool, argument), depth in zip(TOOLS.items(), (*DEPTHS, 50_000), strict=True):
        for arguments in (f'{{"{argument}":{nested(depth)}}}', "[" * depth):
            product.server.brain = first_from(TEAM_MODEL, Reply(calls=(ToolCall(tool, arguments),)))
            run = product.run(INVOICES)
            assert (run.status, run.failure) == (RunStatus.COMPLETED, None), tool
            [refused] = product.events(run, EventKind.TOOL_FAILED)
            assert (refused.payload["tool"], refused.payload["error_kind"]) == (tool, "bad_arguments")
            called = product.events(run, EventKind.TOOL_CALLED)[0].payload["arguments"]
            assert called.startswith(arguments[:100])
            assert len(called) < 300
            assert product.spans(run, "is_model_call and error is null")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(text=nested(50_000)),
        Reply(text=f'{{"summary":{nested(300)}}}'),
        Reply(calls=(ToolCall("transfer_to_escalation", f'{{"reason":{nested(50_000)},"urgency":"low"}}'),)),
    ],
    ids=["result", "in the result", "reason of an escalation"],
)
def test_an_answer_without_end_counts_as_unreadable(product: Product, reply: Reply) -> None:
    product.server.brain = first_from(TEAM_MODEL, reply)
    run = product.run(INVOICES)
    assert run.failure is not None
    assert run.failure.code == "model_output"
    assert not run.escalated


def test_the_rules_take_over_behind_a_draft_without_end(product: Product) -> None:
    """The offline engine reads the draft as a tool's output."""
    product.server.brain = first_from(WRITER_MODEL, Reply(pieces=(nested(50_000),)))
    run = product.run(INVOICES)
    assert (run.status, run.failure, run.reply) == (RunStatus.COMPLETED, None, nested(50_000))
