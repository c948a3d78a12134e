"""The next step of the triage agent, a specialist or the escalation: look up, hand over, act, draft, finish.

The order is fixed and every step is taken once, so a run ends. Which role it is follows from the tools
that are offered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from triage.domain import Category, Urgency
from triage.llm.offline.decisions import Call, Decision, Say
from triage.llm.offline.findings import Findings, read_findings
from triage.llm.offline.labels import Labels, read_labels
from triage.llm.offline.query import search_query
from triage.llm.offline.request import Request
from triage.llm.offline.writer import Brief, write_from

_MOST_CALLS = 9
_SPECIALISTS = {
    Category.BILLING: "transfer_to_billing_specialist",
    Category.TECHNICAL: "transfer_to_technical_specialist",
}
_ORDERS = "transfer_to_orders_specialist"
_ESCALATION = "transfer_to_escalation"
_UNSURE_BELOW = 0.4

Step = Callable[[Request, Labels, Findings], Call | None]


def next_step(request: Request) -> Decision:
    """Decide on the next call, or on the final result when there is nothing left to do."""
    labels = labels_of(request)
    findings = read_findings(request, labels)
    if len(request.calls) < _MOST_CALLS:
        for step in _STEPS:
            call = step(request, labels, findings)
            if call is not None and call.name in request.offers and not request.was_tried(call.name, call.arguments):
                return call
    return Say(json.dumps(_result(request, labels, findings), ensure_ascii=False))


def labels_of(request: Request) -> Labels:
    """Label the last message; one that says little by itself is read together with the one before."""
    labels = read_labels(request.message)
    if labels.confidence < _UNSURE_BELOW and not labels.wishes and request.earlier:
        return read_labels(f"{request.earlier[-1]}\n{request.message}")
    return labels


def _search(request: Request, labels: Labels, _findings: Findings) -> Call | None:
    if request.done("search_knowledge_base"):
        return None
    return _call(request, "search_knowledge_base", query=search_query(request.message, labels), max_results=5)


def _account(request: Request, labels: Labels, _findings: Findings) -> Call | None:
    if request.done("get_account_status"):
        return None
    known = request.account_id or (request.customer_email if labels.category is Category.BILLING else None)
    return _call(request, "get_account_status", account_id=known) if known else None


def _hand_over(request: Request, labels: Labels, _findings: Findings) -> Call | None:
    if any(call.name == _ESCALATION for call in request.calls):
        return None
    reason = _reason_to_escalate(labels)
    if reason and _ESCALATION in request.offers:
        return _call(request, _ESCALATION, reason=reason, urgency=labels.urgency.value)
    target = _ORDERS if labels.is_about_orders else _SPECIALISTS.get(labels.category)
    return Call(target, {}) if target and not request.done(target) else None


def _reason_to_escalate(labels: Labels) -> str:
    if "person" in labels.wishes:
        return "The customer asks for a person."
    if labels.risk == "breach":
        return "The customer reports that somebody else got into the account or the data."
    if labels.risk == "legal":
        return "The customer speaks of legal steps."
    return ""


def _find_order(request: Request, labels: Labels, findings: Findings) -> Call | None:
    if not labels.is_about_orders:
        return None
    for order_id in labels.order_ids:
        call = _call(request, "order_details", order_id=order_id)
        if not request.was_tried(call.name, call.arguments):
            return call
    if labels.order_ids or findings.orders or request.done("find_orders") or request.customer_email is None:
        return None
    return _call(request, "find_orders", email=request.customer_email)


def _track(request: Request, labels: Labels, findings: Findings) -> Call | None:
    if "track" not in labels.wishes or findings.order is None or request.done("shipping_status"):
        return None
    return _call(request, "shipping_status", order_id=findings.order["order_id"])


def _refund(request: Request, labels: Labels, findings: Findings) -> Call | None:
    order = findings.order
    if "return" not in labels.wishes or order is None or request.done("process_refund"):
        return None
    if order.get("status") == "processing" or not labels.is_about_orders:
        return None
    return _call(request, "process_refund", order_id=order["order_id"], reason=_first_words(request.message, 200))


def _ticket(request: Request, labels: Labels, findings: Findings) -> Call | None:
    needs_one = (
        labels.category is Category.TECHNICAL and labels.urgency is not Urgency.LOW and not labels.is_about_orders
    )
    if not needs_one or not findings.has_searched or request.done("create_support_ticket") or request.done(_ESCALATION):
        return None
    return _call(
        request,
        "create_support_ticket",
        title=_first_words(request.message, 80),
        description=_first_words(request.message, 1500),
        priority=labels.urgency.value,
        category=labels.category.value,
    )


def _draft(request: Request, labels: Labels, findings: Findings) -> Call | None:
    if request.done("draft_reply"):
        return None
    return _call(request, "draft_reply", brief=_brief(request, labels, findings).as_text(), tone=_tone(labels))


_STEPS: tuple[Step, ...] = (_search, _account, _hand_over, _find_order, _track, _refund, _ticket, _draft)


def _call(request: Request, name: str, **arguments: Any) -> Call:
    """Build a call with the arguments that the tool's schema knows, and neutral values for others that it demands."""
    schema = request.offers.get(name, {})
    known: Mapping[str, Any] = schema.get("properties", {})
    fitting = {key: value for key, value in arguments.items() if key in known or not known}
    missing = [key for key in schema.get("required", ()) if key not in fitting]
    return Call(name, fitting | {key: _neutral(known.get(key, {}), arguments) for key in missing})


def _neutral(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
    if schema.get("enum"):
        return schema["enum"][0]
    if "default" in schema:
        return schema["default"]
    by_type = {"integer": 1, "number": 1, "boolean": False, "array": [], "object": {}}
    kind = schema.get("type")
    return by_type.get(kind, next(iter(arguments.values()), "")) if isinstance(kind, str) else None


def _brief(request: Request, labels: Labels, findings: Findings) -> Brief:
    return Brief(
        message=_first_words(request.message, 600),
        language=labels.language,
        about="order" if labels.is_about_orders else labels.category.value,
        urgency=labels.urgency,
        points=tuple(findings.points),
        notes=tuple(findings.notes),
        articles=tuple((article["title"], article["url"], article["excerpt"]) for article in findings.cited),
    )


def _tone(labels: Labels) -> str:
    return "calm and direct" if labels.urgency in {Urgency.HIGH, Urgency.CRITICAL} else "friendly"


def _result(request: Request, labels: Labels, findings: Findings) -> dict[str, Any]:
    is_unsure = labels.confidence < _UNSURE_BELOW
    is_grave = labels.urgency in {Urgency.HIGH, Urgency.CRITICAL}
    has_draft = any(
        call.output and not call.was_rejected and not call.was_paused for call in request.done("draft_reply")
    )
    return {
        "category": labels.category.value,
        "urgency": labels.urgency.value,
        "summary": _summary(request, labels),
        "recommended_action": findings.action,
        "requires_human": is_unsure or is_grave or findings.needs_person or bool(_reason_to_escalate(labels)),
        "reply_draft": "" if has_draft else write_from(_brief(request, labels, findings)),
        "citations": [{key: article[key] for key in ("article_id", "title", "url")} for article in findings.cited],
        "confidence": labels.confidence,
    }


def _summary(request: Request, labels: Labels) -> str:
    kind = {
        Category.BILLING: "Billing",
        Category.TECHNICAL: "Technical problem",
        Category.ACCOUNT: "Account",
        Category.FEATURE_REQUEST: "Feature request",
        Category.OTHER: "Order" if labels.is_about_orders else "General question",
    }[labels.category]
    return f"{kind}, {labels.urgency.value}: {_first_words(request.message, 240)}"


def _first_words(message: str, most: int) -> str:
    """Return the message on one line, cut at a word when it is longer than ``most`` characters."""
    line = " ".join("".join(character if character.isprintable() else " " for character in message[: most * 4]).split())
    return line if len(line) <= most else f"{line[: most - 1].rsplit(' ', 1)[0].rstrip(' ,.;:')}…"
