"""Builds the services of a process that only hands work over, and those that the owner has alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from storage.orders_source import OrderDatabase
from storage.records import Records, open_engine
from triage.access.people import PeopleService
from triage.access.rate import RateLimit
from triage.access.sign_ins import SignInService
from triage.access.tokens import TokenService
from triage.alerts.service import AlertService
from triage.approvals.aftermath import AftermathService
from triage.approvals.edits import ToolBook
from triage.approvals.policy_service import PolicyService
from triage.approvals.service import ApprovalService
from triage.approvals.switches import SwitchService
from triage.audit.service import AuditService
from triage.connectors.layout import read_layout
from triage.connectors.opening import open_help_desk
from triage.connectors.orders import OrderBook
from triage.data_care.retention import Retention
from triage.data_care.service import DataCareService
from triage.evaluation.cases import CaseService
from triage.guardrails.release import ReleaseService
from triage.keys import signing_key
from triage.notices.outbox import notify_approval
from triage.notices.webhooks import WebhookService
from triage.ownership import DataFolder, place_of
from triage.runs.queue import ElsewhereQueue, WorkQueue
from triage.runs.service import RunService
from triage.samples import SampleService
from triage.services.bundle import Services
from triage.settings import Settings

if TYPE_CHECKING:
    from triage.runs.event_log import EventLog


def open_records(settings: Settings) -> Records:
    """Open the records, bring their tables up to this build, and load the samples where they are wanted."""
    records = Records(open_engine(settings.records_url), key=signing_key(settings))
    records.migrate()
    if settings.sample_records:
        SampleService(records=records).load()
    return records


def open_orders(settings: Settings, records: Records) -> OrderBook:
    """Open where orders are looked up; nothing is asked before the first look.

    Raises:
        SettingsError: the URL of another database cannot be used.
    """
    return OrderBook(records, source=order_database(settings))


def order_database(settings: Settings) -> OrderDatabase | None:
    """Open the other database of orders, None where the settings name none.

    Raises:
        SettingsError: its URL cannot be used.
    """
    if settings.orders_url is None:
        return None
    return OrderDatabase(settings.orders_url.get_secret_value(), layout=read_layout(settings.orders_map))


def shared_place(settings: Settings) -> str | None:
    """Return what names this data folder where others may share its records, None where they lie in a file."""
    return None if settings.records_url.startswith("sqlite") else place_of(settings.data_dir)


def alike(
    settings: Settings,
    records: Records,
    *,
    policies: PolicyService,
    queue: WorkQueue,
    event_log: EventLog | None = None,
    stop: Callable[[str], None] = lambda _: None,
    tools: ToolBook | None = None,
    orders: OrderBook | None = None,
) -> dict[str, Any]:
    """Return the services that are the same whether this process works or only hands work over."""
    people = PeopleService(settings)
    orders = orders or open_orders(settings, records)
    return {
        "settings": settings,
        "records": records,
        "orders": orders,
        "runs": RunService(records=records, queue=queue, event_log=event_log, stop=stop),
        "approvals": ApprovalService(
            records=records, queue=queue, policies=policies, tools=tools, orders=orders, notify=notify_approval
        ),
        "aftermath": AftermathService(
            records=records, when_reversed=policies.demote, help_desk=open_help_desk(settings)
        ),
        "policies": policies,
        "webhooks": WebhookService(records=records, allow=settings.webhook_allow),
        "samples": SampleService(records=records),
        "audit": AuditService(records=records),
        "data_care": DataCareService(
            records=records,
            key=signing_key(settings),
            folder=settings.data_dir.resolve(),
            retention=Retention.of(settings),
            place=shared_place(settings),
        ),
        "releases": ReleaseService(records=records, queue=queue),
        "cases": CaseService(records=records),
        "people": people,
        "sign_ins": SignInService(records=records, people=people, hours=settings.session_hours),
        "tokens": TokenService(records=records),
        "rate_limit": RateLimit(per_minute=settings.token_rate_per_minute),
    }


def build_client(settings: Settings, folder: DataFolder) -> Services:
    """Build what hands work over; nothing works here."""
    records = open_records(settings)
    orders = open_orders(settings, records)
    policies = PolicyService(records=records, orders=orders)
    return Services(
        **alike(settings, records, policies=policies, queue=ElsewhereQueue(), orders=orders),
        folder=folder,
        switches=SwitchService(records=records),
        alerts=AlertService(records=records),
        is_owner=False,
    )
