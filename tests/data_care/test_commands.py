"""The commands on what is kept, without a console, and an erasure that is killed on its way."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.data_care.conftest import ADMIN, Open, ended, files_with, settled
from tests.data_care.victim import POINTS
from tests.processes import run_module
from triage.domain import JobStatus
from triage.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
EMAIL, MARKER = "alice@example.com", "zanzibarquartz"


@pytest.fixture
def written(open_desk: Open) -> str:
    """A run of a customer in a data folder that nobody owns; returns its id."""
    desk = open_desk()
    run = settled(desk, desk.runs.submit(f"My invoice {MARKER} was not generated.", actor=ADMIN, customer_email=EMAIL))
    desk.close()
    return run.id


@pytest.fixture
def command_line(child_environment: dict[str, str]) -> CommandLine:
    return CommandLine(child_environment)


@pytest.mark.parametrize("points", [("before records", "after traces"), ("after trace file", "before database file")])
@pytest.mark.usefixtures("written")
def test_an_erasure_that_is_killed_twice_is_whole_in_the_end(
    open_desk: Open, settings: Settings, child_environment: dict[str, str], points: tuple[str, str]
) -> None:
    desk = open_desk()
    assert desk.keeper is not None
    desk.keeper.close()
    job = desk.data_care.erase(EMAIL, actor=ADMIN)
    desk.close()
    for place in points:
        died = run_module("tests.data_care.victim", place, environment=child_environment)
        assert died.returncode == -signal.SIGKILL
    desk = open_desk()
    done = ended(desk, job)
    assert done.status is JobStatus.DONE, done.error
    assert done.result is not None
    assert done.result["removed"]["runs"] == 1
    assert desk.audit.verify(actor=ADMIN).is_unbroken
    desk.close()
    assert files_with(settings.data_dir, [EMAIL, MARKER]) == []


def test_the_points_are_steps_of_an_erasure() -> None:
    assert all(callable(getattr(owner, name)) for owner, name in POINTS.values())


def test_export_import_backup_restore_and_erase_from_the_command_line(
    written: str, command_line: CommandLine, tmp_path: Path
) -> None:
    exported = command_line.run("export", str(tmp_path / "x.zip"), "--json")
    assert json.loads(exported.stdout)["rows"]["runs"] == 1, exported.stderr
    taken = command_line.run("import-export", str(tmp_path / "x.zip"), "--json")
    assert json.loads(taken.stdout) == {"added": {"spans": 0, "runs": 0, "traces": 0}}
    assert command_line.run("backup", str(tmp_path / "x.tar")).returncode == 0
    refused = command_line.run("restore", str(tmp_path / "x.tar"))
    assert (refused.returncode, "not empty" in refused.stderr) == (1, True)
    assert json.loads(command_line.run("retention", "--dry-run", "--json").stdout) == {"dry_run": True, "removed": {}}
    found = json.loads(command_line.run("erase", EMAIL, "--dry-run", "--json").stdout)
    assert found["found"]["runs"] == 1
    declined = command_line.run("erase", EMAIL, stdin=b"n\n")
    assert (declined.returncode, "Nothing was erased" in declined.stderr) == (1, True)
    erased = json.loads(command_line.run("erase", EMAIL, "--yes", "--json").stdout)
    assert erased["removed"]["runs"] == 1
    assert erased["files_removed"] == [str((tmp_path / "x.zip").resolve())]
    assert erased["backups"] == [str((tmp_path / "x.tar").resolve())]
    assert not (tmp_path / "x.zip").exists()
    assert files_with(command_line.data_dir, [EMAIL, MARKER]) == []
    command_line.environment["TRIAGE_DATA_DIR"] = str(tmp_path / "again")
    restored = command_line.run("restore", str(tmp_path / "x.tar"), "--json")
    assert json.loads(restored.stdout)["files"] >= 3
    assert written in command_line.run("runs", "list").stdout
