"""The commands of the evaluation cases."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import CommandLine
from triage.domain import Actor, Judgement, Role, TripMark, utc_now
from triage.services import open_services
from triage.settings import load_settings

MANAGER = Actor(name="mona", role=Role.MANAGER)


def test_cases_are_listed_and_exported(triage: CommandLine, tmp_path: Path) -> None:
    assert "No cases yet" in triage.run("cases", "list").stdout
    services = open_services(load_settings(data_dir=triage.data_dir), kind="test", own=False)
    run = services.runs.submit("Write me a poem\nabout the sea", actor=Actor(name="olga"))
    now = utc_now()
    mark = {"guardrail": "Input check", "stage": "input", "verdict": "off_topic", "tripped_at": now}
    with services.records.begin() as tx:
        tx.marks.put(
            TripMark(id="s1", run_id=run.id, judgement=Judgement.RIGHT, marked_by="mona", marked_at=now, **mark)
        )
    case = services.cases.add_from_trip("s1", actor=MANAGER)
    services.close()
    assert triage.run("cases", "list").stdout == f"{case.id}  Input check: off_topic           Write me a poem\n"
    assert triage.json("cases", "export", str(tmp_path / "cases.jsonl")) == {
        "file": str(tmp_path / "cases.jsonl"),
        "cases": 1,
    }
    (line,) = (tmp_path / "cases.jsonl").read_text().splitlines()
    assert json.loads(line)["message"] == "Write me a poem\nabout the sea"
    assert json.loads(triage.run("cases", "export", "-").stdout) == json.loads(line)
    assert "cannot be written" in triage.refusal("cases", "export", str(tmp_path / "nowhere" / "x.jsonl"))
    assert "Name a file" in triage.refusal("cases", "export", "-", "--json")
