"""All stores of one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection

from storage.records.alerts import AlertRuleStore, AlertStateStore, BudgetStore
from storage.records.approval_queue import ApprovalQueue
from storage.records.approvals import ApprovalStore
from storage.records.audit import AuditStore
from storage.records.conversations import ConversationStore
from storage.records.customers import AccountStore, OrderStore, OutsideRefundStore
from storage.records.data_jobs import DataJobStore
from storage.records.erasure import ErasureStore
from storage.records.events import EventStore
from storage.records.follow_ups import CorrectionStore, EscalationStore, TicketStore
from storage.records.guardrails import CaseStore, MarkStore, ReleaseStore
from storage.records.measures import MeasureReader
from storage.records.notes import NoteStore
from storage.records.policies import PolicyStore
from storage.records.retention import RetentionStore
from storage.records.runs import RunStore
from storage.records.samples import SampleStore
from storage.records.sign_ins import SignInStore
from storage.records.spending import SpendingStore
from storage.records.states import StateStore
from storage.records.steps import StepStore
from storage.records.switches import SwitchStore
from storage.records.tokens import TokenStore
from storage.records.webhooks import DeliveryStore, WebhookStore

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)


class _Keyed(Protocol[S_co]):
    """Makes a store that seals what it keeps."""

    def __call__(self, connection: Connection, /, *, key: bytes | None) -> S_co:
        """Make it."""


class _Part(Generic[S]):
    """A store that is made when it is first asked for: a transaction uses two or three of them."""

    def __init__(self, make: Callable[[Connection], S]) -> None:
        self._make = make

    def __set_name__(self, owner: type[Stores], name: str) -> None:
        self._name = name

    def __get__(self, stores: Stores, owner: type[Stores]) -> S:
        made = self._made(stores)
        # From now on the attribute itself is found first.
        stores.__dict__[self._name] = made
        return made

    def _made(self, stores: Stores) -> S:
        return self._make(stores.connection)


class _KeyedPart(_Part[S]):
    """One that gets the key as well."""

    def __init__(self, make: _Keyed[S]) -> None:
        self._make_keyed = make

    def _made(self, stores: Stores) -> S:
        return self._make_keyed(stores.connection, key=stores.key)


class Stores:
    """The stores, bound to one connection; whatever they write is committed or rolled back together."""

    conversations = _Part(ConversationStore)
    runs = _Part(RunStore)
    events = _Part(EventStore)
    approvals = _Part(ApprovalStore)
    switches = _Part(SwitchStore)
    webhooks = _KeyedPart(WebhookStore)
    deliveries = _KeyedPart(DeliveryStore)
    approval_queue = _Part(ApprovalQueue)
    states = _Part(StateStore)
    steps = _Part(StepStore)
    accounts = _Part(AccountStore)
    orders = _Part(OrderStore)
    outside_refunds = _Part(OutsideRefundStore)
    tickets = _Part(TicketStore)
    escalations = _Part(EscalationStore)
    corrections = _Part(CorrectionStore)
    marks = _Part(MarkStore)
    releases = _Part(ReleaseStore)
    cases = _Part(CaseStore)
    notes = _Part(NoteStore)
    measures = _Part(MeasureReader)
    audit = _KeyedPart(AuditStore)
    policies = _Part(PolicyStore)
    samples = _Part(SampleStore)
    data_jobs = _Part(DataJobStore)
    erasure = _Part(ErasureStore)
    retention = _Part(RetentionStore)
    alert_rules = _Part(AlertRuleStore)
    alert_states = _Part(AlertStateStore)
    budgets = _Part(BudgetStore)
    spending = _Part(SpendingStore)
    tokens = _Part(TokenStore)
    sign_ins = _Part(SignInStore)

    def __init__(self, connection: Connection, *, key: bytes | None = None) -> None:
        self.connection = connection
        self.key = key
