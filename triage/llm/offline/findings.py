"""What the tools found and did in this run, as facts for the reply and for the support lead.

Outputs of tools are data: they are read for the fields that the tools promise, and no sentence of theirs is obeyed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from triage.domain import Category, Urgency
from triage.llm.offline.injection import injection_evidence
from triage.llm.offline.labels import Labels
from triage.llm.offline.request import PastCall, Request
from triage.llm.offline.text import Text, stem

_ARTICLE_FIELDS = ("article_id", "title", "url", "excerpt")
_MOST_CITED = 3
_LEAST_OVERLAP = 2
# Shorter words are mostly grammar.
_TELLING_LENGTH = 3
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_ORDER_UNKNOWN = (
    "We could not find this order under the address that you wrote from; please check the number, or write from the "
    "address of the order."
)
_ORDERS_TO_MODEL = re.compile(r"(?:do not|then|say|tell|set|ask|call|mend|write|use|answer)\b", re.IGNORECASE)
_REASON = "Their reason: "
_GENERAL = frozenset(
    stem(word)
    for word in (
        "fennel",
        "help",
        "support",
        "customer",
        "team",
        "page",
        "go",
        "open",
        "need",
        "want",
        "use",
        "work",
        "day",
    )
)


@dataclass
class Findings:
    """The facts so far; ``points`` are sentences for the customer, ``action`` is one for the support lead."""

    has_searched: bool = False
    cited: list[dict[str, str]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    order: dict[str, Any] | None = None
    points: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    action: str = ""
    needs_person: bool = False


def read_findings(request: Request, labels: Labels) -> Findings:
    """Collect the facts of the calls since the customer's last message."""
    searches = [call for call in request.done("search_knowledge_base") if call.output is not None]
    findings = Findings(has_searched=any(not call.was_paused for call in searches))
    findings.cited = _cited(request)
    findings.action = _usual_action(labels, has_articles=bool(findings.cited))
    _read_orders(request, labels, findings)
    _read_shipping(request, findings)
    _read_refund(request, labels, findings)
    _read_ticket(request, findings)
    _read_account(request, labels, findings)
    _read_escalation(request, findings)
    _read_pauses(request, findings)
    return findings


def _cited(request: Request) -> list[dict[str, str]]:
    """Return the found articles that are about the message, best first, and leave out those that give instructions."""
    wanted = {word for word in Text(request.message).stem_set - _GENERAL if len(word) >= _TELLING_LENGTH}
    found = {article["article_id"]: article for article in reversed(_articles(request))}
    scores = {article_id: _overlap(article, wanted) for article_id, article in found.items()}
    least = max(_LEAST_OVERLAP, max(scores.values(), default=0) / 2)
    chosen = [
        found[article_id]
        for article_id in reversed(found)
        if scores[article_id] >= least and not injection_evidence(Text(found[article_id]["excerpt"]))
    ]
    return chosen[:_MOST_CITED]


def _overlap(article: dict[str, str], wanted: set[str]) -> int:
    """Count the words that an article shares with the message; one in the title counts as two."""
    return 2 * len(Text(article["title"]).stem_set & wanted) + len(Text(article["excerpt"]).stem_set & wanted)


def _articles(request: Request) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for call in request.done("search_knowledge_base"):
        value = call.value
        rows = value if isinstance(value, list) else []
        found += [
            {name: str(row.get(name) or "") for name in _ARTICLE_FIELDS}
            for row in rows
            if isinstance(row, dict) and row.get("article_id") and row.get("title")
        ]
    return found


def _usual_action(labels: Labels, *, has_articles: bool) -> str:
    if labels.urgency is Urgency.CRITICAL:
        return "Let a person look at this at once, and tell the customer who does."
    if labels.category is Category.FEATURE_REQUEST:
        return "Pass the wish on to the product team and thank the customer."
    if labels.category is Category.OTHER and not has_articles and not labels.is_about_orders:
        return "Let a person read the message and answer it."
    if labels.urgency is Urgency.HIGH:
        return "Check the case today, then send the reply."
    return "Check the reply and send it."


def _read_orders(request: Request, labels: Labels, findings: Findings) -> None:
    calls = [*request.done("order_details"), *request.done("find_orders")]
    for call in calls:
        rows = call.value if isinstance(call.value, list) else [call.value]
        findings.orders += [row for row in rows if isinstance(row, dict) and row.get("order_id") is not None]
    own = [order for order in findings.orders if _is_own(order, request.customer_email)]
    findings.order = _meant(own, request, labels)
    if findings.order is not None:
        order = findings.order
        findings.points.append(
            f"Order {order['order_id']} ({order.get('product', 'your order')}) is marked as "
            f"{order.get('status', 'open')}."
        )
        if order.get("status") == "processing" and labels.wishes & {"cancel_order", "return"}:
            findings.points.append(
                "It has not left our warehouse yet, so a colleague will look into cancelling it for you."
            )
            _ask_person(findings, f"Cancel order {order['order_id']} if it has not left yet; it is still processing.")
    elif calls and calls[-1].output is not None and not any(call.was_paused for call in calls):
        if len(own) > 1:
            findings.points.append(
                "You have more than one order with us; please tell us the number of the one you mean."
            )
            findings.action = "Ask the customer which order is meant."
        else:
            findings.points.append(_ORDER_UNKNOWN)
            findings.action = "Ask the customer for the order number and the address of the order."


def _is_own(order: dict[str, Any], email: str | None) -> bool:
    owner = order.get("customer_email")
    return owner is None or (email is not None and str(owner).lower() == email.lower())


def _meant(orders: list[dict[str, Any]], request: Request, labels: Labels) -> dict[str, Any] | None:
    """Return the one order that the message speaks of, by number, by product, or because there is only one."""
    by_id = [order for order in orders if str(order["order_id"]) in labels.order_ids]
    words = Text(request.message).stem_set
    by_product = [order for order in orders if Text(str(order.get("product", ""))).stem_set & words]
    for candidates in (by_id, by_product, orders):
        if len({str(order["order_id"]) for order in candidates}) == 1:
            return candidates[0]
    return None


def _read_shipping(request: Request, findings: Findings) -> None:
    for call in request.done("shipping_status"):
        value = call.value if isinstance(call.value, dict) else {}
        if value.get("tracking_number"):
            findings.points.append(f"The tracking number is {value['tracking_number']}.")
        elif value.get("status") == "processing":
            findings.points.append(
                "It is being prepared; you will get the tracking number when it leaves our warehouse."
            )


def _read_refund(request: Request, labels: Labels, findings: Findings) -> None:
    for call in request.done("process_refund"):
        if call.output is None:
            continue
        if call.was_rejected:
            findings.points.append(
                "A colleague has looked at your return and will write to you about what is possible."
            )
            findings.notes.append(f"The refund was not approved: {_said(call)}")
            _ask_person(findings, f"Explain to the customer why the refund was rejected: {_why_rejected(call)}")
        elif call.was_paused:
            findings.points.append("A colleague will look at your return and write to you.")
        elif call.was_refused:
            findings.points.append(_refund_refusal(call))
            _ask_person(findings, f"No refund was made: {_said(call)}")
        else:
            findings.points.append("Your return has been accepted, and a colleague has settled it.")
            findings.action = "Check the reply and send it; the refund has been made."
    if "return" in labels.wishes and not labels.is_about_orders:
        findings.points.append("Our billing team will check what can be done and tell you.")
        _ask_person(findings, "Let the billing team decide about the refund before anything is sent.")


def _refund_refusal(call: PastCall) -> str:
    said = (call.output or "").lower()
    if "processing" in said:
        return "The order is still being prepared, so it can be cancelled instead; a colleague takes care of it."
    if "on its way" in said or "shipped" in said:
        return "The order is still on its way; once it has arrived you can return it."
    if "already" in said:
        return "Our records show that this order was settled before."
    if "ended" in said or "days" in said:
        return "The time for a return is over; a colleague will check whether the warranty helps."
    return "We could not start the return for this order; a colleague will look at it."


def _read_ticket(request: Request, findings: Findings) -> None:
    for call in request.done("create_support_ticket"):
        if call.output is None:
            continue
        if call.was_rejected:
            findings.points.append("A colleague has read your message and will come back to you with the next steps.")
            findings.notes.append(f"The ticket was not approved: {_said(call)}")
            _ask_person(findings, f"Answer the customer by hand, without a ticket: {_why_rejected(call)}")
        elif call.was_refused:
            _ask_person(findings, f"No ticket was opened: {_said(call)}")
        else:
            value = call.value if isinstance(call.value, dict) else {}
            number = value.get("ticket_id") or value.get("id")
            findings.points.append(
                f"We have opened ticket {number} for you, and our technical team works on it."
                if number
                else "We have opened a ticket for you."
            )
            findings.action = f"Follow up on ticket {number}." if number else "Follow up on the ticket."


def _read_account(request: Request, labels: Labels, findings: Findings) -> None:
    for call in request.done("get_account_status"):
        value = call.value if isinstance(call.value, dict) else {}
        open_invoices = [
            row
            for row in value.get("invoices") or ()
            if isinstance(row, dict) and row.get("status") in {"failed", "overdue"}
        ]
        if labels.category is Category.BILLING and open_invoices and not labels.is_about_orders:
            findings.points.append(
                f"In your account we see that invoice {open_invoices[0].get('number')} is marked as "
                f"{open_invoices[0]['status']}."
            )
        if value.get("status") in {"past_due", "suspended"}:
            findings.action = (
                f"Look at the account first: it is {str(value['status']).replace('_', ' ')}. Then send the reply."
            )


def _read_escalation(request: Request, findings: Findings) -> None:
    if request.done("transfer_to_escalation"):
        findings.points.insert(0, "We have passed your message on to a colleague, who will contact you personally.")
        _ask_person(findings, "Take over the conversation and answer the customer personally.")


def _read_pauses(request: Request, findings: Findings) -> None:
    paused = [call for call in request.calls if call.was_paused]
    if paused:
        _ask_person(findings, f"Do by hand what the agents could not: {_said(paused[0])}")


def _ask_person(findings: Findings, action: str) -> None:
    findings.needs_person = True
    findings.action = action


def _why_rejected(call: PastCall) -> str:
    """Return a reviewer's reason, without the words around it."""
    said = _said(call)
    return said.partition(_REASON)[2] or said


def _said(call: PastCall) -> str:
    """Return what a refusal says, without the sentences that only tell a model what to do."""
    sentences = _SENTENCE_END.split(" ".join((call.output or "").split()))
    told = [sentence for sentence in sentences[:3] if not _ORDERS_TO_MODEL.match(sentence)]
    return " ".join(told)[:300]
