"""The commands of the audit log, and what doctor says of items that another build paused."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine

DATA_GONE = "All our data is gone after the update, every project is empty"


@pytest.fixture
def filled(triage: CommandLine) -> CommandLine:
    """A data folder whose log has the loading of the samples and their removal."""
    triage.json("samples", "remove")
    return triage


def _attack(triage: CommandLine, *statements: str) -> None:
    with closing(sqlite3.connect(triage.data_dir / "triage.db")) as connection:
        for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            connection.execute(f"drop trigger {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_an_untouched_log_passes(filled: CommandLine) -> None:
    check = filled.json("audit", "verify")
    assert (check["is_unbroken"], check["checked"], check["is_sealed"]) == (True, 2, True)
    said = filled.run("audit", "verify")
    known = f"2:{check['head_hash']}"
    assert (said.returncode, said.stdout) == (0, f"Checked 2 lines: unbroken. The last one is {known}\n")
    assert filled.json("audit", "verify", "--known", known)["is_unbroken"]
    assert not filled.json("audit", "verify", "--known", f"1:{check['head_hash']}", status=1)["is_unbroken"]
    assert "SEQ:HASH" in filled.refusal("audit", "verify", "--known", "the last one")


@pytest.mark.parametrize(
    ("statement", "says", "line"),
    [
        ("update audit_log set actor = 'nobody' where seq = 1", "Line 1 was altered.", 1),
        ("delete from audit_log where seq = 1", "Line 1 is missing.", 1),
        ("delete from audit_log where seq = 2", "Line 2 is missing at the end.", 2),
    ],
)
def test_a_broken_log_is_a_failure_that_names_the_line(
    filled: CommandLine, statement: str, says: str, line: int
) -> None:
    _attack(filled, statement)
    said = filled.run("audit", "verify")
    assert (said.returncode, said.stderr) == (1, "")
    assert said.stdout.startswith(f"BROKEN  {says}")
    check = filled.json("audit", "verify", status=1)
    assert (check["is_unbroken"], check["first_wrong"], check["problem"]) == (False, line, says)


def test_entries_are_listed_newest_first_and_filtered(filled: CommandLine) -> None:
    assert [item["action"] for item in filled.json("audit", "list")] == ["samples.removed", "samples.loaded"]
    assert [item["seq"] for item in filled.json("audit", "list", "--actor", "system")] == [1]
    assert [item["seq"] for item in filled.json("audit", "list", "--action", "samples.removed")] == [2]
    assert filled.json("audit", "list", "--until", "2020-01-01") == []
    assert filled.json("audit", "list", "--subject", "run_") == []
    assert len(filled.json("audit", "list", "--limit", "1", "--since", "2020-01-01")) == 1
    shown = filled.run("audit", "list").stdout.splitlines()
    assert "command line (admin)" in shown[0]
    assert "samples.removed" in shown[0]
    assert filled.run("audit", "list", "--actor", "nobody").stdout == "No entry fits.\n"


def test_an_export_is_written_and_entered(filled: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "audit.csv"
    assert filled.json("audit", "export", str(file)) == {"file": str(file), "format": "csv", "entries": 2}
    with file.open(newline="") as opened:
        assert [row["action"] for row in csv.DictReader(opened)] == ["samples.loaded", "samples.removed"]
    lines = filled.run("audit", "export", "-", "--actor", "command line").stdout.splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["samples.removed", "audit.exported"]
    assert len(filled.json("audit", "list", "--action", "audit.exported")) == 2
    said = filled.run("audit", "export", str(tmp_path / "audit.jsonl"))
    assert said.stdout == f"4 entries in {tmp_path / 'audit.jsonl'}.\n"


def test_an_export_that_has_no_place_is_not_entered(filled: CommandLine, tmp_path: Path) -> None:
    assert "cannot be written" in filled.refusal("audit", "export", str(tmp_path / "nowhere" / "audit.csv"))
    assert "Name a file" in filled.refusal("audit", "export", "-", "--json")
    assert filled.json("audit", "list", "--action", "audit.exported") == []


def test_a_log_is_sealed_anew_with_a_reason(filled: CommandLine) -> None:
    _attack(filled, "delete from audit_log where seq = 2")
    assert "Say why" in filled.refusal("audit", "seal", "--reason", " ")
    assert filled.json("audit", "seal", "--reason", "Restored from a backup")["is_unbroken"]
    assert filled.run("audit", "verify").returncode == 0
    assert filled.json("audit", "list")[0]["before"]["problem"] == "Line 2 is missing at the end."


def test_doctor_names_what_another_build_paused(triage: CommandLine) -> None:
    waiting = triage.json("submit", DATA_GONE, "--wait")
    [check] = [item for item in triage.json("doctor") if item["name"] == "waiting items"]
    assert check["is_ok"]
    _attack(triage, "update run_states set sdk_version = '0.23.1'")
    [check] = [item for item in triage.json("doctor", status=1) if item["name"] == "waiting items"]
    assert not check["is_ok"]
    assert f"{waiting['id']}: This run was paused by openai-agents 0.23.1" in check["message"]
