"""Works off the jobs of a data folder and kills itself when the erasure has come to a named point.

``python -m tests.data_care.victim POINT``; the points are the steps of an erasure, before and after.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from storage.records.database_file import DatabaseFile
from storage.records.erasure import ErasureStore
from storage.traces.care import TraceCare
from triage.services import open_keeper
from triage.settings import load_settings

POINTS: dict[str, tuple[type, str]] = {
    "records": (ErasureStore, "remove"),
    "traces": (TraceCare, "remove"),
    "trace file": (TraceCare, "write_anew"),
    "database file": (DatabaseFile, "write_anew"),
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(point: str) -> None:
    when, _, step = point.partition(" ")
    owner, name = POINTS[step]
    real = getattr(owner, name)

    def dying(*given: Any, **named: Any) -> Any:
        if when == "before":
            die()
        result = real(*given, **named)
        die()
        return result

    setattr(owner, name, dying)
    with open_keeper(load_settings()) as keeper:
        keeper.work_off()


if __name__ == "__main__":
    main(sys.argv[1])
