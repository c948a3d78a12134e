"""When the disk is full or lines are broken: a clear sentence, nothing lost, and it goes on by itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from agents.tracing import custom_span, trace
from agents.tracing.setup import set_trace_provider

from storage.traces.store import TraceStore
from triage.errors import DataFolderError
from triage.tracing import RunTraceProvider, install
from triage.tracing.ingest import trouble_of
from triage.tracing.processor import SpoolingProcessor


def _write_spans(count: int, *, size: int = 10) -> None:
    with trace("t"):
        for number in range(count):
            with custom_span("x", {"number": number, "text": f"{number:x}" * size}):
                pass


def test_lines_set_aside_are_counted_for_the_page(tracing: Any) -> None:
    assert tracing.processor.flush()
    assert tracing.processor.health().lines_set_aside == 0
    tracing.spool_dir.mkdir(exist_ok=True)
    segment = tracing.spool_dir / "00000000000000000001-1-aaaaaa.jsonl"
    segment.with_suffix(".new").write_bytes(b"not json\nnor this\ncut off")
    segment.with_suffix(".new").rename(segment)

    assert tracing.processor.flush()
    health = tracing.processor.health()
    assert (health.lines_set_aside, health.trouble) == (3, None)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB, where one can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("No disk can be mounted here.")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 65_536)
        except OSError:
            return filler


def test_a_full_disk_loses_nothing_and_says_so(tmp_path: Path, small_disk: Path) -> None:
    # The spool lies on another disk, so that the store alone is short of space.
    store = TraceStore.open(small_disk / "traces.duckdb")
    processor = SpoolingProcessor(tmp_path / "spool", sink=store, interval_s=60)
    install(processor)
    try:
        _write_spans(20)
        assert processor.flush()
        filler = _fill(small_disk)
        _write_spans(500, size=1_000)
        assert processor.flush(timeout_s=2) is False
        health = processor.health()
        assert health is not None
        assert health.trouble is not None
        assert health.trouble.startswith("No space is left on the disk")
        assert store.rows("select count(*) from spans") == [(20,)], "Pages can still be read."

        filler.unlink()
        assert processor.flush()
        assert store.rows("select count(*), count(distinct span_id) from spans") == [(520, 520)]
        assert processor.health().trouble is None  # type: ignore[union-attr]
    finally:
        processor.shutdown()
        set_trace_provider(RunTraceProvider())
        store.close()


def test_a_disk_that_fills_up_in_a_checkpoint_is_got_over(small_disk: Path) -> None:
    store = TraceStore.open(small_disk / "traces.duckdb")
    store.insert_batch(runs=[], price=lambda _: None, segment="s", offset=7)
    filler = _fill(small_disk)
    with pytest.raises((DataFolderError, duckdb.Error)):
        store.rows("force checkpoint")
    filler.unlink()

    assert store.offsets() == {"s": 7}
    store.insert_batch(runs=[], price=lambda _: None, segment="s", offset=8)
    assert store.offsets() == {"s": 8}
    store.close()


def test_every_trouble_is_a_sentence() -> None:
    assert "free some" in trouble_of(OSError(28, "No space left on device"))
    assert trouble_of(DataFolderError("Another process has it.")) == "Another process has it."
    assert "IOException" in trouble_of(duckdb.IOException("secret words"))
    assert "secret" not in trouble_of(duckdb.IOException("secret words"))
