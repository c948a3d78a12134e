"""How the console says what the records hold: status words, icons, colours, times, money, durations.

Every function takes a domain value and returns plain words; nothing here draws. Icons are Material symbols, colours
are names that ``st.badge`` takes. Orange and red are kept for what somebody has to act on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from triage.domain import ApprovalStatus, Category, EventKind, ExecutionStatus, Role, Run, RunStatus, Urgency, utc_now

Colour = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray", "primary"]

_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86_400
_WEEK_S = 7 * _DAY_S
_CENT = Decimal("0.01")
_OUR_WAY = re.compile(r"[a-z][a-z0-9_]*")


class Label(NamedTuple):
    """A state in words, with its icon and badge colour."""

    text: str
    icon: str
    colour: Colour


_RUN_STATUS = {
    RunStatus.QUEUED: Label("Queued", ":material/hourglass_empty:", "gray"),
    RunStatus.RUNNING: Label("Running", ":material/autorenew:", "blue"),
    RunStatus.AWAITING_APPROVAL: Label("Waits for approval", ":material/approval:", "orange"),
    RunStatus.COMPLETED: Label("Done", ":material/check_circle:", "green"),
    RunStatus.BLOCKED: Label("Blocked", ":material/block:", "gray"),
    RunStatus.FAILED: Label("Failed", ":material/error:", "red"),
    RunStatus.CANCELLED: Label("Cancelled", ":material/cancel:", "gray"),
}
_NEEDS_PERSON = Label("Needs you", ":material/person_alert:", "orange")
_TAKEN_OVER = Label("Taken over", ":material/back_hand:", "violet")
_SENT = Label("Sent", ":material/mark_email_read:", "green")
_APPROVAL_STATUS = {
    ApprovalStatus.PENDING: Label("Waiting", ":material/hourglass_top:", "orange"),
    ApprovalStatus.CLAIMED: Label("Claimed", ":material/lock:", "blue"),
    ApprovalStatus.APPROVED: Label("Approved", ":material/check_circle:", "green"),
    ApprovalStatus.EDITED: Label("Edited and approved", ":material/edit:", "green"),
    ApprovalStatus.REJECTED: Label("Rejected", ":material/cancel:", "red"),
    ApprovalStatus.EXPIRED: Label("Expired", ":material/timer_off:", "gray"),
    ApprovalStatus.CANCELLED: Label("Cancelled", ":material/do_not_disturb_on:", "gray"),
}
_EXECUTION_STATUS = {
    ExecutionStatus.NOT_STARTED: Label("Not started", ":material/pause_circle:", "gray"),
    ExecutionStatus.EXECUTING: Label("Being carried out", ":material/autorenew:", "blue"),
    ExecutionStatus.SUCCEEDED: Label("Carried out", ":material/task_alt:", "green"),
    ExecutionStatus.FAILED: Label("Could not be carried out", ":material/error:", "red"),
    ExecutionStatus.UNKNOWN: Label("Outcome unknown", ":material/help:", "orange"),
}
_CATEGORY = {
    Category.BILLING: Label("Billing", ":material/receipt_long:", "gray"),
    Category.TECHNICAL: Label("Technical", ":material/build:", "gray"),
    Category.ACCOUNT: Label("Account", ":material/manage_accounts:", "gray"),
    Category.FEATURE_REQUEST: Label("Feature request", ":material/lightbulb:", "gray"),
    Category.OTHER: Label("Other", ":material/more_horiz:", "gray"),
}
_URGENCY = {
    Urgency.LOW: Label("Low", ":material/keyboard_arrow_down:", "gray"),
    Urgency.MEDIUM: Label("Medium", ":material/drag_handle:", "gray"),
    Urgency.HIGH: Label("High", ":material/keyboard_arrow_up:", "orange"),
    Urgency.CRITICAL: Label("Critical", ":material/keyboard_double_arrow_up:", "red"),
}
_EVENT = {
    EventKind.RUN_QUEUED: Label("Message received", ":material/inbox:", "gray"),
    EventKind.RUN_STARTED: Label("Work started", ":material/play_circle:", "gray"),
    EventKind.RUN_RESUMED: Label("Work goes on", ":material/play_circle:", "gray"),
    EventKind.RUN_RELEASED: Label("Released by a person", ":material/lock_open:", "violet"),
    EventKind.RUN_AWAITING_APPROVAL: Label("Waits for a decision", ":material/approval:", "orange"),
    EventKind.RUN_COMPLETED: Label("Done", ":material/check_circle:", "green"),
    EventKind.RUN_BLOCKED: Label("Blocked", ":material/block:", "gray"),
    EventKind.RUN_FAILED: Label("Failed", ":material/error:", "red"),
    EventKind.RUN_CANCELLED: Label("Cancelled", ":material/cancel:", "gray"),
    EventKind.RUN_TAKEN_OVER: Label("Taken over", ":material/back_hand:", "violet"),
    EventKind.GUARDRAIL_PASSED: Label("Check passed", ":material/verified_user:", "gray"),
    EventKind.GUARDRAIL_TRIPPED: Label("Check stopped it", ":material/gpp_bad:", "red"),
    EventKind.AGENT_STARTED: Label("Agent started", ":material/support_agent:", "gray"),
    EventKind.MODEL_COMPLETED: Label("Model answered", ":material/neurology:", "gray"),
    EventKind.MODEL_RETRIED: Label("Model call tried again", ":material/replay:", "orange"),
    EventKind.MODEL_FELL_BACK: Label("Another model stepped in", ":material/alt_route:", "orange"),
    EventKind.TOOL_CALLED: Label("Tool called", ":material/build:", "gray"),
    EventKind.TOOL_COMPLETED: Label("Tool answered", ":material/build:", "gray"),
    EventKind.TOOL_FAILED: Label("Tool could not do it", ":material/error:", "red"),
    EventKind.HANDOFF: Label("Handed over", ":material/move_up:", "gray"),
    EventKind.TEXT_DELTA: Label("Text", ":material/notes:", "gray"),
    EventKind.TEXT_RESTARTED: Label("Text started again", ":material/restart_alt:", "gray"),
    EventKind.APPROVAL_REQUESTED: Label("Needs approval", ":material/approval:", "orange"),
    EventKind.APPROVAL_CLAIMED: Label("Claimed", ":material/front_hand:", "gray"),
    EventKind.APPROVAL_ENDORSED: Label("Agreed by one", ":material/how_to_reg:", "gray"),
    EventKind.APPROVAL_EXPIRED: Label("Expired", ":material/timer_off:", "orange"),
    EventKind.ACTION_REVERSED: Label("Reversed", ":material/undo:", "orange"),
    EventKind.ACTION_RECONCILED: Label("Outcome found out", ":material/fact_check:", "gray"),
    EventKind.APPROVAL_DECIDED: Label("Decided", ":material/gavel:", "gray"),
    EventKind.TICKET_CREATED: Label("Ticket created", ":material/confirmation_number:", "gray"),
    EventKind.ESCALATED: Label("Escalated", ":material/priority_high:", "orange"),
    EventKind.LABEL_CORRECTED: Label("Label corrected", ":material/edit_note:", "gray"),
    EventKind.REPLY_EDITED: Label("Reply edited", ":material/edit:", "gray"),
    EventKind.REPLY_SENT: Label("Reply sent", ":material/mark_email_read:", "green"),
}


def run_status(status: RunStatus) -> Label:
    """Return the words for a run status."""
    return _RUN_STATUS[status]


def short_status(status: RunStatus) -> str:
    """Return a run status as one word, for a narrow list."""
    return "Waits" if status is RunStatus.AWAITING_APPROVAL else run_status(status).text


def run_state(run: Run) -> Label:
    """Return what the inbox says of a run: its status, or what a person has to do or did with it."""
    if run.reply_sent_at is not None:
        return _NEEDS_PERSON if run.needs_person else _SENT
    if run.assigned_to is not None and run.status.is_final:
        return _TAKEN_OVER
    if run.needs_person and run.status.is_final and run.status is not RunStatus.FAILED:
        return _NEEDS_PERSON
    return _RUN_STATUS[run.status]


def approval_status(status: ApprovalStatus) -> Label:
    """Return the words for an approval status."""
    return _APPROVAL_STATUS[status]


def execution_status(status: ExecutionStatus) -> Label:
    """Return the words for what became of an approved action."""
    return _EXECUTION_STATUS[status]


def category(value: Category) -> Label:
    """Return the words for a category."""
    return _CATEGORY[value]


def urgency(value: Urgency) -> Label:
    """Return the words for an urgency."""
    return _URGENCY[value]


def event(kind: EventKind) -> Label:
    """Return the words for a kind of event."""
    return _EVENT[kind]


def role(value: Role) -> str:
    """Return a role as a word."""
    return "Administrator" if value is Role.ADMIN else value.value.capitalize()


def words(name: str) -> str:
    """Return an identifier such as ``feature_request`` as words in sentence case."""
    text = name.replace("_", " ").replace(".", " ").strip()
    return text[:1].upper() + text[1:]


def tool_names(tools: Iterable[str]) -> dict[str, str]:
    """Return what to call each tool: in words where it is named as ours are.

    Those of other programs can be called anything, and are then said as they are written, as are two that would read
    the same.
    """
    said = {tool: words(tool) if _OUR_WAY.fullmatch(tool) else tool for tool in tools}
    often = Counter(said.values())
    return {tool: text if often[text] == 1 else tool for tool, text in said.items()}


def ago(at: datetime, *, now: datetime | None = None) -> str:
    """Return how long ago a time is: "just now", "3 min ago", "2 h ago", "5 d ago", then the date."""
    seconds = ((now or utc_now()) - at).total_seconds()
    if seconds < _MINUTE_S:
        return "just now"
    if seconds < _HOUR_S:
        return f"{int(seconds // _MINUTE_S)} min ago"
    if seconds < _DAY_S:
        return f"{int(seconds // _HOUR_S)} h ago"
    if seconds < _WEEK_S:
        return f"{int(seconds // _DAY_S)} d ago"
    return f"{at.day} {at:%b %Y}"


def short_ago(at: datetime, *, now: datetime | None = None) -> str:
    """Return the same for a narrow list: "now", "3 min", "2 h", "5 d", "18 Nov", and without the day after a year."""
    now = now or utc_now()
    if now - at < timedelta(days=7):
        return ago(at, now=now).removesuffix(" ago").removeprefix("just ")
    return f"{at.day} {at:%b}" if now - at < timedelta(days=365) else f"{at:%b %Y}"


def exact(at: datetime) -> str:
    """Return a time to the second in UTC, for the hover text."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def money(usd: Decimal | float | None) -> str:
    """Return US dollars: cents from one cent on, four significant digits below, "unpriced" without a price."""
    if usd is None:
        return "unpriced"
    amount = Decimal(str(usd))
    if amount == 0:
        return "$0"
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size >= _CENT:
        return f"{sign}${size:,.2f}"
    places = 3 - size.adjusted()
    digits = f"{size:.{places}f}".rstrip("0")
    return f"{sign}${digits}"


def cost(usd: Decimal, *, unpriced_calls: int = 0) -> str:
    """Return the cost of a run and say so when some of its calls have no known price."""
    if not unpriced_calls:
        return money(usd)
    calls = "1 call unpriced" if unpriced_calls == 1 else f"{unpriced_calls} calls unpriced"
    return calls if usd == 0 else f"{money(usd)} and {calls}"


def duration(ms: float | None) -> str:
    """Return a duration given in milliseconds: "0.21 s", "3.9 s", "48 s", "12 min", "2 h 5 min", "3 d 4 h"."""
    if ms is None:
        return ""
    seconds = max(0.0, ms / 1000)
    if round(seconds) >= _MINUTE_S:
        return _long_duration(round(seconds / _MINUTE_S))
    if round(seconds, 1) >= 10:  # noqa: PLR2004 - from ten seconds on nobody reads the tenths
        return f"{round(seconds)} s"
    if round(seconds, 2) >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds:.2f} s" if round(seconds, 2) else "under 0.01 s"


def _long_duration(minutes: int) -> str:
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    days, hours = divmod(hours, 24)
    if not days:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{days} d {hours} h" if hours else f"{days} d"


def count(number: int, noun: str, *, plural: str | None = None) -> str:
    """Return a number with its noun: "1 run", "1,204 runs", "2 replies"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def one_line(text: str, *, limit: int = 90) -> str:
    """Return the text on one line, cut at a word with an ellipsis where it is longer than ``limit`` characters."""
    flat = " ".join(text.split())
    if len(flat) <= limit:
        return flat
    cut = flat[: limit - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > limit // 2 else cut).rstrip(" ,.;:") + "…"
