"""Builds everything from the settings; the one place where triage meets storage."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from storage.records import Records, open_engine
from triage.alerts.service import AlertService
from triage.alerts.watch import AlertWatch
from triage.approvals.aftermath import AftermathService
from triage.approvals.brief import BriefService
from triage.approvals.edits import ToolBook
from triage.approvals.gate import ActionGate
from triage.approvals.policy_service import PolicyService
from triage.approvals.service import ApprovalService
from triage.approvals.switches import SwitchService, switch_names
from triage.approvals.timekeeper import Timekeeper
from triage.audit.service import AuditService
from triage.customers import CustomerService
from triage.data_care.retention import Retention
from triage.data_care.service import DataCareService
from triage.domain import Run
from triage.errors import NotFound
from triage.evaluation.cases import CaseService
from triage.guardrails.reading import GuardrailReading
from triage.guardrails.release import ReleaseService
from triage.guardrails.service import GuardrailService
from triage.keys import signing_key
from triage.measures.service import MeasureService
from triage.notices.outbox import notify_approval
from triage.notices.webhooks import WebhookService
from triage.ownership import DataFolder
from triage.runs.queue import ElsewhereQueue, WorkQueue
from triage.runs.service import RunService
from triage.samples import SampleService
from triage.settings import Settings

if TYPE_CHECKING:
    from storage.traces.queries import TraceQueries
    from storage.traces.store import TraceStore
    from triage.approvals.resumable import ResumableService
    from triage.data_care.holdings import Holdings
    from triage.data_care.keeper import DataKeeper
    from triage.llm.registry import ModelRegistry
    from triage.notices.sender import NoticeSender
    from triage.runs.engine import DurableEngine
    from triage.runs.event_log import EventLog
    from triage.runs.mirror import RunMirror
    from triage.runs.records import RunRecords
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
    runs: RunService
    approvals: ApprovalService
    aftermath: AftermathService
    policies: PolicyService
    switches: SwitchService
    webhooks: WebhookService
    customers: CustomerService
    samples: SampleService
    audit: AuditService
    releases: ReleaseService
    cases: CaseService
    alerts: AlertService
    data_care: DataCareService
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

    @cached_property
    def briefs(self) -> BriefService:
        """Reads the queue of approvals and what a person needs to decide on one."""
        return BriefService(self.records, form=self.approvals.form)

    @cached_property
    def guardrails(self) -> GuardrailService:
        """Keeps what people say of trips; only the owner can read the trip that something is said of."""
        return GuardrailService(records=self.records, reading=GuardrailReading(self.trace_queries))

    @cached_property
    def measures(self) -> MeasureService:
        """Answers the questions of the overview; there is something to answer from in the owner only."""
        return MeasureService(traces=self.trace_queries, records=self.records)

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


def open_services(settings: Settings, *, kind: str, own: bool | None = True) -> Services:
    """Open the data folder and build the services.

    ``own`` True needs to own the folder, False only hands work over, None owns it when nobody else does.

    Raises:
        DataFolderError: the folder cannot be used, or another process owns it.
        SettingsError: a setting is wrong.
    """
    folder = DataFolder(settings.data_dir)
    folder.prepare()
    is_owner = False
    if own:
        folder.own(kind)
        is_owner = True
    elif own is None:
        is_owner = folder.try_own(kind)
    try:
        return _build_owner(settings, folder) if is_owner else _build_client(settings, folder)
    except BaseException:
        folder.release()
        raise


def settle_in() -> None:
    """Spare what a process that serves for long has loaded from garbage collection.

    A full collection looks at some 350,000 objects of libraries and stops every thread for 0.2 s each time.
    """
    gc.collect()
    gc.freeze()


def try_traces(settings: Settings) -> bool:
    """Open and close the trace store; False when another process has it open, which is as good.

    Raises:
        DataFolderError: the folder or the store cannot be used.
    """
    from storage.traces.store import TraceStore  # noqa: PLC0415 - see _build_owner

    folder = DataFolder(settings.data_dir)
    folder.prepare()
    if not folder.try_own("doctor"):
        return False
    try:
        TraceStore.open(settings.traces_path).close()
    finally:
        folder.release()
    return True


def _open_records(settings: Settings) -> Records:
    records = Records(open_engine(settings.records_url), key=signing_key(settings))
    records.migrate()
    if settings.sample_records:
        SampleService(records=records).load()
    return records


def _alike(
    settings: Settings,
    records: Records,
    *,
    policies: PolicyService,
    queue: WorkQueue,
    event_log: EventLog | None = None,
    stop: Callable[[str], None] = lambda _: None,
    tools: ToolBook | None = None,
) -> dict[str, Any]:
    """Return the services that are the same whether this process works or only hands work over."""
    return {
        "settings": settings,
        "records": records,
        "runs": RunService(records=records, queue=queue, event_log=event_log, stop=stop),
        "approvals": ApprovalService(
            records=records, queue=queue, policies=policies, tools=tools, notify=notify_approval
        ),
        "aftermath": AftermathService(records=records, when_reversed=policies.demote),
        "policies": policies,
        "webhooks": WebhookService(records=records, allow=settings.webhook_allow),
        "customers": CustomerService(records),
        "samples": SampleService(records=records),
        "audit": AuditService(records=records),
        "data_care": DataCareService(
            records=records,
            key=signing_key(settings),
            folder=settings.data_dir.resolve(),
            retention=Retention.of(settings),
        ),
        "releases": ReleaseService(records=records, queue=queue),
        "cases": CaseService(records=records),
    }


def _build_client(settings: Settings, folder: DataFolder) -> Services:
    records = _open_records(settings)
    return Services(
        **_alike(settings, records, policies=PolicyService(records=records), queue=ElsewhereQueue()),
        folder=folder,
        switches=SwitchService(records=records),
        alerts=AlertService(records=records),
        is_owner=False,
    )


def _build_owner(settings: Settings, folder: DataFolder) -> Services:
    # The SDK takes a second or two to import, and a command that only hands work over does without it.
    from storage.traces.queries import TraceQueries  # noqa: PLC0415
    from triage.approvals.resumable import ResumableService  # noqa: PLC0415
    from triage.data_care.keeper import DataKeeper  # noqa: PLC0415
    from triage.llm.registry import ModelRegistry  # noqa: PLC0415
    from triage.notices.sender import NoticeSender  # noqa: PLC0415
    from triage.runs.mirror import RunMirror  # noqa: PLC0415
    from triage.team.knowledge import KnowledgeBase  # noqa: PLC0415
    from triage.team.tool_book import TeamToolBook  # noqa: PLC0415
    from triage.tracing.incoming.inbox import Inbox  # noqa: PLC0415

    knowledge = KnowledgeBase.load(settings.articles_dir)
    models = ModelRegistry(settings)
    records = _open_records(settings)
    traces, processor, exporter = _open_traces(settings, records)
    inbox = Inbox(settings.inbox_dir, write=processor.write_lines, content=settings.trace_content)
    inbox.start()
    policies = PolicyService(records=records)
    working = _build_work(settings, records, policies=policies, models=models, knowledge=knowledge)
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
    alike = _alike(
        settings,
        records,
        policies=policies,
        queue=engine,
        event_log=working.event_log,
        stop=segments.stop,
        tools=TeamToolBook(team.agents.values()),
    )
    key = signing_key(settings)
    held = partial(_holdings, settings, records, traces=traces, processor=processor)
    keeper = DataKeeper(
        held(
            sync=mirror.sync,
            stop_run=segments.stop,
            running=lambda: segments.running,
            flush_events=working.event_log.flush,
            forget_outgoing=exporter.forget if exporter else lambda _: 0,
        ),
        keep=Retention.of(settings),
    )
    keeper.start()
    return Services(
        **alike,
        keeper=keeper,
        folder=folder,
        switches=working.switches,
        is_owner=True,
        resumable=ResumableService(records=records, queue=engine, fingerprint=team.fingerprint(), key=key),
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


def _holdings(
    settings: Settings,
    records: Records,
    *,
    traces: TraceStore,
    processor: SpoolingProcessor,
    sync: Callable[[], None] = lambda: None,
    **working: Any,
) -> Holdings:
    """Return what the keeper of the data folder works on; ``sync`` tells the trace store how the runs are."""
    from storage.records.database_file import DatabaseFile, database_path  # noqa: PLC0415 - see _build_owner
    from storage.traces.care import TraceCare  # noqa: PLC0415
    from triage.data_care.holdings import Holdings  # noqa: PLC0415

    def settle() -> bool:
        sync()
        return processor.drain()

    path = database_path(records.engine)
    return Holdings(
        folder=settings.data_dir.resolve(),
        records=records,
        records_file=None if path is None else DatabaseFile(path),
        traces=TraceCare(traces),
        key=signing_key(settings),
        settle=settle,
        **working,
    )


@contextmanager
def open_keeper(settings: Settings) -> Iterator[DataKeeper]:
    """Own the data folder for the length of the block, for the work on what is kept only: no agent runs meanwhile.

    Raises:
        DataFolderError: the folder cannot be used, or another process owns it.
    """
    from storage.traces.store import TraceStore  # noqa: PLC0415 - see _build_owner
    from triage.data_care.keeper import DataKeeper  # noqa: PLC0415
    from triage.tracing.processor import SpoolingProcessor  # noqa: PLC0415

    folder = DataFolder(settings.data_dir)
    folder.prepare()
    folder.own("command line")
    with ExitStack() as open_parts:
        open_parts.callback(folder.release)
        records = _open_records(settings)
        open_parts.callback(records.close)
        traces = TraceStore.open(settings.traces_path)
        open_parts.callback(traces.close)
        processor = SpoolingProcessor(settings.spool_dir, sink=traces, content=settings.trace_content)
        open_parts.callback(processor.shutdown)
        keep = Retention.of(settings)
        yield DataKeeper(_holdings(settings, records, traces=traces, processor=processor), keep=keep)


def restore(settings: Settings, file: Path) -> dict[str, Any]:
    """Bring a backup back into the data folder of the settings, which must be empty.

    Raises:
        InvalidInput: the folder is not empty, or the file cannot be used.
        DataFolderError: the folder cannot be written.
    """
    from storage.records.migrate import HEAD  # noqa: PLC0415
    from triage.data_care.backup import restore_backup  # noqa: PLC0415

    return restore_backup(file, settings.data_dir, newest_version=HEAD)


def _open_traces(settings: Settings, records: Records) -> tuple[TraceStore, SpoolingProcessor, OtlpExporter | None]:
    """Open the trace store, and let the SDK's spans go there, and to a collector where one is named."""
    from storage.traces.known import KnownTraces  # noqa: PLC0415
    from storage.traces.store import TraceStore  # noqa: PLC0415 - see _build_owner
    from triage.tracing import install  # noqa: PLC0415
    from triage.tracing.otlp.opening import open_export  # noqa: PLC0415
    from triage.tracing.processor import SpoolingProcessor  # noqa: PLC0415

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
    settings: Settings, records: Records, *, policies: PolicyService, models: ModelRegistry, knowledge: KnowledgeBase
) -> _Work:
    """Build the team and what lets it work, not yet started."""
    from triage.runs.engine import DurableEngine  # noqa: PLC0415 - see _build_owner
    from triage.runs.event_log import EventLog  # noqa: PLC0415
    from triage.runs.records import RunRecords  # noqa: PLC0415
    from triage.runs.segment import SegmentRunner  # noqa: PLC0415
    from triage.team.team import build_team  # noqa: PLC0415

    switches = SwitchService(records=records, known=lambda: known_names)
    gate = ActionGate(records=records, policies=policies, switches=switches)
    team = build_team(models=models, records=records, knowledge=knowledge, settings=settings, gate=gate)
    known_names = switch_names(team.describe())
    run_records = RunRecords(records, policies=policies, notify=notify_approval)
    event_log = EventLog(run_records)
    engine = DurableEngine(
        records.engine, max_concurrent_runs=settings.max_concurrent_runs, executor_id=_executor_id(settings)
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
    place = f"{socket.gethostname()}:{settings.data_dir.resolve()}"
    return hashlib.blake2b(place.encode(), digest_size=8).hexdigest()
