"""A run whose end could not be written is not lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.runs.conftest import settled, until
from triage.domain import Actor, EventKind, RunStatus
from triage.errors import DataFolderError
from triage.runs.records import RunRecords
from triage.services import open_services
from triage.settings import Settings


@contextmanager
def _full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    refused: list[str] = []

    def finish(self: Any, run: Any, **_: Any) -> Any:
        refused.append(run.id)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(RunRecords, "finish_segment", finish)
        yield refused


def test_a_run_whose_end_could_not_be_written_ends_when_the_disk_has_room(
    settings: Settings, operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = open_services(settings, kind="test")
    try:
        with _full_disk(monkeypatch) as refused:
            run = services.runs.submit("How do I add a seat?", actor=operator)
            until(lambda: bool(refused), what="the refused write")
        assert settled(services, run).status is RunStatus.COMPLETED
    finally:
        services.close()


def test_a_run_whose_end_could_not_be_written_ends_after_the_next_start(
    settings: Settings, operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _full_disk(monkeypatch) as refused:
        services = open_services(settings, kind="test")
        run = services.runs.submit("How do I add a seat?", actor=operator)
        until(lambda: bool(refused), what="the refused write")
        services.close()
    services = open_services(settings, kind="test")
    try:
        assert settled(services, run).status is RunStatus.COMPLETED
        kinds = [event.kind for event in services.runs.events(run.id)]
        assert kinds.count(EventKind.RUN_STARTED) == 1
        assert kinds.count(EventKind.RUN_COMPLETED) == 1
    finally:
        services.close()


def test_a_step_that_could_not_be_kept_is_worked_again_and_the_run_goes_on(
    settings: Settings, operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, keep = set[str](), RunRecords.keep

    def keep_at_second_try(self: Any, run_id: str, segment: int, key: str, outcome: Any) -> None:
        # Once for each kind of step: the input check, the agents, a tool, and the writer, which works inside of a tool.
        if (name := key.partition("#")[0]) not in refused:
            refused.add(name)
            raise DataFolderError("The records cannot be read or written now (database is locked).")
        keep(self, run_id, segment, key, outcome)

    monkeypatch.setattr(RunRecords, "keep", keep_at_second_try)
    monkeypatch.setattr("triage.runs.segment.RETRY_AFTER_S", (0.01,))
    services = open_services(settings, kind="test")
    try:
        run = settled(services, services.runs.submit("How do I add a seat?", actor=operator))
        assert (run.status, run.failure) == (RunStatus.COMPLETED, None)
        assert {"model:guardrail", "model:triage", "tool:search_knowledge_base", "model:writer"} <= refused
        kinds = [event.kind for event in services.runs.events(run.id)]
        assert kinds.count(EventKind.RUN_STARTED) == kinds.count(EventKind.RUN_COMPLETED) == 1
    finally:
        services.close()
