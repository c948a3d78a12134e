"""A backup that is made while the desk works is whole, and its runs go on where it is restored."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from pathlib import Path

import pytest

from tests.data_care.conftest import ADMIN, ended, settled
from triage.domain import Actor, JobStatus, Role, RunFilter, RunStatus
from triage.errors import InvalidInput
from triage.services import Services, open_services, restore
from triage.settings import Settings, load_settings

MESSAGE = "My invoice {} was not generated, please check."


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "restored")


def test_it_is_whole_while_messages_come_in_and_the_runs_go_on(
    desk: Services, elsewhere: Settings, tmp_path: Path
) -> None:
    waiting = settled(
        desk, desk.runs.submit("Refund order 2, it is broken.", actor=ADMIN, customer_email="alice@example.com")
    )
    assert waiting.status is RunStatus.AWAITING_APPROVAL
    done = settled(desk, desk.runs.submit(MESSAGE.format(1), actor=ADMIN))
    stop = threading.Event()

    def go_on_submitting() -> None:
        number = 2
        while not stop.wait(0.01):
            desk.runs.submit(MESSAGE.format(number), actor=ADMIN)
            number += 1

    submitting = threading.Thread(target=go_on_submitting)
    submitting.start()
    job = ended(desk, desk.data_care.back_up(tmp_path / "backup.tar", actor=ADMIN))
    stop.set()
    submitting.join()
    assert job.status is JobStatus.DONE, job.error
    assert (tmp_path / "backup.tar").stat().st_mode & 0o077 == 0
    desk.close()

    told = restore(elsewhere, tmp_path / "backup.tar")
    assert told["files"] >= 3
    restored = open_services(elsewhere, kind="test")
    try:
        assert restored.audit.verify(actor=ADMIN).is_unbroken
        assert restored.runs.get(done.id).reply == done.reply
        assert restored.traces is not None
        assert restored.traces.rows("select status from runs where run_id = ?", [done.id]) == [("completed",)]
        (approval,) = restored.approvals.list_of_run(waiting.id)
        restored.approvals.approve(approval.id, actor=Actor(name="mia", role=Role.MANAGER))
        for run in restored.runs.list(RunFilter(), limit=500):
            assert settled(restored, run).status is RunStatus.COMPLETED
    finally:
        restored.close()


def test_a_folder_with_something_in_it_is_left_alone(desk: Services, settings: Settings, tmp_path: Path) -> None:
    ended(desk, desk.data_care.back_up(tmp_path / "backup.tar", actor=ADMIN))
    with pytest.raises(InvalidInput, match="not empty"):
        restore(settings, tmp_path / "backup.tar")
    with pytest.raises(InvalidInput, match="already"):
        desk.data_care.back_up(tmp_path / "backup.tar", actor=ADMIN)


def test_what_is_damaged_newer_or_no_backup_restores_nothing(
    desk: Services, elsewhere: Settings, tmp_path: Path
) -> None:
    whole = tmp_path / "backup.tar"
    ended(desk, desk.data_care.back_up(whole, actor=ADMIN))
    altered = bytearray(whole.read_bytes())
    at = altered.index(b"SQLite format 3") + 5_000
    altered[at] ^= 1
    for name, content in (
        ("altered.tar", bytes(altered)),
        ("cut.tar", whole.read_bytes()[: len(altered) // 2]),
        ("words.tar", b"words"),
        ("empty.tar", b""),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidInput, match="no whole backup"):
            restore(elsewhere, tmp_path / name)
    (tmp_path / "newer.tar").write_bytes(_with_manifest(whole, records_version="9999"))
    with pytest.raises(InvalidInput, match="newer version"):
        restore(elsewhere, tmp_path / "newer.tar")
    (tmp_path / "outside.tar").write_bytes(_with_manifest(whole, files={"../x": {"bytes": 1, "sha256": ""}}))
    with pytest.raises(InvalidInput, match="no whole backup"):
        restore(elsewhere, tmp_path / "outside.tar")
    assert not elsewhere.data_dir.exists()
    assert not list(tmp_path.glob(".restore-*"))


def _with_manifest(whole: Path, **changes: object) -> bytes:
    """Return the archive with another manifest."""
    written = io.BytesIO()
    with tarfile.open(whole) as source, tarfile.open(fileobj=written, mode="w") as copy:
        for member in source:
            file = source.extractfile(member)
            assert file is not None
            content = file.read()
            if member.name == "manifest.json":
                content = json.dumps({**json.loads(content), **changes}).encode()
                member.size = len(content)
            copy.addfile(member, io.BytesIO(content))
    return written.getvalue()
