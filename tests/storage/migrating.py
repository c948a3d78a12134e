"""Brings records up to date when the file GO appears: ``python -m tests.storage.migrating URL NAME GO``."""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

from storage.records import Records, open_engine


def main(url: str, name: str, go: str) -> None:
    warnings.simplefilter("error")
    records = Records(open_engine(url))
    while not Path(go).exists():
        time.sleep(0.001)
    records.migrate()
    with records.begin() as stores:
        stores.notes.put(name, "here")
    records.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
