"""The examples of the OpenAPI document: one refund that a person decides, from the message to the result."""

from __future__ import annotations

from typing import Any

_AT = "2026-03-04T09:12:"

RUN: dict[str, Any] = {
    "id": "run_69db8271c786f5ad",
    "conversation_id": "conv_0f3a9b7c21de",
    "message_id": "msg_6c0e5b1d2f3a4e90",
    "status": "awaiting_approval",
    "segment": 0,
    "message": "I want a refund for order 2, it arrived broken.",
    "customer_email": "alice@example.com",
    "account_id": None,
    "submitted_by": "token:helpdesk",
    "team": "support",
    "category": "billing",
    "urgency": "medium",
    "reply": None,
    "reply_edited_by": None,
    "reply_sent_at": None,
    "reply_sent_by": None,
    "hold_message": "Thank you for your message. A colleague is looking at it now, because we want to get this right; "
    "you will hear from us as soon as it is decided.",
    "needs_person": False,
    "escalated": False,
    "assigned_to": None,
    "usage": {
        "requests": 5,
        "input_tokens": 6120,
        "cached_tokens": 1024,
        "output_tokens": 402,
        "reasoning_tokens": 64,
    },
    "cost_usd": "0.00914",
    "unpriced_calls": 0,
    "turns": 4,
    "active_ms": 5210,
    "models": ["gpt-5.4"],
    "degraded": False,
    "last_agent": "Orders specialist",
    "retry_of": None,
    "trace_id": "trace_879b4c1e692e4133837ced7d1158401f",
    "created_at": f"{_AT}00.120000Z",
    "started_at": f"{_AT}00.180000Z",
    "ended_at": None,
    "updated_at": f"{_AT}05.410000Z",
}
APPROVAL: dict[str, Any] = {
    "id": "apr_59997499b04821802e64",
    "run_id": RUN["id"],
    "conversation_id": RUN["conversation_id"],
    "call_id": "call_524e75af94ae488aa069fdaf9ded5286",
    "idempotency_key": "K-LE3EV5CJHE",
    "kind": "action",
    "tool": "process_refund",
    "agent": "Orders specialist",
    "summary": "Refund $69.98 for order 2 (2 of USB-C Hub)",
    "arguments": {"order_id": "2", "reason": "It arrived broken"},
    "arguments_hash": "9c1e6f3f2f0b1f0e6a53a1f8a9d0f7c7c2b0d7a1e4b65c4f8d2f9b1a7e3c5d60",
    "decided_arguments": None,
    "policy": "A refund moves money, so a person decides.",
    "rule": "refund",
    "mode": "approval",
    "urgency": "medium",
    "amount_usd": "69.98",
    "customer_email": "alice@example.com",
    "submitted_by": "token:helpdesk",
    "team": "support",
    "status": "pending",
    "execution": "not_started",
    "claimed_by": None,
    "claimed_until": None,
    "endorsed_by": None,
    "endorsed_at": None,
    "endorsed_arguments": None,
    "decided_by": None,
    "decided_at": None,
    "reason_code": None,
    "reason": None,
    "due_at": "2026-03-04T17:12:05.400000Z",
    "expires_at": "2026-03-06T09:12:05.400000Z",
    "escalated_at": None,
    "escalated_to": None,
    "reversed_at": None,
    "reversed_by": None,
    "created_at": f"{_AT}05.400000Z",
    "updated_at": f"{_AT}05.400000Z",
}
TICKET: dict[str, Any] = {
    "id": "T-4HQ2ZK7VAB",
    "title": "Replace a broken USB-C Hub",
    "description": "Order 2 arrived broken.",
    "priority": "medium",
    "category": "other",
    "status": "open",
    "created_by": "Orders specialist",
    "created_at": f"{_AT}05.300000Z",
}
ESCALATION: dict[str, Any] = {
    "id": "E-7QK2ZH4VAB",
    "reason": "The customer threatens with a lawyer.",
    "urgency": "high",
    "created_by": "Triage agent",
    "created_at": f"{_AT}04.000000Z",
}
_RESULT: dict[str, Any] = {
    "category": "billing",
    "urgency": "medium",
    "summary": "The customer wants the money for a broken USB-C Hub back.",
    "recommended_action": "Check the reply and send it.",
    "requires_human": False,
    "reply_draft": "Hello,\n\nwe have refunded your order.\n\nKind regards\nYour support team",
    "citations": [
        {"article_id": "return-hardware", "title": "Return hardware", "url": "https://help.example.com/return-hardware"}
    ],
    "confidence": 0.9,
}
_NOTHING_MORE: dict[str, Any] = {"block": None, "failure": None, "tickets": [], "escalations": [], "corrections": []}
WAITING: dict[str, Any] = {
    "outcome": "approval",
    "run": RUN,
    "result": None,
    "approvals": [APPROVAL],
    **_NOTHING_MORE,
}
_DECIDED = {
    "status": "approved",
    "execution": "succeeded",
    "decided_arguments": APPROVAL["arguments"],
    "decided_by": "token:reviews",
    "decided_at": f"{_AT}40.000000Z",
    "updated_at": f"{_AT}41.000000Z",
}
WITH_RESULT: dict[str, Any] = {
    "outcome": "result",
    "run": {
        **RUN,
        "status": "completed",
        "segment": 1,
        "reply": _RESULT["reply_draft"],
        "hold_message": None,
        "ended_at": f"{_AT}43.000000Z",
        "updated_at": f"{_AT}43.000000Z",
    },
    "result": _RESULT,
    "approvals": [{**APPROVAL, **_DECIDED}],
    **_NOTHING_MORE,
}
MESSAGE: dict[str, Any] = {
    "id": RUN["message_id"],
    "author": "customer",
    "text": RUN["message"],
    "run_id": None,
    "created_at": RUN["created_at"],
}
CONVERSATION_HEAD: dict[str, Any] = {
    "id": RUN["conversation_id"],
    "customer_email": "alice@example.com",
    "account_id": None,
    "subject": RUN["message"],
    "team": "support",
    "created_at": RUN["created_at"],
    "updated_at": RUN["created_at"],
}
CONVERSATION: dict[str, Any] = {**CONVERSATION_HEAD, "messages": [MESSAGE], "runs": [RUN["id"]]}
EVENT: dict[str, Any] = {
    "seq": 7,
    "kind": "tool.called",
    "at": f"{_AT}02.000000Z",
    "duration_ms": None,
    "payload": {
        "call_id": "call_11",
        "tool": "search_knowledge_base",
        "agent": "Triage agent",
        "arguments": {"query": "refund broken order", "max_results": 5},
    },
}
STREAM = (
    "id: 7\nevent: tool.called\n"
    'data: {"seq":7,"kind":"tool.called","at":"2026-03-04T09:12:02Z","duration_ms":null,'
    '"payload":{"tool":"find_orders"}}\n\n'
    ": keep-alive\n\n"
    'id: 31\nevent: run.completed\ndata: {"seq":31,"kind":"run.completed","at":"2026-03-04T09:12:43Z",'
    '"duration_ms":null,"payload":{}}\n\n'
    'event: end\ndata: {"run_id":"run_69db8271c786f5ad","status":"completed"}\n\n'
)
