"""From the spool into the store: every good line once, every bad one set aside, and no trouble for the run."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
from agents.tracing import custom_span, trace
from structlog.testing import capture_logs

from storage.traces.store import TraceStore
from triage.errors import InvalidInput
from triage.tracing.processor import SpoolingProcessor
from triage.tracing.spool import BACKLOG_BYTES, Spool, open_segment

GOOD = (
    b'{"type":"span","trace_id":"trace_1","span_id":"%s","kind":"custom","name":"x",'
    b'"started_at":"2026-03-04T05:06:07.000001+00:00","ended_at":"2026-03-04T07:06:07.500001+02:00"}\n'
)
SECRET = b"my card is 4111"


def _leave_behind(spool_dir: Path, text: bytes) -> Path:
    """A segment as an earlier process left it."""
    spool_dir.mkdir(parents=True, exist_ok=True)
    path = spool_dir / "00000000000000000001-1-aaaaaa.jsonl"
    unnamed = path.with_suffix(".new")
    unnamed.write_bytes(text)
    # In one piece, because the ingester may look at any moment and takes an unlocked file for a finished one.
    return unnamed.rename(path)


def _write_spans(count: int, *, name: str = "x") -> None:
    with trace("t"):
        for number in range(count):
            with custom_span(name, {"number": number}):
                pass


def test_flush_makes_everything_queryable(tracing: Any) -> None:
    _write_spans(25)
    assert tracing.processor.flush()

    assert tracing.store.rows("select count(*) from spans") == [(25,)]
    assert tracing.store.rows("select name, count(*) from traces group by name") == [("t", 1)]


def test_a_backlog_is_taken_in_before_its_time(tracing: Any) -> None:
    # From here on the thread waits for a minute, and nobody asks for a flush.
    assert tracing.processor.flush()
    with trace("t"):
        for number in range(BACKLOG_BYTES // 100_000 + 1):
            with custom_span("x", {"number": number, "text": "x" * 100_000}):
                pass

    deadline = time.monotonic() + 30
    while tracing.store.rows("select count(*) from spans") < [(BACKLOG_BYTES // 101_000,)]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_an_earlier_process_left_comes_in_and_its_segment_goes(tracing: Any) -> None:
    segment = _leave_behind(tracing.spool_dir, GOOD % b"s1" + GOOD % b"s2")

    row = tracing.spans()[0]
    assert row["duration_ms"] == 500, "The offsets of the times count."
    assert len(tracing.spans()) == 2
    assert not segment.exists()
    assert tracing.store.offsets().keys() == {path.name for path in tracing.spool_dir.glob("*.jsonl")}


@pytest.mark.parametrize(
    "bad",
    [
        SECRET,
        b'{"type":"span","trace_id":"trace_1","span_id":"' + SECRET,
        b'["' + SECRET + b'"]',
        b'{"type":"span","note":"' + SECRET + b'"}',
        b'{"type":"run","run_id":"' + SECRET + b'"}',
        b'{"type":"run","run_id":"r","updated_at":"' + SECRET + b'"}',
        b'{"type":"unheard of","note":"' + SECRET + b'"}',
        (GOOD % b"s0").strip().replace(b'"custom"', b'["' + SECRET + b'"]'),
        (GOOD % b"s0").strip().replace(b"2026-03-04T05", SECRET),
        b'{"type":"span","is_model_call":"' + SECRET + b'"}',
        SECRET + b"\xff\xfe\x00",
        SECRET + b"\r" + (GOOD % b"s0").strip(),
    ],
)
def test_a_bad_line_is_set_aside_and_the_rest_goes_in(tracing: Any, bad: bytes) -> None:
    good = [GOOD % b"s%d" % number for number in range(1, 8)]
    with capture_logs() as logs:
        _leave_behind(tracing.spool_dir, b"".join(good[:4]) + bad + b"\n" + b"".join(good[4:]))
        assert [row["span_id"] for row in tracing.spans()] == [f"s{number}" for number in range(1, 8)]

    kept = list((tracing.spool_dir / "rejected").iterdir())
    assert [path.read_bytes() for path in kept] == [bad + b"\n"]
    assert [entry["event"] for entry in logs] == ["spool_lines_rejected"]
    assert SECRET.decode() not in str(logs)


def test_a_line_cut_by_a_kill_is_set_aside(tracing: Any) -> None:
    cut = (GOOD % b"s2")[:40]
    with capture_logs() as logs:
        segment = _leave_behind(tracing.spool_dir, GOOD % b"s1" + cut)
        assert [row["span_id"] for row in tracing.spans()] == ["s1"]

    assert [path.read_bytes() for path in (tracing.spool_dir / "rejected").iterdir()] == [cut]
    assert [entry["event"] for entry in logs] == ["spool_line_cut"]
    assert not segment.exists()


def test_a_segment_that_somebody_still_writes_stays(tmp_path: Path, tracing: Any) -> None:
    other = Spool(tracing.spool_dir)
    other.append(GOOD % b"s1")
    assert [row["span_id"] for row in tracing.spans()] == ["s1"]
    other.append(GOOD % b"s2")
    assert [row["span_id"] for row in tracing.spans()] == ["s1", "s2"]

    other.close()
    assert tracing.processor.flush()
    assert list(tracing.spool_dir.glob("*.jsonl")) == []
    assert tracing.store.offsets() == {}


def test_segments_rotate_and_vanish(tracing: Any) -> None:
    tracing.segment_bytes = 2_000
    tracing.reopen()
    _write_spans(100)
    assert len(list(tracing.spool_dir.glob("*.jsonl"))) > 3

    assert len(tracing.spans()) == 100
    assert len(list(tracing.spool_dir.glob("*.jsonl"))) <= 1


def test_threads_lose_nothing(tracing: Any) -> None:
    tracing.segment_bytes = 20_000
    tracing.reopen()
    threads = [threading.Thread(target=_write_spans, args=(200,), kwargs={"name": f"t{n}"}) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
        assert tracing.processor.flush()

    counted = tracing.store.rows(
        "select name, count(*), count(distinct span_id) from spans group by name order by name"
    )
    assert counted == [(f"t{n}", 200, 200) for n in range(6)]


def test_shutdown_takes_in_the_rest_and_may_come_twice(tracing: Any) -> None:
    _write_spans(3)
    tracing.processor.shutdown()
    tracing.processor.shutdown()

    assert tracing.store.rows("select count(*) from spans") == [(3,)]
    assert list(tracing.spool_dir.glob("*.jsonl")) == []


def test_a_span_after_shutdown_comes_in_at_the_next_start(tracing: Any) -> None:
    tracing.processor.shutdown()
    _write_spans(2)
    tracing.processor._spool.close()
    tracing.reopen()

    assert len(tracing.spans()) == 2


def test_a_store_in_trouble_reaches_no_run_and_loses_nothing(tracing: Any) -> None:
    with capture_logs() as logs:
        tracing.store.close()
        _write_spans(5)
        assert tracing.processor.flush(timeout_s=0.5) is False
        _write_spans(5)
        assert tracing.processor.flush(timeout_s=0.5) is False
    # The index of words may meet the closed store first; what counts is that each kind of trouble is told once.
    told = sorted(entry["event"] for entry in logs if entry["event"] != "words_not_indexed")
    assert told == ["trace_store_failed"], "Trouble is told once."
    assert len(logs) <= 2

    tracing.processor.shutdown(timeout=5)
    tracing.open()
    assert len(tracing.spans()) == 10


def test_a_spool_that_cannot_be_written_waits_in_memory(tracing: Any) -> None:
    # A file in the place of the folder refuses writes to every user, as a full disk does.
    shutil.rmtree(tracing.spool_dir, ignore_errors=True)
    tracing.spool_dir.write_text("in the way")
    with capture_logs() as logs:
        _write_spans(5)
        tracing.spool_dir.unlink()
        assert [orjson.loads(row["content"])["data"]["number"] for row in tracing.spans()] == [0, 1, 2, 3, 4]

    assert [entry["event"] for entry in logs] == ["spool_write_failed", "spool_writes_again"]


def test_spans_that_wait_in_memory_are_written_when_the_disk_takes_them_again_at_the_end(
    tracing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(tracing.spool_dir, ignore_errors=True)
    tracing.spool_dir.write_text("in the way")
    _write_spans(5)
    # Waiting for the disk is when it takes lines again.
    monkeypatch.setattr(time, "sleep", lambda _seconds: tracing.spool_dir.unlink(missing_ok=True))
    tracing.processor.shutdown(timeout=5)
    tracing.open()
    assert len(tracing.spans()) == 5


def test_a_processor_without_a_store_only_spools(tmp_path: Path, tracing: Any) -> None:
    writer = SpoolingProcessor(tracing.spool_dir, sink=None)
    descriptors = [open_segment(tracing.spool_dir)]
    assert writer.flush()
    assert len(descriptors) == 1
    tracing.processor.flush()
    assert len(list(tracing.spool_dir.glob("*.jsonl"))) == 1, "An empty segment that is held stays too."


def test_the_store_forgets_segments_that_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "traces.duckdb"
    store = TraceStore.open(path)
    store.insert_batch(segment="gone.jsonl", offset=10, price=lambda _: None)
    processor = SpoolingProcessor(tmp_path / "spool", sink=store)
    assert processor.flush()
    assert store.offsets() == {}
    processor.shutdown()
    store.close()


def test_a_refused_batch_keeps_nothing(tracing: Any) -> None:
    with pytest.raises(InvalidInput):
        tracing.store.insert_batch(
            span_lines=[GOOD % b"s1", b'{"trace_id":"no more"}\n'], price=lambda _: None, segment="s", offset=1
        )

    assert tracing.store.rows("select count(*) from spans") == [(0,)]
    assert "s" not in tracing.store.offsets()


def test_a_closed_store_raises_its_own_error(tmp_path: Path) -> None:
    store = TraceStore.open(tmp_path / "t.duckdb")
    store.close()
    with pytest.raises(duckdb.Error):
        store.insert_batch(segment="s", offset=1, price=lambda _: None)
