"""A model that writes markup wherever it can write anything."""

from __future__ import annotations

import json
from typing import Any

from tests.attacks.markup import nasty, short
from tests.servers.model_script import ModelRequest, Reply, ToolCall

ARTICLE = "nasty-article"
ORDER = "N1"
_SEARCH = ToolCall("search_knowledge_base", {"query": nasty("query"), "max_results": 3})
_CALLS: dict[str, tuple[ToolCall, ...]] = {
    "answered": (
        _SEARCH,
        ToolCall(
            "create_support_ticket",
            {
                "title": short("ticket_title"),
                "description": nasty("ticket_description"),
                "priority": "low",
                "category": "technical",
            },
        ),
        ToolCall(short("tool"), {"field": nasty("argument")}),
        ToolCall("draft_reply", {"brief": nasty("writer_brief"), "tone": None}),
        ToolCall("transfer_to_escalation", {"reason": nasty("handoff_reason"), "urgency": "high"}),
    ),
    "refunded": (
        ToolCall("transfer_to_orders_specialist", {}),
        _SEARCH,
        ToolCall("order_details", {"order_id": ORDER}),
        ToolCall("shipping_status", {"order_id": ORDER}),
        ToolCall("process_refund", {"order_id": ORDER, "reason": nasty("refund_reason")}),
    ),
    "asked": (ToolCall("ask_teammate", {"question": nasty("question")}),),
}
"""What the model calls one after the other, by a word of the customer's message."""


def nasty_brain(request: ModelRequest) -> Reply:
    """Answer as the word in the message says."""
    said = json.dumps(request.items)
    schema = request.output_schema
    if schema is None:
        return Reply(text=nasty("reply"))
    if "appropriate" in schema.get("properties", {}):
        is_bad = "tripped" in said
        return _json(
            appropriate=not is_bad,
            verdict="injection_attempt" if is_bad else "support",
            reason=nasty("guardrail_reason"),
        )
    calls = next((calls for word, calls in _CALLS.items() if f"message-{word}" in said), ())
    made = [item for item in request.items if item.get("type") == "function_call"]
    if len(made) < len(calls):
        return Reply(calls=(calls[len(made)],))
    return _json(
        category="technical",
        urgency="high",
        summary=nasty("summary"),
        recommended_action=nasty("recommended_action"),
        requires_human=True,
        reply_draft="" if "message-answered" in said else nasty("reply"),
        citations=[{"article_id": ARTICLE, "title": short("cited_title"), "url": "javascript:owned()"}],
        confidence=0.5,
    )


def _json(**values: Any) -> Reply:
    return Reply(text=json.dumps(values))
