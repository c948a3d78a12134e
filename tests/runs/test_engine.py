"""The engine takes what waits, once, and no more at a time than it may."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbos import _dbos, _queue, _workflow_commands
from dbos._serialization import DefaultSerializer

from storage.records import Records, open_engine
from tests.migrated import migrated
from tests.runs.conftest import until
from triage.runs.dbos_pace import SELDOM_S, look_seldom_for_recovered
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
    records = Records(open_engine(migrated(tmp_path / "triage.db")))
    built = DurableEngine(records.engine, news=records.news(), max_concurrent_runs=2)
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


def test_dbos_looks_seldom_for_what_it_is_not_asked(engine: DurableEngine) -> None:
    engine.launch(Work().run, waiting=lambda limit: [])
    launched = _dbos._get_dbos_instance()
    look_seldom_for_recovered(launched)
    assert launched._registry.get_internal_queue()._polling_interval_sec == SELDOM_S
    # The threads read the names that are set; a DBOS that does not know them would go on once a second.
    assert "_polling_interval_sec" in _queue.queue_worker_thread.__code__.co_names
    assert "_BACKGROUND_JOBS_INTERVAL_SEC" in _workflow_commands.background_jobs_thread.__code__.co_names
    assert _workflow_commands._BACKGROUND_JOBS_INTERVAL_SEC == SELDOM_S


def test_dbos_compiles_what_it_writes_once(engine: DurableEngine) -> None:
    work, left = Work(), [WaitingSegment(f"r{number}", 0) for number in range(3)]
    work.let_go.set()
    engine.launch(
        work.run, waiting=lambda limit: [segment for segment in left if not work.begun[f"{segment.run_id}:0"]]
    )
    prepared = _dbos._get_dbos_instance()._sys_db._execute_prepared
    until(lambda: work.begun.total() == 3 and work.at_once == 0, what="the segments")
    asked = "select workflow_uuid, status, o.output from workflow_status join workflow_output o using (workflow_uuid)"
    with engine._database.connect() as connection:
        until(lambda: len(connection.exec_driver_sql(asked).all()) == 3, what="the outcomes")
        ended = connection.exec_driver_sql(asked).all()
        inputs = connection.exec_driver_sql("select inputs from workflow_input order by workflow_uuid").scalars().all()
    assert {(row.workflow_uuid, row.status) for row in ended} == {(f"r{number}:0", "SUCCESS") for number in range(3)}
    assert [DefaultSerializer().deserialize(given)["args"] for given in inputs] == [(f"r{n}", 0) for n in range(3)]
    assert {DefaultSerializer().deserialize(row.output) for row in ended} == {"completed"}
    # Each statement was compiled for the first of them only, and none went past this.
    assert sorted(name for name, *_ in prepared.kept) == [
        "insert_workflow_input", "insert_workflow_status", "upsert_workflow_output",
    ]  # fmt: skip


def test_dbos_writes_in_the_thread_of_the_engine_and_other_work_has_threads(engine: DurableEngine) -> None:
    wrote, worked, left = set[str](), set[str](), list[WaitingSegment]()

    def note() -> None:
        wrote.add(threading.current_thread().name)

    async def run(run_id: str, segment: int) -> str:
        worked.add(await asyncio.to_thread(lambda: threading.current_thread().name))
        return "completed"

    engine.launch(run, waiting=lambda limit: left)
    launched = _dbos._get_dbos_instance()
    prepared, in_place = launched._sys_db._execute_prepared, launched._shared_executor_field
    launched._sys_db._execute_prepared = lambda *given, **named: note() or prepared(*given, **named)
    left.append(WaitingSegment("r1", 0))
    # Its start, a stage in between that does nothing, and its end.
    until(lambda: in_place.done == 3, what="the end of the workflow")
    assert wrote == {"durable-engine"}
    assert worked
    assert not worked & wrote


def test_a_segment_that_another_process_queued_is_seen_without_being_told(tmp_path: Path) -> None:
    database = tmp_path / "triage.db"
    records, looks = Records(open_engine(migrated(database))), []
    engine = DurableEngine(records.engine, news=records.news(), max_concurrent_runs=2)
    engine.launch(Work().run, waiting=lambda limit: looks.append(limit) or [])
    until(lambda: bool(looks), what="the first look")
    other = sqlite3.connect(database)
    seen = len(looks)
    with other:
        other.execute("create table elsewhere (id integer)")
    until(lambda: len(looks) > seen, what="a look after the change")
    other.close()
    engine.close()
    records.close()
