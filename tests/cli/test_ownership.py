"""The lock on the data folder: one owner, and who only looks is waited for."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from filelock import FileLock

from triage import ownership
from triage.errors import DataFolderError
from triage.ownership import DataFolder


def test_a_look_at_the_folder_does_not_keep_its_owner_out(tmp_path: Path) -> None:
    looking = FileLock(tmp_path / "owner.lock", thread_local=False)
    looking.acquire()
    done = threading.Timer(0.2, looking.release)
    done.start()
    folder = DataFolder(tmp_path)
    folder.own("console")
    done.join()
    assert folder.owner() is not None
    folder.release()


def test_an_owner_that_stays_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "OWN_WAIT_S", 0.1)
    first, second = DataFolder(tmp_path), DataFolder(tmp_path)
    first.own("worker")
    assert second.is_taken()
    with pytest.raises(DataFolderError, match="in use by a worker"):
        second.own("console")
    first.release()
    assert not second.is_taken()
    second.own("console")
    second.release()
