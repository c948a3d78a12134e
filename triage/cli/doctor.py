"""What ``doctor`` checks, each with a sentence on what to mend."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from triage.approvals.gate import ActionGate, BuiltInPolicy, NothingOff
from triage.approvals.resumable import NotResumable, ResumableService
from triage.cli.endpoint import check_endpoint
from triage.connectors.opening import open_help_desk
from triage.domain import Value
from triage.errors import SettingsError, StateError, TriageError
from triage.keys import signing_key
from triage.llm.registry import ModelRegistry
from triage.ownership import DataFolder
from triage.runs.queue import ElsewhereQueue
from triage.services import check_orders, open_services, try_traces
from triage.settings import Settings, load_settings
from triage.team.knowledge import KnowledgeBase
from triage.team.team import build_team
from triage.tracing.otlp.status import read_status

MAX_NAMED = 10


class Check(Value):
    """One thing that was checked."""

    name: str
    is_ok: bool
    message: str


def run_checks() -> list[Check]:
    """Check everything that a start needs; a failed check does not stop the later ones, wrong settings do."""
    try:
        settings = load_settings()
    except TriageError as error:
        return [Check(name="settings", is_ok=False, message=str(error))]
    records = _checked("data folder and records", lambda: _records(settings))
    knowledge = _checked("knowledge base", lambda: _knowledge(settings))
    checks = [
        Check(name="settings", is_ok=True, message="All settings can be read."),
        records,
        _checked("trace store", lambda: _traces(settings)),
        _checked("trace export", lambda: _export(settings)),
        _checked("help desk", lambda: _help_desk(settings)),
        _checked("orders", lambda: check_orders(settings)),
        knowledge,
        _checked("model", lambda: check_endpoint(settings)),
        _checked("model roles", lambda: _models(settings)),
    ]
    if records.is_ok and knowledge.is_ok:
        # Without them there is no team to compare with, and the same fault would be named twice.
        checks.append(_checked("waiting items", lambda: _waiting(settings)))
    return [*checks, _checked("packages", _packages)]


def _checked(name: str, work: Callable[[], str]) -> Check:
    try:
        return Check(name=name, is_ok=True, message=work())
    except TriageError as error:
        return Check(name=name, is_ok=False, message=str(error))
    except Exception as error:  # noqa: BLE001 - the boundary: whatever one check finds, the others are wanted too
        return Check(name=name, is_ok=False, message=f"The check itself failed ({type(error).__name__}).")


def _records(settings: Settings) -> str:
    services = open_services(settings, kind="doctor", own=False)
    try:
        counts = services.runs.counts()
        who = _owner(services.folder)
    finally:
        services.close()
    return f"{settings.data_dir.resolve()} is writable, {who}; {counts['all']} runs."


def _owner(folder: DataFolder) -> str:
    # A killed owner leaves its name behind, so the lock is asked first.
    owner = folder.owner() if folder.is_taken() else None
    return f"in use by a {owner.kind} (process {owner.pid})" if owner else "not in use"


def _traces(settings: Settings) -> str:
    if try_traces(settings):
        return f"{settings.traces_path} can be read and written."
    return f"{settings.traces_path} is open in the process that works on the data folder."


def _export(settings: Settings) -> str:
    """Say how the export to a collector is doing, by what the owner of the folder notes about it."""
    if settings.otlp_endpoint is None:
        return "No collector is named; spans stay on this machine."
    status = read_status(settings.otlp_dir)
    lost = f"{status.dropped} given up because too many waited, {status.refused} refused by the collector"
    if status.problem:
        raise SettingsError(
            f"The collector takes no spans since {status.failing_since:%Y-%m-%d %H:%M} UTC: {status.problem} "
            f"They wait in {settings.otlp_dir}; {lost}. Check TRIAGE_OTLP_ENDPOINT and TRIAGE_OTLP_HEADERS."
        )
    return f"{status.sent} spans sent, {lost}."


def _help_desk(settings: Settings) -> str:
    desk = open_help_desk(settings)
    return "No help desk is named; tickets are kept here only." if desk is None else desk.check()


def _knowledge(settings: Settings) -> str:
    articles = KnowledgeBase.load(settings.articles_dir).articles
    return f"{len(articles)} articles in {settings.articles_dir}."


def _models(settings: Settings) -> str:
    """Say which model each role asks first; mixed settings may leave some to the offline engine."""
    roles: dict[str, list[str]] = {}
    for described in ModelRegistry(settings).describe():
        roles.setdefault(described.chain[0].model, []).append(described.role)
    parts = [f"{model} is asked as {', '.join(names)}" for model, names in roles.items()]
    return f"{'; '.join(parts)}."


def _waiting(settings: Settings) -> str:
    """Say whether this build can go on with everything that waits for a person; asked before an upgrade goes live."""
    services = open_services(settings, kind="doctor", own=False)
    try:
        team = build_team(
            models=ModelRegistry(settings),
            records=services.records,
            knowledge=KnowledgeBase.load(settings.articles_dir),
            settings=settings,
            gate=ActionGate(records=services.records, policies=BuiltInPolicy(), switches=NothingOff()),
        )
        service = ResumableService(
            records=services.records,
            queue=ElsewhereQueue(),
            fingerprint=team.fingerprint(),
            key=signing_key(settings),
        )
        found = service.check_all()
        waiting = services.approvals.count_open()
    finally:
        services.close()
    if found:
        raise StateError(_not_resumable(found))
    return f"{waiting} {'item waits' if waiting == 1 else 'items wait'} for a decision; this build can go on with all."


def _not_resumable(found: list[NotResumable]) -> str:
    count = sum(len(item.approvals) for item in found)
    items, them = ("1 waiting item was", "it") if count == 1 else (f"{count} waiting items were", "them")
    named = "; ".join(f"{item.run.id}: {item.reason.removesuffix('.')}" for item in found[:MAX_NAMED])
    more = f"; and {len(found) - MAX_NAMED} more runs" if len(found) > MAX_NAMED else ""
    return (
        f"{items} made by another build, and this one cannot go on with {them}. Decide with the build that did, "
        f"or run {them} again from the message on the approvals page. {named}{more}."
    )


def _packages() -> str:
    for name in ("agents", "dbos", "duckdb", "streamlit"):
        try:
            importlib.import_module(name)
        except ImportError:
            raise SettingsError(
                f"The package {name} cannot be imported. Run: pip install -r requirements.txt"
            ) from None
    return "All packages can be imported."
