"""After an erasure nothing of the customer is in any file of the data folder, and everything of the others is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage.traces.store import TraceStore
from tests.data_care.conftest import ADMIN, Open, ended, files_with, settled
from triage.audit.entries import argument_marks
from triage.domain import Actor, JobStatus, RejectCode, Role, utc_now
from triage.errors import InvalidInput, NotAllowed
from triage.services import Services
from triage.settings import Settings
from triage.tracing.incoming.inbox import Inbox
from triage.tracing.processor import SpoolingProcessor
from triage.tracing.spool import Spool

EMAIL = "alice@example.com"
MARKERS = ["zanzibarquartz", "obsidianferret"]
OTHER = "bob@example.com"
OTHERS_MARKER = "cobaltwalrus"


def told_by(services: Services, email: str, *messages: str) -> list[str]:
    runs = [services.runs.submit(message, actor=ADMIN, customer_email=email) for message in messages]
    return [settled(services, run).id for run in runs]


def test_everything_of_one_customer_goes_and_nothing_of_another(desk: Services, settings: Settings) -> None:
    ids = told_by(
        desk,
        EMAIL,
        f"My invoice {MARKERS[0]} was not generated, please check.",
        f"Please refund order 2, the {MARKERS[1]} hub is broken. I am {EMAIL}.",
    )
    desk.runs.escalate(ids[0], actor=ADMIN, reason=f"She asked for {MARKERS[0]} twice")
    kept = told_by(desk, OTHER, f"Where is my {OTHERS_MARKER} order 3?")
    ended(desk, desk.data_care.export_traces(actor=ADMIN))
    aside = settings.spool_dir / "rejected" / "1-0.jsonl"
    aside.parent.mkdir(parents=True, exist_ok=True)
    aside.write_text(f"{{broken {MARKERS[0]}\n{{broken {ids[1]} {MARKERS[1]}\n{{broken {OTHERS_MARKER}\n")
    assert files_with(settings.data_dir, [EMAIL, *MARKERS])
    before = desk.runs.get(kept[0]), desk.runs.events(kept[0])

    job = ended(desk, desk.data_care.erase(EMAIL.upper(), actor=ADMIN))

    assert job.status is JobStatus.DONE, job.error
    receipt = job.result
    assert receipt is not None
    assert EMAIL not in str(job)
    assert receipt["removed"]["runs"] == 2 == receipt["removed"]["conversations"]
    assert receipt["removed"]["runs in traces"] == 2
    assert {"messages", "run_events", "workflows", "escalations", "spans", "exports"} <= receipt["removed"].keys()
    assert receipt["mentioned_in"] == receipt["audit_lines"] == []
    assert (desk.runs.get(kept[0]), desk.runs.events(kept[0])) == before
    assert desk.audit.verify(actor=ADMIN).is_unbroken
    desk.close()
    assert files_with(settings.data_dir, [EMAIL, MARKERS[1]]) == []
    assert OTHERS_MARKER in aside.read_text()
    assert files_with(settings.data_dir, [OTHERS_MARKER])


def test_what_other_programs_wrote_of_the_customer_goes_as_well(desk: Services, settings: Settings) -> None:
    (run_id,) = told_by(desk, EMAIL, f"My invoice {MARKERS[0]} was not generated, please check.")
    trace_id = desk.runs.get(run_id).trace_id
    aside = settings.inbox_dir / "rejected" / "1-0.jsonl"
    aside.parent.mkdir()
    aside.write_text(f"{{broken {EMAIL} {MARKERS[0]}\n{{broken {OTHERS_MARKER}\n")
    program = Spool(settings.inbox_dir)
    program.append(foreign_span(trace_id, said=MARKERS[0]))
    program.append(foreign_span("trace_of_another", said=OTHERS_MARKER))

    job = ended(desk, desk.data_care.erase(EMAIL, actor=ADMIN))
    assert job.status is JobStatus.DONE, job.error
    assert job.result is not None
    assert (job.result["removed"]["lines set aside"], job.result["removed"]["lines of other programs"]) == (1, 1)
    assert files_with(settings.data_dir, [EMAIL, MARKERS[0]]) == files_with(settings.inbox_dir, [trace_id]) == []
    assert OTHERS_MARKER in aside.read_text()

    desk.close()
    program.append(foreign_span("trace_of_another", said="afterwards"))
    program.close()
    store = TraceStore.open(settings.traces_path)
    processor = SpoolingProcessor(settings.spool_dir, sink=store)
    # A new start reads the file from its beginning: the blanks are nothing, and the others are there once.
    assert Inbox(settings.inbox_dir, write=processor.write_lines, content="full").take_in()
    assert processor.flush()
    assert store.rows("select trace_id, count(*) from spans group by 1") == [("trace_of_another", 2)]
    processor.shutdown()
    store.close()
    assert len(list(settings.inbox_dir.rglob("*.jsonl"))) == 1


def foreign_span(trace_id: str, *, said: str) -> bytes:
    """Return a line as another program writes it."""
    at = utc_now()
    span = {"type": "span", "trace_id": trace_id, "span_id": f"span_{said}", "kind": "custom", "name": "look",
            "started_at": at.isoformat(), "ended_at": at.isoformat(), "content": {"data": {"said": said}}}  # fmt: skip
    return json.dumps(span).encode() + b"\n"


def test_a_run_that_waits_for_a_person_is_ended_first(desk: Services, settings: Settings) -> None:
    run = settled(
        desk, desk.runs.submit(f"Refund order 2, it is broken. {MARKERS[1]}", actor=ADMIN, customer_email=EMAIL)
    )
    assert desk.approvals.count_open() == 1, run.status
    job = ended(desk, desk.data_care.erase(EMAIL, actor=ADMIN))
    assert job.status is JobStatus.DONE, job.error
    assert desk.approvals.count_open() == 0
    desk.close()
    assert files_with(settings.data_dir, [EMAIL, MARKERS[1]]) == []


def test_an_interrupted_erasure_goes_on_with_the_next_start(
    desk: Services, open_desk: Open, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_by(desk, EMAIL, f"My invoice {MARKERS[0]} was not generated.")
    desk.close()
    broken = open_desk()
    assert broken.keeper is not None
    holdings = broken.keeper._holdings
    with monkeypatch.context() as patched:
        # As if the process were killed after the records went and before the traces did.
        patched.setattr(holdings.traces, "remove", lambda _ids: (_ for _ in ()).throw(SystemExit))
        job = broken.data_care.erase(EMAIL, actor=ADMIN)
        broken.keeper.close()
        broken.keeper._closing.clear()
        with pytest.raises(SystemExit):
            broken.keeper.do_next()
    assert broken.data_care.get(job.id, actor=ADMIN).status is JobStatus.WORKING
    broken.close()
    services = open_desk()
    done = ended(services, job)
    assert done.status is JobStatus.DONE, done.error
    assert done.result is not None
    assert done.result["removed"]["runs"] == 1 == done.result["removed"]["runs in traces"]
    services.close()
    assert files_with(settings.data_dir, [EMAIL, MARKERS[0]]) == []


def test_only_administrators_erase(desk: Services) -> None:
    manager = Actor(name="max", role=Role.MANAGER)
    for forbidden in (
        lambda: desk.data_care.erase(EMAIL, actor=manager),
        lambda: desk.data_care.preview_erasure(EMAIL, actor=manager),
        lambda: desk.data_care.back_up(Path("x.tar"), actor=manager),
        lambda: desk.data_care.apply_retention(actor=manager),
        lambda: desk.data_care.export_traces(actor=Actor(name="olga", role=Role.REVIEWER)),
    ):
        with pytest.raises(NotAllowed):
            forbidden()
    with pytest.raises(InvalidInput):
        desk.data_care.erase("nobody", actor=ADMIN)


def test_the_audit_log_never_gets_a_customers_words(desk: Services) -> None:
    run = settled(desk, desk.runs.submit("Refund order 2, it is broken.", actor=ADMIN, customer_email=EMAIL))
    (approval,) = desk.approvals.list_of_run(run.id)
    reviewer = Actor(name="rita", role=Role.MANAGER)
    desk.approvals.reject(approval.id, actor=reviewer, reason=f"{EMAIL} was paid already", code=RejectCode.DONE_ALREADY)
    settled(desk, run)
    desk.runs.escalate(run.id, actor=reviewer, reason=f"Call {EMAIL} at +44 20 7946 0958")
    entries = str(desk.audit.list(actor=ADMIN, limit=100))
    assert EMAIL not in entries
    assert "[e-mail] was paid already" in entries
    assert "Call [e-mail] at [phone]" in entries


def test_of_decided_arguments_the_log_keeps_ids_and_numbers() -> None:
    decided = {"order_id": "2", "amount": 12.5, "email": EMAIL, "description": f"She said {MARKERS[0]}", "urgent": True}
    marks = argument_marks(decided)
    assert marks is not None
    assert {**marks, "email": None, "description": None} == {**decided, "email": None, "description": None}
    assert EMAIL not in str(marks)
    assert MARKERS[0] not in str(marks)
