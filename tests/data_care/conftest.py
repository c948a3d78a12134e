"""A data folder with customers in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from triage.domain import Actor, DataJob, JobStatus, Role, Run, RunStatus
from triage.services import Services, open_services
from triage.settings import Settings

ADMIN = Actor(name="ada", role=Role.ADMIN)
Open = Callable[[], Services]


@pytest.fixture
def open_desk(settings: Settings, unpaced: None, started_once: Path) -> Iterator[Open]:
    opened: list[Services] = []

    def open_it() -> Services:
        opened.append(open_services(settings, kind="test"))
        return opened[-1]

    yield open_it
    for services in opened:
        if services.folder._lock is not None:
            services.close()


@pytest.fixture
def desk(open_desk: Open) -> Services:
    return open_desk()


def settled(services: Services, run: Run) -> Run:
    """Wait until a run has ended or waits for a person."""
    return waited(
        lambda: services.runs.get(run.id), lambda run: run.status.is_final or run.status is RunStatus.AWAITING_APPROVAL
    )


def ended(services: Services, job: DataJob) -> DataJob:
    """Wait until a job is done or has failed."""
    return waited(
        lambda: services.data_care.get(job.id, actor=ADMIN),
        lambda job: job.status in (JobStatus.DONE, JobStatus.FAILED),
    )


def waited(look: Callable[[], Any], until: Callable[[Any], bool], *, timeout_s: float = 60) -> Any:
    deadline = time.monotonic() + timeout_s
    while not until(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def files_with(folder: Path, words: list[str]) -> list[str]:
    """Return the files in which one of the words stands, in any case."""
    needles = [word.lower().encode() for word in words]
    return [
        f"{path.relative_to(folder)}: {needle.decode()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for needle in needles
        if needle in path.read_bytes().lower()
    ]
