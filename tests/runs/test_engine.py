"""The engine takes what waits, once, and no more at a time than it may."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.records import Records, open_engine
from tests.runs.conftest import until
from triage.runs.engine import DurableEngine
from triage.runs.queue import WaitingSegment


class Work:
    """Segments that wait until they are let go, and how often each was begun."""

    def __init__(self) -> None:
        self.begun: Counter[str] = Counter()
        self.at_once = 0
        self.most_at_once = 0
        self.let_go = threading.Event()

    async def run(self, run_id: str, segment: int) -> str:
        self.begun[f"{run_id}:{segment}"] += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.to_thread(self.let_go.wait)
        self.at_once -= 1
        return "completed"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DurableEngine]:
    records = Records(open_engine(f"sqlite:///{tmp_path / 'triage.db'}"))
    records.migrate()
    built = DurableEngine(records.engine, max_concurrent_runs=2)
    yield built
    built.close()
    records.close()


def test_a_segment_that_is_seen_again_and_again_is_resumed_once(engine: DurableEngine) -> None:
    work, looks = Work(), threading.Semaphore(0)

    def waiting(limit: int) -> list[WaitingSegment]:
        looks.release()
        return [WaitingSegment("r1", 1)]

    engine.launch(work.run, waiting=waiting)
    threads = [threading.Thread(target=engine.wake) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: work.begun["r1:1"] > 0, what="the segment")
    work.let_go.set()
    until(lambda: work.at_once == 0, what="the end of the segment")
    for _ in range(5):
        engine.wake()
        assert looks.acquire(timeout=30)
    assert work.begun == {"r1:1": 1}


def test_no_more_segments_are_at_work_than_allowed_and_every_one_gets_its_turn(engine: DurableEngine) -> None:
    work, left = Work(), [WaitingSegment(f"r{number}", 0) for number in range(7)]

    async def run(run_id: str, segment: int) -> str:
        left.remove(WaitingSegment(run_id, segment))
        return await work.run(run_id, segment)

    engine.launch(run, waiting=lambda limit: left[:limit])
    until(lambda: work.at_once == 2, what="two segments at work")
    work.let_go.set()
    until(lambda: len(work.begun) == 7, what="every segment")
    assert work.most_at_once == 2
    assert set(work.begun.values()) == {1}


def test_a_look_that_fails_is_made_again(engine: DurableEngine) -> None:
    work, answers = Work(), iter([OSError("no disk"), ValueError("odd")])
    work.let_go.set()

    def waiting(limit: int) -> list[WaitingSegment]:
        for error in answers:
            raise error
        return [WaitingSegment("r1", 0)]

    engine.launch(work.run, waiting=waiting)
    until(lambda: work.begun["r1:0"] == 1, what="the segment")
