"""A whole product on a data folder of the test: real records, real engine, real traces, the offline engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from triage.domain import Run, RunStatus
from triage.services import Services, open_services
from triage.settings import Settings

LONGEST_S = 30.0


@pytest.fixture(autouse=True)
def _unpaced(unpaced: None) -> None:
    """Nobody reads along here."""


@pytest.fixture
def services(settings: Settings, started_once: Path) -> Iterator[Services]:
    running = open_services(settings, kind="test")
    yield running
    running.close()


def until(found: Callable[[], bool], *, what: str) -> None:
    """Wait for something that happens in another thread; it fails loudly instead of hanging."""
    deadline = time.monotonic() + LONGEST_S
    while not found():
        assert time.monotonic() < deadline, f"It never happened: {what}."
        time.sleep(0.01)


def settled(services: Services, run: Run) -> Run:
    """Return the run when it has ended or waits for a person."""

    def done() -> bool:
        status = services.runs.get(run.id).status
        return status.is_final or status is RunStatus.AWAITING_APPROVAL

    until(done, what=f"the end of {run.id}")
    return services.runs.get(run.id)
