"""SIGKILL at the worst moments: after a restart every finished span is in the store exactly once."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.traces.store import TraceStore
from triage.tracing.processor import SpoolingProcessor

pytestmark = pytest.mark.kill
PROJECT = Path(__file__).resolve().parents[2]

_START = """
import os, resource, signal, sys
from pathlib import Path
from agents.tracing import custom_span, trace
from storage.traces.store import TraceStore
from triage.tracing import install
from triage.tracing.processor import SpoolingProcessor
from triage.tracing.spool import Spool

folder = Path(sys.argv[1])

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def write(count):
    with trace("t"):
        for number in range(count):
            with custom_span("x", {"number": number, "text": "word " * 50}):
                pass
"""
_BEFORE_THE_STORE = (
    _START
    + """
install(SpoolingProcessor(folder / "spool", sink=TraceStore.open(folder / "traces.duckdb"), interval_s=3600))
write(300)
die()
"""
)
_WHILE_INGESTING = (
    _START
    + """
class Deadly(TraceStore):
    calls = 0
    def insert_batch(self, **batch):
        super().insert_batch(**batch)
        Deadly.calls += 1
        if Deadly.calls == 3:
            die()  # Committed, but the segment is still there and nobody remembers that it was read.

install(SpoolingProcessor(folder / "spool", sink=None, segment_bytes=20_000))
write(300)
from agents.tracing import get_trace_provider
get_trace_provider().shutdown()
SpoolingProcessor(folder / "spool", sink=Deadly.open(folder / "traces.duckdb")).flush()
"""
)
_BEFORE_THE_COMMIT = (
    _START
    + """
class Deadly(TraceStore):
    calls = 0
    def rows(self, *arguments):
        return super().rows(*arguments)
    def _cursor(self):
        class Cursor:
            def __init__(self, cursor):
                self.cursor = cursor
            def __getattr__(self, name):
                return getattr(self.cursor, name)
            def execute(self, statement, *parameters):
                if statement == "commit":
                    Deadly.calls += 1
                    if Deadly.calls == 2:
                        die()
                return self.cursor.execute(statement, *parameters)
        return Cursor(super()._cursor())

install(SpoolingProcessor(folder / "spool", sink=None, segment_bytes=20_000))
write(300)
SpoolingProcessor(folder / "spool", sink=Deadly.open(folder / "traces.duckdb")).flush()
"""
)
_FULL_DISK = (
    _START
    + """
# A limit on the size of files refuses writes in the middle of a line, as a full disk does.
processor = SpoolingProcessor(folder / "spool", sink=None)
install(processor)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_001, resource.RLIM_INFINITY))
write(200)
assert sum(path.stat().st_size for path in (folder / "spool").glob("*.jsonl")) == 10_001
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert processor._spool.retry()
write(100)
die()
"""
)


@pytest.mark.parametrize(
    "script",
    [_BEFORE_THE_STORE, _WHILE_INGESTING, _BEFORE_THE_COMMIT, _FULL_DISK],
    ids=["spool", "committed", "commit", "full"],
)
def test_every_finished_span_is_there_once(tmp_path: Path, child_environment: dict[str, str], script: str) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=PROJECT,
        env=child_environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    store = TraceStore.open(tmp_path / "traces.duckdb")
    processor = SpoolingProcessor(tmp_path / "spool", sink=store)
    assert processor.flush()
    numbers = store.rows("select count(*), count(distinct span_id) from spans")
    processor.shutdown()
    store.close()
    assert numbers == [(300, 300)]
    assert list((tmp_path / "spool").iterdir()) == []
