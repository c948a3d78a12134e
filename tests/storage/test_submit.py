"""Submitting on PostgreSQL, where two transactions write at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from storage.records import Records, open_engine
from storage.records.runs import RunStore
from tests.storage.at_once import at_once
from triage.domain import Actor
from triage.runs.queue import ElsewhereQueue
from triage.runs.service import RunService


@pytest.fixture
def service(postgres_url: str) -> Iterator[RunService]:
    records = Records(open_engine(postgres_url))
    yield RunService(records=records, queue=ElsewhereQueue(), event_log=None, stop=lambda _: None)
    records.close()


def test_two_who_come_with_one_key_at_the_same_moment_get_one_run(
    service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, looked, barrier = RunStore.find_by_key, threading.local(), threading.Barrier(2, timeout=20)

    def find_with_the_other(self: RunStore, key: str) -> Any:
        found = find(self, key)
        if not getattr(looked, "once", False):
            looked.once = True
            # Neither writes before both have seen that there is no run.
            barrier.wait()
        return found

    monkeypatch.setattr(RunStore, "find_by_key", find_with_the_other)
    outcomes = at_once([lambda: service.submit("The board is slow", actor=Actor(name="olga"), idempotency_key="k")] * 2)
    assert [type(one).__name__ for one in outcomes] == ["Run", "Run"], outcomes
    assert outcomes[0].id == outcomes[1].id
    assert len(service.list()) == 1
