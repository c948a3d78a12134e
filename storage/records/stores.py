"""All stores of one transaction."""

from __future__ import annotations

from sqlalchemy import Connection

from storage.records.alerts import AlertRuleStore, AlertStateStore, BudgetStore
from storage.records.approval_queue import ApprovalQueue
from storage.records.approvals import ApprovalStore
from storage.records.audit import AuditStore
from storage.records.conversations import ConversationStore
from storage.records.customers import AccountStore, OrderStore
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
    """The stores, bound to one connection; whatever they write is committed or rolled back together."""

    def __init__(self, connection: Connection, *, key: bytes | None = None) -> None:
        self.connection = connection
        self.conversations = ConversationStore(connection)
        self.runs = RunStore(connection)
        self.events = EventStore(connection)
        self.approvals = ApprovalStore(connection)
        self.switches = SwitchStore(connection)
        self.webhooks = WebhookStore(connection, key=key)
        self.deliveries = DeliveryStore(connection, key=key)
        self.approval_queue = ApprovalQueue(connection)
        self.states = StateStore(connection)
        self.steps = StepStore(connection)
        self.accounts = AccountStore(connection)
        self.orders = OrderStore(connection)
        self.tickets = TicketStore(connection)
        self.escalations = EscalationStore(connection)
        self.corrections = CorrectionStore(connection)
        self.marks = MarkStore(connection)
        self.releases = ReleaseStore(connection)
        self.cases = CaseStore(connection)
        self.notes = NoteStore(connection)
        self.measures = MeasureReader(connection)
        self.audit = AuditStore(connection, key=key)
        self.policies = PolicyStore(connection)
        self.samples = SampleStore(connection)
        self.data_jobs = DataJobStore(connection)
        self.erasure = ErasureStore(connection)
        self.retention = RetentionStore(connection)
        self.alert_rules = AlertRuleStore(connection)
        self.alert_states = AlertStateStore(connection)
        self.budgets = BudgetStore(connection)
        self.spending = SpendingStore(connection)
        self.tokens = TokenStore(connection)
        self.sign_ins = SignInStore(connection)
