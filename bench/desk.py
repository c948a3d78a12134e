"""The product in a temporary data folder: with models that are scripted, or against a model server."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.script import ACCOUNT, EMAIL, MESSAGE, Scripts
from triage.domain import Actor, Run, RunStatus
from triage.llm.breaker import ModelBreaker
from triage.llm.chain import ChainLink, ModelChain
from triage.llm.durable import DurableModel
from triage.llm.names import ROLES
from triage.logs import configure_logs
from triage.services import Services, open_services, settle_in
from triage.settings import Settings

ACTOR = Actor(name="benchmark")
LONGEST_WAIT_S = 300.0
PRICED_MODEL = "gpt-5.4"
WARNINGS_AND_WORSE = 30


def clean_environment() -> None:
    """Forget the settings of whoever runs the benchmarks, so that everybody measures the same product."""
    for field in Settings.model_fields.values():
        os.environ.pop(str(field.alias), None)
    configure_logs(level=WARNINGS_AND_WORSE)


def settings_for(folder: Path, **changes: Any) -> Settings:
    """Return the default settings on a data folder."""
    return Settings(_env_file=None, data_dir=folder, **changes)  # type: ignore[call-arg]


@contextmanager
def open_desk(scripts: Scripts | None = None, **changes: Any) -> Iterator[Services]:
    """Open the services in a temporary folder; with ``scripts`` those stand for the first model of every chain."""
    with tempfile.TemporaryDirectory(prefix="triage-bench-") as folder:
        services = open_services(settings_for(Path(folder), **changes), kind="benchmark")
        try:
            if scripts is not None:
                _put_in(services, scripts)
            settle_in()
            yield services
        finally:
            services.close()


def _put_in(services: Services, scripts: Scripts) -> None:
    assert services.models is not None
    for role in ROLES:
        model = services.models.for_role(role)
        assert isinstance(model, DurableModel)
        link = ChainLink(PRICED_MODEL, lambda role=role: scripts.for_role(role), ModelBreaker(PRICED_MODEL))  # type: ignore[misc]
        model.chain = ModelChain([link], retries=0, timeout_s=60.0)


def submit(services: Services, count: int = 1) -> list[Run]:
    """Submit the scripted message, each time as a new conversation."""
    return [services.runs.submit(MESSAGE, actor=ACTOR, customer_email=EMAIL, account_id=ACCOUNT) for _ in range(count)]


def wait_for(services: Services, runs: Sequence[Run], *, every_s: float = 0.1) -> list[Run]:
    """Wait until nothing is queued or running and return the runs, each of which ended well."""
    deadline = time.monotonic() + LONGEST_WAIT_S
    while (counts := services.runs.counts())["queued"] + counts["running"]:
        assert time.monotonic() < deadline, f"The runs did not end: {counts}"
        time.sleep(every_s)
    ended = [services.runs.get(run.id) for run in runs]
    for run in ended:
        assert run.status is RunStatus.COMPLETED, f"A run ended as {run.status}: {run.failure or run.trip}"
    return ended
