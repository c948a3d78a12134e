"""The words of a notice: as JSON for programs, or as a message that Slack shows."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from triage.domain import NoticeTopic, Role, WebhookFormat

_HEADLINES = {
    NoticeTopic.APPROVAL_NEW: "Waits for a decision",
    NoticeTopic.APPROVAL_DUE_SOON: "Due soon and not decided",
    NoticeTopic.APPROVAL_OVERDUE: "Overdue and not decided",
    NoticeTopic.APPROVAL_EXPIRED: "Expired without a decision",
    NoticeTopic.APPROVAL_DECIDED: "Decided",
    NoticeTopic.ALERT_WARNING: "Warning",
    NoticeTopic.ALERT_ALERT: "Alert",
    NoticeTopic.ALERT_OK: "Back to normal",
    NoticeTopic.RUN_COMPLETED: "A message was worked",
    NoticeTopic.RUN_BLOCKED: "A guardrail stopped a message",
    NoticeTopic.RUN_FAILED: "A run failed",
    NoticeTopic.REPLY_SENT: "A reply was sent",
    NoticeTopic.TICKET_CREATED: "A ticket was created",
    NoticeTopic.REFUND_APPROVED: "A refund was agreed to",
    NoticeTopic.WEBHOOK_TEST: "A test of the triage console: notices arrive here",
}
# Slack refuses a block of more than 3,000 characters.
_MAX_SUMMARY = 300


def message(body: str, *, form: str, console_url: str, reply: str | None = None) -> str:
    """Return the characters to send for a kept notice; the link is added here, so that a moved console links right.

    ``reply`` are the words of a reply, for a webhook that was set up to carry them.
    """
    notice = json.loads(body)
    link = console_url + _place(notice)
    if form == WebhookFormat.SLACK:
        said = notice["approval"] or {"summary": _summary(notice)}
        return _written(_slack(NoticeTopic(notice["topic"]), said, link=link))
    if reply is not None:
        notice["run"] = {**notice["run"], "reply": reply}
    return _written({**notice, "link": link})


def _summary(notice: dict[str, Any]) -> str | None:
    """Return what a message says of a figure, a run, a ticket or a refund, in a line."""
    if alert := notice.get("alert"):
        return str(alert["summary"])
    if run := notice.get("run"):
        why = [run["guardrail"], run["verdict"]] if run["guardrail"] else [run["failure_code"]]
        needs = "a person has to look" if run["needs_person"] else None
        return _words([run["category"], run["urgency"] and f"urgency {run['urgency']}", *why, needs])
    if ticket := notice.get("ticket"):
        return _words([ticket["category"], f"urgency {ticket['priority']}", ticket["external_id"] or ticket["id"]])
    if refund := notice.get("refund"):
        return f"${Decimal(str(refund['amount_usd'])):,.2f} for order {refund['order_id']}"
    return None


def _words(parts: list[str | None]) -> str:
    return ", ".join(part.replace("_", " ") for part in parts if part)


def _place(notice: dict[str, Any]) -> str:
    """Return where on the console a notice leads: to what it is about, or to the first page."""
    if notice["approval"]:
        return f"/approvals?approval={quote(str(notice['approval']['id']), safe='')}"
    about = notice.get("run") or notice.get("ticket") or notice.get("refund")
    if about:
        return f"/?run={quote(str(about.get('run_id') or about['id']), safe='')}"
    alert = notice.get("alert")
    if not alert:
        return ""
    return (
        "/alerts?alert_view=Budgets" if alert["unit"] == "usd" else f"/alerts?alert={quote(str(alert['id']), safe='')}"
    )


def _slack(topic: NoticeTopic, approval: dict[str, Any], *, link: str) -> dict[str, Any]:
    headline = _HEADLINES[topic]
    if topic is NoticeTopic.APPROVAL_DECIDED and approval.get("status"):
        headline = _first_upper(str(approval["status"]))
        if approval.get("by"):
            headline += f" by {approval['by']}"
    if topic is NoticeTopic.APPROVAL_OVERDUE and approval.get("escalated_to"):
        headline += f", escalated to {role_words(str(approval['escalated_to']))}"
    summary = _one_line(str(approval.get("summary") or ""))
    title = f"*{_escaped(headline)}*" + (f"\n{_escaped(summary)}" if summary else "")
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"{title}\n<{_escaped(link)}|Open it in the console>"}}
    ]
    details = _details(approval)
    if details:
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _escaped(" · ".join(details))}]})
    return {"text": _escaped(f"{headline}: {summary}" if summary else headline), "blocks": blocks}


def role_words(role: str) -> str:
    """Return the people of a role, as somebody would say it."""
    return "the administrators" if role == Role.ADMIN else f"the {role}s"


def _details(approval: dict[str, Any]) -> list[str]:
    """Return the facts below the headline."""
    details = []
    if approval.get("tool"):
        details.append(str(approval["tool"]))
    if approval.get("amount_usd") is not None:
        details.append(f"${Decimal(str(approval['amount_usd'])):,.2f}")
    if approval.get("urgency"):
        details.append(f"urgency {approval['urgency']}")
    if approval.get("mode") == "two_people":
        details.append("two people have to agree")
    for name, word in (("due_at", "due"), ("expires_at", "expires")):
        if approval.get(name):
            at = datetime.fromisoformat(str(approval[name]))
            details.append(f"{word} {at:%Y-%m-%d %H:%M} UTC")
    return details


def _one_line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _MAX_SUMMARY else flat[: _MAX_SUMMARY - 1] + "…"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _escaped(text: str) -> str:
    """Return text as Slack asks for it: the three characters with which links, people and channels are written."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
