"""Builds the services of the owner of a data folder: everything that works."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from storage.records import Records
from storage.traces.known import KnownTraces
from storage.traces.queries import TraceQueries
from storage.traces.store import TraceStore
from triage.alerts.service import AlertService
from triage.alerts.watch import AlertWatch
from triage.approvals.gate import ActionGate
from triage.approvals.policy_service import PolicyService
from triage.approvals.resumable import ResumableService
from triage.approvals.switches import SwitchService, switch_names
from triage.approvals.timekeeper import Timekeeper
from triage.connectors.opening import open_help_desk
from triage.connectors.orders import OrderBook
from triage.data_care.holdings import Holdings
from triage.data_care.keeper import DataKeeper
from triage.data_care.retention import Retention
from triage.domain import Run
from triage.errors import NotFound
from triage.keys import signing_key
from triage.llm.registry import ModelRegistry
from triage.notices.outbox import notify_approval
from triage.notices.sender import NoticeSender
from triage.ownership import DataFolder, place_of
from triage.runs.engine import DurableEngine
from triage.runs.event_log import EventLog
from triage.runs.mirror import RunMirror
from triage.runs.records import RunRecords
from triage.runs.segment import SegmentRunner
from triage.services.bundle import Services
from triage.services.client import alike, open_orders, open_records
from triage.services.keeping import holdings
from triage.settings import Settings
from triage.team.knowledge import KnowledgeBase
from triage.team.team import Team, build_team
from triage.team.tool_book import TeamToolBook
from triage.tracing import install
from triage.tracing.incoming.inbox import Inbox
from triage.tracing.otlp.exporter import OtlpExporter
from triage.tracing.otlp.opening import open_export
from triage.tracing.processor import SpoolingProcessor


def build_owner(settings: Settings, folder: DataFolder) -> Services:
    """Build everything and let it work."""
    knowledge = KnowledgeBase.load(settings.articles_dir)
    models = ModelRegistry(settings)
    records = open_records(settings)
    traces, processor, exporter = _open_traces(settings, records)
    inbox = Inbox(settings.inbox_dir, write=processor.write_lines, content=settings.trace_content)
    inbox.start()
    orders = open_orders(settings, records)
    policies = PolicyService(records=records, orders=orders)
    working = _build_work(settings, records, policies=policies, models=models, knowledge=knowledge, orders=orders)
    engine, segments, team = working.engine, working.segments, working.team
    mirror = RunMirror(
        records=records, record_run=processor.record_run, stop_run=segments.stop, since=traces.last_run_change()
    )
    engine.launch(segments.run, waiting=working.run_records.waiting)
    mirror.start()
    timekeeper = Timekeeper(records=records, queue=engine, policies=policies, notify=notify_approval)
    timekeeper.start()
    trace_queries = TraceQueries(traces)
    alert_watch = AlertWatch(records=records, traces=trace_queries)
    alert_watch.start()
    notices = NoticeSender(records=records, console_url=settings.console_url, allow=settings.webhook_allow)
    notices.start()
    shared = alike(
        settings,
        records,
        policies=policies,
        queue=engine,
        event_log=working.event_log,
        stop=segments.stop,
        tools=TeamToolBook(team.agents.values()),
        orders=orders,
    )
    held = partial(holdings, settings, records, traces=traces, processor=processor, inbox=inbox)
    keeper = _start_keeper(held, keep=Retention.of(settings), working=working, mirror=mirror, exporter=exporter)
    fingerprint, key = team.fingerprint(), signing_key(settings)
    return Services(
        **shared,
        keeper=keeper,
        folder=folder,
        switches=working.switches,
        is_owner=True,
        resumable=ResumableService(records=records, queue=engine, fingerprint=fingerprint, key=key),
        engine=engine,
        knowledge=knowledge,
        models=models,
        team=team,
        traces=traces,
        trace_queries=trace_queries,
        processor=processor,
        exporter=exporter,
        inbox=inbox,
        event_log=working.event_log,
        segments=segments,
        mirror=mirror,
        timekeeper=timekeeper,
        alerts=AlertService(records=records, traces=trace_queries, look=alert_watch.look),
        alert_watch=alert_watch,
        notices=notices,
    )


def _start_keeper(
    held: Callable[..., Holdings], *, keep: Retention, working: _Work, mirror: RunMirror, exporter: OtlpExporter | None
) -> DataKeeper:
    """Start what removes data, beside runs at work: it knows how to stop them and to let nothing come back."""
    segments = working.segments
    keeper = DataKeeper(
        held(
            sync=mirror.sync,
            stop_run=segments.stop,
            running=lambda: segments.running,
            flush_events=working.event_log.flush,
            forget_outgoing=exporter.forget if exporter else lambda _: 0,
        ),
        keep=keep,
    )
    keeper.start()
    return keeper


def _open_traces(settings: Settings, records: Records) -> tuple[TraceStore, SpoolingProcessor, OtlpExporter | None]:
    """Open the trace store, and let the SDK's spans go there, and to a collector where one is named."""
    traces = TraceStore.open(settings.traces_path)
    exporter, sink = open_export(settings, sink=traces, known=KnownTraces(traces), find_run=partial(_find_run, records))
    processor = SpoolingProcessor(settings.spool_dir, sink=sink, content=settings.trace_content)
    install(processor)
    return traces, processor, exporter


def _find_run(records: Records, run_id: str) -> Run | None:
    with records.read() as stores:
        try:
            return stores.runs.get(run_id)
        except NotFound:
            return None


class _Work(NamedTuple):
    """What works on runs."""

    switches: SwitchService
    team: Team
    run_records: RunRecords
    event_log: EventLog
    engine: DurableEngine
    segments: SegmentRunner


def _build_work(
    settings: Settings,
    records: Records,
    *,
    policies: PolicyService,
    models: ModelRegistry,
    knowledge: KnowledgeBase,
    orders: OrderBook,
) -> _Work:
    """Build the team and what lets it work, not yet started."""
    switches = SwitchService(records=records, known=lambda: known_names)
    gate = ActionGate(records=records, policies=policies, switches=switches, orders=orders)
    team = build_team(
        models=models,
        records=records,
        knowledge=knowledge,
        settings=settings,
        gate=gate,
        help_desk=open_help_desk(settings),
        orders=orders,
    )
    known_names = switch_names(team.describe())
    run_records = RunRecords(records, policies=policies, notify=notify_approval)
    event_log = EventLog(run_records)
    engine = DurableEngine(
        records.engine,
        news=records.news(),
        max_concurrent_runs=settings.max_concurrent_runs,
        executor_id=_executor_id(settings),
    )
    segments = SegmentRunner(
        team=team,
        records=run_records,
        step_log=run_records,
        event_log=event_log,
        settings=settings,
        key=signing_key(settings),
        paused=gate.paused,
    )
    return _Work(switches, team, run_records, event_log, engine, segments)


def _executor_id(settings: Settings) -> str:
    """Name this process's share of the work; stable over restarts so that it takes up what it left."""
    if settings.database_url is None:
        return "owner"
    return place_of(settings.data_dir)
