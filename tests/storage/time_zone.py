"""Prints whether a span's time comes back as it was, wherever the machine stands: ``... FILE``."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from storage.traces.queries import TraceQueries
from storage.traces.store import TraceStore
from tests.storage.traces_history import History
from triage.domain.traces import TimeRange


def main(path: str) -> None:
    history = History(runs=1)
    store = TraceStore.open(Path(path))
    history.write(store)
    at = history.runs[0]["created_at"]
    kept = store.records("select started_at from spans where kind = 'agent'")[0]["started_at"]
    found = TraceQueries(store).runs.totals(TimeRange(start=at, end=at + timedelta(seconds=1))).runs
    sys.stdout.write(f"{kept == at} {found}\n")
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
