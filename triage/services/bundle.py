"""What pages, API and command line use."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from storage.records import Records
from triage.access.people import PeopleService
from triage.access.rate import RateLimit
from triage.access.seen import Seen
from triage.access.sign_ins import SignInService
from triage.access.tokens import TokenService
from triage.alerts.service import AlertService
from triage.alerts.watch import AlertWatch
from triage.approvals.aftermath import AftermathService
from triage.approvals.brief import BriefService
from triage.approvals.policy_service import PolicyService
from triage.approvals.service import ApprovalService
from triage.approvals.switches import SwitchService
from triage.approvals.timekeeper import Timekeeper
from triage.audit.service import AuditService
from triage.connectors.orders import OrderBook
from triage.data_care.service import DataCareService
from triage.domain import Actor, Run
from triage.errors import Conflict
from triage.evaluation.cases import CaseService
from triage.guardrails.reading import GuardrailReading
from triage.guardrails.release import ReleaseService
from triage.guardrails.service import GuardrailService
from triage.measures.service import MeasureService
from triage.notices.webhooks import WebhookService
from triage.ownership import DataFolder
from triage.runs.service import RunService
from triage.samples import SampleService
from triage.settings import Settings

if TYPE_CHECKING:
    from storage.traces.queries import TraceQueries
    from storage.traces.store import TraceStore
    from triage.approvals.resumable import ResumableService
    from triage.data_care.keeper import DataKeeper
    from triage.domain.traces import IngestHealth
    from triage.llm.registry import ModelRegistry
    from triage.notices.sender import NoticeSender
    from triage.runs.engine import DurableEngine
    from triage.runs.event_log import EventLog
    from triage.runs.mirror import RunMirror
    from triage.runs.segment import SegmentRunner
    from triage.team.knowledge import KnowledgeBase
    from triage.team.team import Team
    from triage.tracing.incoming.inbox import Inbox
    from triage.tracing.otlp.exporter import OtlpExporter
    from triage.tracing.processor import SpoolingProcessor


@dataclass
class Services:
    """Everything that pages, API and command line use; made by ``open_services``, ended by ``close``.

    ``traces``, ``team`` and ``resumable`` are there in the owner of the data folder only.
    """

    settings: Settings
    folder: DataFolder
    records: Records
    orders: OrderBook
    runs: RunService
    approvals: ApprovalService
    aftermath: AftermathService
    policies: PolicyService
    switches: SwitchService
    webhooks: WebhookService
    samples: SampleService
    audit: AuditService
    releases: ReleaseService
    cases: CaseService
    alerts: AlertService
    data_care: DataCareService
    tokens: TokenService
    rate_limit: RateLimit
    people: PeopleService
    sign_ins: SignInService
    is_owner: bool
    resumable: ResumableService | None = None
    engine: DurableEngine | None = None
    knowledge: KnowledgeBase | None = None
    models: ModelRegistry | None = None
    team: Team | None = None
    traces: TraceStore | None = None
    trace_queries: TraceQueries | None = None
    processor: SpoolingProcessor | None = None
    exporter: OtlpExporter | None = None
    inbox: Inbox | None = None
    event_log: EventLog | None = None
    segments: SegmentRunner | None = None
    mirror: RunMirror | None = None
    timekeeper: Timekeeper | None = None
    alert_watch: AlertWatch | None = None
    notices: NoticeSender | None = None
    keeper: DataKeeper | None = None

    def as_seen_by(self, actor: Actor) -> Seen:
        """Return what the actor may read; pages and API read through this and nothing else."""
        return Seen(self, actor)

    def start_over(self, run_id: str, *, actor: Actor) -> Run:
        """Queue the message of a waiting run again that this build cannot go on with.

        Raises:
            NotFound: there is no such run.
            Conflict: it waits no more, or can go on; or this process runs no agents.
        """
        if self.resumable is None:
            raise Conflict("The agents run in another process; its console can run this again.")
        return self.resumable.run_again(run_id, actor=actor)

    @cached_property
    def briefs(self) -> BriefService:
        """Reads the queue of approvals and what a person needs to decide on one."""
        return BriefService(self.records, form=self.approvals.form, orders=self.orders)

    @cached_property
    def guardrails(self) -> GuardrailService:
        """Keeps what people say of trips; only the owner can read the trip that something is said of."""
        return GuardrailService(records=self.records, reading=GuardrailReading(self.trace_queries))

    @cached_property
    def measures(self) -> MeasureService:
        """Answers the questions of the overview; there is something to answer from in the owner only."""
        return MeasureService(traces=self.trace_queries, records=self.records)

    def intake_health(self) -> IngestHealth | None:
        """Return whether every span comes into the trace store; None in a process that does not take them in."""
        from triage.tracing.spool import count_set_aside  # noqa: PLC0415 - it brings the SDK

        health = self.processor.health() if self.processor is not None else None
        if health is None:
            return None
        of_others = count_set_aside(self.settings.inbox_dir)
        return replace(health, lines_set_aside=health.lines_set_aside + of_others)

    def settle_traces(self) -> None:
        """Return when everything that has happened up to now can be read from the trace store."""
        if self.mirror is not None and self.processor is not None:
            self.mirror.sync()
            self.processor.flush()

    def close(self) -> None:
        """Stop working; what is unfinished is taken up by the next start."""
        if self.alert_watch is not None:
            self.alert_watch.close()
        if self.keeper is not None:
            self.keeper.close()
        if self.timekeeper is not None:
            self.timekeeper.close()
        if self.notices is not None:
            self.notices.close()
        if self.segments is not None:
            self.segments.close()
        if self.models is not None:
            # Connections belong to the engine's event loop, so they are closed while it still runs.
            asyncio.run(self.models.close())
        if self.engine is not None:
            self.engine.close()
        if self.event_log is not None:
            self.event_log.close()
        if self.mirror is not None:
            self.mirror.close()
        self._close_traces()
        self.orders.close()
        self.records.close()
        self.folder.release()

    def _close_traces(self) -> None:
        """Bring the last spans into the store and to the collector; the export reads records for the last runs."""
        if self.inbox is not None:
            self.inbox.close()
        if self.processor is not None:
            self.processor.shutdown()
        if self.exporter is not None:
            self.exporter.stop()
        if self.traces is not None:
            self.traces.close()
