"""What ``doctor`` checks, each with a sentence on what to mend."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from triage.cli.endpoint import check_endpoint
from triage.domain import Value
from triage.errors import TriageError
from triage.services import open_services
from triage.settings import Settings, load_settings
from triage.team.knowledge import KnowledgeBase


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
    return [
        Check(name="settings", is_ok=True, message="All settings can be read."),
        _checked("data folder and records", lambda: _records(settings)),
        _checked("knowledge base", lambda: _knowledge(settings)),
        _checked("model", lambda: check_endpoint(settings)),
        _checked("packages", _packages),
    ]


def _checked(name: str, work: Callable[[], str]) -> Check:
    try:
        return Check(name=name, is_ok=True, message=work())
    except TriageError as error:
        return Check(name=name, is_ok=False, message=str(error))


def _records(settings: Settings) -> str:
    services = open_services(settings, kind="doctor", own=False)
    try:
        counts = services.runs.counts()
        owner = services.folder.owner()
    finally:
        services.close()
    who = f"in use by a {owner.kind} (process {owner.pid})" if owner else "not in use"
    return f"{settings.data_dir.resolve()} is writable, {who}; {counts['all']} runs."


def _knowledge(settings: Settings) -> str:
    articles = KnowledgeBase.load(settings.articles_dir).articles
    return f"{len(articles)} articles in {settings.articles_dir}."


def _packages() -> str:
    for name in ("agents", "dbos", "duckdb", "streamlit"):
        importlib.import_module(name)
    return "All packages can be imported."
