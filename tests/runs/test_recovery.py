"""A run whose end could not be written is not lost, and one that was interrupted still counts what it worked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.records import Records, open_engine
from tests.migrated import migrated
from tests.runs.conftest import settled, until
from triage.domain import Actor, Conversation, EventKind, NewEvent, Run, RunStatus
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
        services.settle_traces()
        assert services.traces is not None
        # The input check had left spans before anything was kept; the attempt after it gives them the same ids.
        assert services.traces.rows("select span_id from spans group by all having count(*) > 1", {}) == []
    finally:
        services.close()


def test_the_time_that_a_segment_worked_before_each_kill_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
    records = Records(open_engine(migrated(tmp_path / "triage.db")))
    work = RunRecords(records)
    nobody = {"customer_email": None, "account_id": None}
    conversation = Conversation(id="c1", subject="x", created_at=begun, updated_at=begun, **nobody)
    run = Run(
        id="r1", conversation_id="c1", message_id="m1", message="x", status=RunStatus.QUEUED, submitted_by="olga",
        trace_id="t1", created_at=begun, updated_at=begun, **nobody,
    )  # fmt: skip
    with records.begin() as tx:
        tx.conversations.add(conversation)
        tx.runs.add(run)

    def start(minute: int) -> int:
        monkeypatch.setattr("triage.runs.records.utc_now", lambda: begun + timedelta(minutes=minute))
        return work.start_segment("r1", 0).run.active_ms

    def tell(minute: int, second: int, kind: EventKind) -> None:
        at = begun + timedelta(minutes=minute, seconds=second)
        work.append_many({"r1": [NewEvent(key=f"{kind}:{at}", kind=kind, at=at)]})

    assert start(1) == 0
    work.keep("r1", 0, "model:triage#0", {})
    tell(1, 2, EventKind.MODEL_COMPLETED)
    # Killed; while nothing works, a person writes in the story of the run.
    tell(5, 0, EventKind.REPLY_EDITED)
    assert start(9) == 2_000
    tell(9, 3, EventKind.TOOL_CALLED)
    assert start(20) == 5_000
    records.close()
