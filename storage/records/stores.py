"""All stores of one transaction."""

from __future__ import annotations

from functools import cached_property

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


class Stores:
    """The stores, bound to one connection; whatever they write is committed or rolled back together.

    Each is made when it is first asked for: a transaction uses two or three of them.
    """

    conversations = cached_property(lambda stores: ConversationStore(stores.connection))
    runs = cached_property(lambda stores: RunStore(stores.connection))
    events = cached_property(lambda stores: EventStore(stores.connection))
    approvals = cached_property(lambda stores: ApprovalStore(stores.connection))
    switches = cached_property(lambda stores: SwitchStore(stores.connection))
    webhooks = cached_property(lambda stores: WebhookStore(stores.connection, key=stores.key))
    deliveries = cached_property(lambda stores: DeliveryStore(stores.connection, key=stores.key))
    approval_queue = cached_property(lambda stores: ApprovalQueue(stores.connection))
    states = cached_property(lambda stores: StateStore(stores.connection))
    steps = cached_property(lambda stores: StepStore(stores.connection))
    accounts = cached_property(lambda stores: AccountStore(stores.connection))
    orders = cached_property(lambda stores: OrderStore(stores.connection))
    outside_refunds = cached_property(lambda stores: OutsideRefundStore(stores.connection))
    tickets = cached_property(lambda stores: TicketStore(stores.connection))
    escalations = cached_property(lambda stores: EscalationStore(stores.connection))
    corrections = cached_property(lambda stores: CorrectionStore(stores.connection))
    marks = cached_property(lambda stores: MarkStore(stores.connection))
    releases = cached_property(lambda stores: ReleaseStore(stores.connection))
    cases = cached_property(lambda stores: CaseStore(stores.connection))
    notes = cached_property(lambda stores: NoteStore(stores.connection))
    measures = cached_property(lambda stores: MeasureReader(stores.connection))
    audit = cached_property(lambda stores: AuditStore(stores.connection, key=stores.key))
    policies = cached_property(lambda stores: PolicyStore(stores.connection))
    samples = cached_property(lambda stores: SampleStore(stores.connection))
    data_jobs = cached_property(lambda stores: DataJobStore(stores.connection))
    erasure = cached_property(lambda stores: ErasureStore(stores.connection))
    retention = cached_property(lambda stores: RetentionStore(stores.connection))
    alert_rules = cached_property(lambda stores: AlertRuleStore(stores.connection))
    alert_states = cached_property(lambda stores: AlertStateStore(stores.connection))
    budgets = cached_property(lambda stores: BudgetStore(stores.connection))
    spending = cached_property(lambda stores: SpendingStore(stores.connection))
    tokens = cached_property(lambda stores: TokenStore(stores.connection))
    sign_ins = cached_property(lambda stores: SignInStore(stores.connection))

    def __init__(self, connection: Connection, *, key: bytes | None = None) -> None:
        self.connection = connection
        self.key = key
