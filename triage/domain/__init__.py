"""The values and status words of the product (DESIGN section 5).

Everything here is plain data: no SDK, no SQL, no Streamlit. Times are aware UTC ``datetime`` and end in ``_at``,
durations are integers in milliseconds and end in ``_ms``, money is ``Decimal`` in US dollars.
"""

from __future__ import annotations

from triage.domain.alerts import (
    AlertMeasure,
    AlertRule,
    AlertState,
    Budget,
    BudgetPeriod,
    BudgetStanding,
    KeptState,
    PastPoint,
    Reading,
    RuleStanding,
    Spent,
    StateChange,
)
from triage.domain.approval_queue import Lane, PastDecision, QueueCounts, QueueFilter, QueueLoad
from triage.domain.approvals import OPEN_APPROVAL_STATUSES, Approval, ApprovalStatus, ExecutionStatus, Mode, RejectCode
from triage.domain.audit import AuditCheck, AuditEntry, AuditFilter, NewAuditEntry
from triage.domain.base import DEFAULT_TEAM, NAMELESS, Actor, Role, Value, utc_now
from triage.domain.conversations import Conversation, ConversationFilter, Message
from triage.domain.customers import Account, Invoice, Order, OrderLayout, OrderStatus, Refund
from triage.domain.data_care import CustomerRecords, DataJob, JobKind, JobStatus
from triage.domain.events import EventKind, NewEvent, RunEvent
from triage.domain.follow_ups import Correction, Escalation, Ticket
from triage.domain.guardrails import Case, Judgement, Precision, Release, TripMark, text_hash
from triage.domain.labels import Category, Urgency
from triage.domain.policies import SavedPolicy
from triage.domain.runs import (
    FINAL_RUN_STATUSES,
    Build,
    Citation,
    Run,
    RunFailure,
    RunFilter,
    RunHead,
    RunStatus,
    StoredState,
    TriageResult,
    Trip,
    Usage,
)
from triage.domain.sign_ins import SignIn, SignInState
from triage.domain.switches import AGENT_SWITCH, EVERYTHING_SWITCH, TOOL_SWITCH, WRITES_SWITCH, Switch
from triage.domain.tokens import Token
from triage.domain.webhooks import (
    ALERT_TOPICS,
    EVENT_TOPICS,
    REPLY_TOPICS,
    SUBSCRIBABLE_TOPICS,
    USUAL_TOPICS,
    Delivery,
    DeliveryStatus,
    NoticeTopic,
    Webhook,
    WebhookFormat,
)

__all__ = [
    "AGENT_SWITCH",
    "ALERT_TOPICS",
    "DEFAULT_TEAM",
    "EVENT_TOPICS",
    "EVERYTHING_SWITCH",
    "FINAL_RUN_STATUSES",
    "NAMELESS",
    "OPEN_APPROVAL_STATUSES",
    "REPLY_TOPICS",
    "SUBSCRIBABLE_TOPICS",
    "TOOL_SWITCH",
    "USUAL_TOPICS",
    "WRITES_SWITCH",
    "Account",
    "Actor",
    "AlertMeasure",
    "AlertRule",
    "AlertState",
    "Approval",
    "ApprovalStatus",
    "AuditCheck",
    "AuditEntry",
    "AuditFilter",
    "Budget",
    "BudgetPeriod",
    "BudgetStanding",
    "Build",
    "Case",
    "Category",
    "Citation",
    "Conversation",
    "ConversationFilter",
    "Correction",
    "CustomerRecords",
    "DataJob",
    "Delivery",
    "DeliveryStatus",
    "Escalation",
    "EventKind",
    "ExecutionStatus",
    "Invoice",
    "JobKind",
    "JobStatus",
    "Judgement",
    "KeptState",
    "Lane",
    "Message",
    "Mode",
    "NewAuditEntry",
    "NewEvent",
    "NoticeTopic",
    "Order",
    "OrderLayout",
    "OrderStatus",
    "PastDecision",
    "PastPoint",
    "Precision",
    "QueueCounts",
    "QueueFilter",
    "QueueLoad",
    "Reading",
    "Refund",
    "RejectCode",
    "Release",
    "Role",
    "RuleStanding",
    "Run",
    "RunEvent",
    "RunFailure",
    "RunFilter",
    "RunHead",
    "RunStatus",
    "SavedPolicy",
    "SignIn",
    "SignInState",
    "Spent",
    "StateChange",
    "StoredState",
    "Switch",
    "Ticket",
    "Token",
    "TriageResult",
    "Trip",
    "TripMark",
    "Urgency",
    "Usage",
    "Value",
    "Webhook",
    "WebhookFormat",
    "text_hash",
    "utc_now",
]
