"""Who may read the audit log, what an export holds and that it is entered, and what people's actions enter."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.records import Records
from tests.audit.conftest import entry, fill, read_lines, switch_off_guard, write_lines
from tests.runs.conftest import settled
from triage.audit.service import AuditService
from triage.domain import Actor, AuditEntry, AuditFilter, Role, RunStatus
from triage.errors import DataFolderError, InvalidInput, NotAllowed, NotFound
from triage.samples import SampleService
from triage.services import Services, open_services
from triage.settings import Settings

PROJECT = Path(__file__).parents[2]
MANAGER = Actor(name="max", role=Role.MANAGER)
ADMIN = Actor(name="ada", role=Role.ADMIN)


@pytest.fixture
def audit(sealed: Records) -> AuditService:
    fill(sealed, 12)
    return AuditService(records=sealed)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.REVIEWER])
def test_only_managers_read(audit: AuditService, role: Role) -> None:
    actor = Actor(name="olga", role=role)
    for ask in (audit.list, audit.count, audit.choices, audit.verify):
        with pytest.raises(NotAllowed, match="role manager"):
            ask(actor=actor)
    with pytest.raises(NotAllowed):
        audit.get(1, actor=actor)
    with pytest.raises(NotAllowed):
        audit.export(form="csv", actor=actor)
    with pytest.raises(NotAllowed, match="role admin"):
        audit.seal(reason="because", actor=MANAGER)
    assert audit.count(actor=MANAGER) == 12


def test_the_newest_entry_is_first(audit: AuditService) -> None:
    assert [item.seq for item in audit.list(actor=MANAGER, limit=2, offset=1)] == [11, 10]
    assert audit.choices(actor=MANAGER).actions == ("approval.approved", "reply.sent")
    assert audit.get(3, actor=MANAGER).subject_id == "apr_3"
    with pytest.raises(NotFound):
        audit.get(13, actor=MANAGER)


def test_an_export_holds_everything_and_is_entered(audit: AuditService) -> None:
    lines = [json.loads(line) for line in audit.export(form="jsonl", actor=MANAGER)]
    assert [line["seq"] for line in lines] == list(range(1, 13))
    assert set(lines[0]) == set(AuditEntry.model_fields)
    assert lines[0]["after"] == entry(1).after
    newest = audit.list(actor=MANAGER, limit=1)[0]
    assert (newest.action, newest.actor, newest.after) == ("audit.exported", "max", {"format": "jsonl", "entries": 12})
    assert audit.verify(actor=MANAGER).is_unbroken


def test_an_export_keeps_to_the_filter_and_says_so(audit: AuditService) -> None:
    query = AuditFilter(actor="rita", actions=("reply.sent",))
    rows = list(csv.DictReader(io.StringIO("".join(audit.export(query, form="csv", actor=MANAGER)))))
    assert [row["seq"] for row in rows] == ["6", "12"]
    assert json.loads(rows[0]["before"]) == {"status": "pending"}
    after = audit.list(actor=MANAGER, limit=1)[0].after
    assert after is not None
    assert after["filter"] == {"actor": "rita", "actions": ["reply.sent"]}


def test_a_spreadsheet_takes_no_cell_for_a_formula(sealed: Records) -> None:
    with sealed.begin() as tx:
        tx.audit.add(entry(1, actor="=HYPERLINK(1)", subject_id="@x"))
    [row] = csv.DictReader(io.StringIO("".join(AuditService(records=sealed).export(form="csv", actor=MANAGER))))
    assert (row["actor"], row["subject_id"]) == ("'=HYPERLINK(1)", "'@x")


def test_the_snippet_of_the_documentation_checks_an_export(audit: AuditService, tmp_path: Path) -> None:
    text = (PROJECT / "docs" / "audit.md").read_text(encoding="utf-8")
    [snippet] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    file = tmp_path / "audit.jsonl"
    lines = list(audit.export(form="jsonl", actor=MANAGER))

    def check(kept: list[str]) -> None:
        file.write_text("".join(kept), encoding="utf-8")
        exec(compile(snippet.replace("audit.jsonl", str(file)), "audit.md", "exec"), {})

    check(lines)
    for broken in (lines[:3] + lines[4:], [lines[0].replace("kim", "tim"), *lines[1:]], [*lines[1:2], lines[0]]):
        with pytest.raises(SystemExit, match="line"):
            check(broken)


def test_a_line_that_cannot_be_read_is_said_and_not_a_crash(sealed: Records) -> None:
    fill(sealed, 3)
    switch_off_guard(sealed.engine)
    lines = read_lines(sealed.engine)
    lines[1]["role"] = "emperor"
    write_lines(sealed.engine, lines)
    audit = AuditService(records=sealed)
    with pytest.raises(DataFolderError, match="audit verify"):
        audit.list(actor=MANAGER)
    assert audit.verify(actor=MANAGER).first_wrong == 2


def test_sealing_anew_is_entered_and_mends_no_line(sealed: Records) -> None:
    fill(sealed, 5)
    switch_off_guard(sealed.engine)
    write_lines(sealed.engine, read_lines(sealed.engine)[:3])
    audit = AuditService(records=sealed)
    with pytest.raises(InvalidInput):
        audit.seal(reason=" ", actor=ADMIN)
    assert audit.seal(reason="Restored from the backup of Friday", actor=ADMIN).is_unbroken
    [newest] = audit.list(actor=ADMIN, limit=1)
    assert (newest.action, newest.after) == ("audit.sealed", {"reason": "Restored from the backup of Friday"})
    assert newest.before == {"checked": 3, "problem": "Lines 4 to 5 are missing at the end."}
    lines = read_lines(sealed.engine)
    lines[0]["actor"] = "mallory"
    write_lines(sealed.engine, lines)
    assert audit.seal(reason="once more", actor=ADMIN).first_wrong == 1


# What people do.


@pytest.fixture
def services(settings: Settings, unpaced: None) -> Iterator[Services]:
    running = open_services(settings, kind="test")
    yield running
    running.close()


def _entries(services: Services) -> list[tuple[str, str, Any, Any]]:
    found = services.audit.list(actor=MANAGER, limit=100)
    return [(item.action, item.actor, item.before, item.after) for item in reversed(found)]


def test_what_people_do_with_a_run_is_entered(services: Services, operator: Actor) -> None:
    run = settled(services, services.runs.submit("How do I add a seat to our plan?", actor=operator))
    assert run.status is RunStatus.COMPLETED
    assert run.category is not None
    loaded = ("samples.loaded", "system", None, {"records": 24})
    assert _entries(services) == [loaded]
    other = "billing" if run.category != "billing" else "account"
    runs = services.runs
    runs.correct(run.id, field="category", value=other, actor=operator)
    runs.correct(run.id, field="category", value=other, actor=operator)
    runs.edit_reply(run.id, text="Dear Dana, choose Seats.", actor=operator)
    runs.mark_sent(run.id, actor=operator)
    runs.escalate(run.id, actor=operator, reason="asks for a call", key="form")
    runs.escalate(run.id, actor=operator, reason="asks for a call", key="form")
    runs.take_over(run.id, actor=operator)
    again = runs.retry(run.id, actor=operator)
    digest = hashlib.sha256(b"Dear Dana, choose Seats.").hexdigest()[:32]
    mark = {"characters": 24, "fingerprint": digest}
    entries = _entries(services)[1:]
    assert [name for name, *_ in entries] == [
        "label.corrected", "reply.edited", "reply.sent", "escalated", "run.taken_over", "run.retried"
    ]  # fmt: skip
    assert {actor for _, actor, *_ in entries} == {operator.name}
    assert entries[0][2:] == ({"category": run.category.value}, {"category": other})
    assert entries[1][3] == mark
    assert entries[2][2:] == (mark, mark)
    assert entries[3][3] == {"reason": "asks for a call", "urgency": "high"}
    assert entries[4][2:] == ({"assigned_to": None}, {"assigned_to": operator.name})
    assert entries[5][3] == {"new_run": again.id}
    assert "Dear Dana" not in json.dumps(entries)
    assert services.audit.verify(actor=MANAGER).is_unbroken


def test_what_is_cancelled_is_entered_with_its_approvals(services: Services, operator: Actor) -> None:
    message = "I want to return order 2, the hub stopped working"
    run = settled(services, services.runs.submit(message, actor=operator, customer_email="alice@example.com"))
    services.runs.cancel(run.id, actor=operator)
    [approval, cancelled] = _entries(services)[1:]
    assert approval[:2] == ("approval.cancelled", operator.name)
    assert cancelled[2:] == ({"status": "awaiting_approval"}, {"status": "cancelled"})


def test_what_is_refused_leaves_no_entry(services: Services, operator: Actor) -> None:
    with pytest.raises(NotFound):
        services.runs.cancel("run_nowhere", actor=operator)
    with pytest.raises(NotAllowed):
        services.samples.remove(actor=operator)
    assert len(_entries(services)) == 1


def test_the_samples_are_entered_when_they_come_and_go(sealed: Records) -> None:
    samples = SampleService(records=sealed)
    samples.load()
    samples.load()
    samples.remove(actor=MANAGER)
    found = AuditService(records=sealed).list(actor=MANAGER)
    assert [(item.action, item.actor) for item in found] == [("samples.removed", "max"), ("samples.loaded", "system")]
