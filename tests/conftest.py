"""Makes the wrong thing impossible: no real model, no network beyond this machine, no real data folder."""

from __future__ import annotations

import inspect
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog

from tests.surroundings import clean_environment
from triage.domain import Actor, Role
from triage.settings import PROJECT_DIR, Settings, load_settings

# How long an example takes is for the benchmarks to say; on a busy machine it may be anything.
hypothesis.settings.register_profile("checks", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("checks")

_SETTINGS = [str(field.alias) for field in Settings.model_fields.values()]
_ARTICLES = PROJECT_DIR / "knowledge"
_connect = socket.socket.connect


def _loopback_only(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and str(address[0]) not in ("127.0.0.1", "localhost", "::1"):
        raise PermissionError(f"A test tried to reach {address[0]}; tests stay on this machine.")
    _connect(self, address)


@pytest.fixture(autouse=True)
def _clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in _SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRIAGE_DATA_DIR", str(tmp_path / "data"))
    # A .env file of the person who runs the tests must not reach them.
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setattr(socket.socket, "connect", _loopback_only)
    # A page that a test runs becomes the main module, and processes that later tests start would run it first.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True)
def _logs_of_its_own() -> Iterator[None]:
    """Undo what a test set for the log of the whole process: a page writes it to the standard error of its test."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session", autouse=True)
def _packages_looked_through_once() -> Iterator[None]:
    """Let each page that a test opens find the components of all installed packages without the search of a second."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session", autouse=True)
def _articles_read_once() -> Iterator[None]:
    """Let each desk that a test opens find the product's own articles read and indexed: no test changes them."""
    from triage.team.knowledge import KnowledgeBase

    load = KnowledgeBase.load
    read_once = cache(load)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KnowledgeBase, "load", lambda folder: read_once(folder) if folder == _ARTICLES else load(folder))
        yield


@pytest.fixture(scope="session", autouse=True)
def _schemas_made_once() -> Iterator[None]:
    """Let each desk that a test opens find the schemas of its tools made: they follow from the code, which stays."""
    from agents import tool

    from triage.team.tools import building

    make, made = building.function_schema, {}

    def copied(func: Callable[..., Any], **named: Any) -> Any:
        key = inspect.unwrap(func).__code__, tuple(sorted(named.items()))
        if key not in made:
            made[key] = make(func, **named)
        return replace(made[key], params_json_schema=deepcopy(made[key].params_json_schema))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "function_schema", copied)
        patch.setattr(tool, "function_schema", copied)
        yield


@pytest.fixture(scope="session", autouse=True)
def _closed_sooner() -> Iterator[None]:
    """Let each desk that a test closes wait less for a thread that sleeps."""
    from triage.runs import engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "LISTENER_SLEEPS_S", 0.01)
        yield


@pytest.fixture(scope="session")
def _first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as the first start leaves it, made once: that start takes as long as most tests."""
    from triage.services import open_services

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(Settings.model_config, "env_file", None)
        folder = tmp_path_factory.mktemp("first") / "data"
        open_services(load_settings(data_dir=folder), kind="test").close()
    return folder


@pytest.fixture
def started_once(_first_start: Path, tmp_path: Path) -> Path:
    """Return the data folder of the test, as the first start leaves it."""
    return Path(shutil.copytree(_first_start, tmp_path / "data"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data")


@pytest.fixture
def operator() -> Actor:
    return Actor(name="olga", role=Role.OPERATOR)


@pytest.fixture
def reviewer() -> Actor:
    return Actor(name="rita", role=Role.REVIEWER)


@pytest.fixture
def child_environment(tmp_path: Path) -> dict[str, str]:
    """The environment for a process that a test starts: this one's, with a data folder of the test."""
    return clean_environment(tmp_path / "data")


@pytest.fixture
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the offline engine write its replies at once, not at the pace at which people read along."""
    from triage.llm.offline import OfflineModel

    monkeypatch.setitem(OfflineModel.__init__.__kwdefaults__, "words_per_second", None)  # type: ignore[arg-type]
