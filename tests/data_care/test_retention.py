"""What is over goes, what runs or waits for a person stays, and a day's work is done once a day."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from tests.data_care.conftest import ADMIN, ended, settled
from triage.data_care import retention
from triage.data_care.keeper import DataKeeper
from triage.data_care.retention import Retention
from triage.domain import RunStatus, utc_now
from triage.errors import NotFound
from triage.services import Services

KEEP = Retention(conversations_days=30, content_days=10, measures_days=20)


def is_there(desk: Services, run_id: str) -> bool:
    try:
        desk.runs.get(run_id)
    except NotFound:
        return False
    return True


def test_old_conversations_go_and_those_in_work_stay(desk: Services) -> None:
    over = settled(desk, desk.runs.submit("My invoice was not generated, please check.", actor=ADMIN))
    sent = settled(desk, desk.runs.submit("How do I change my password?", actor=ADMIN))
    waiting = settled(
        desk, desk.runs.submit("Refund order 2, it is broken.", actor=ADMIN, customer_email="alice@example.com")
    )
    assert waiting.status is RunStatus.AWAITING_APPROVAL
    for run in (over, sent):
        if not desk.runs.get(run.id).reply_sent_at:
            desk.runs.mark_sent(run.id, actor=ADMIN, text="Done.")
    with desk.records.begin() as tx:
        old = utc_now() - timedelta(days=31)
        as_kept = f"{old:%Y-%m-%d %H:%M:%S.%f}"
        for run in (over, waiting):
            tx.conversations.update(run.conversation_id, updated_at=old)
            tx.connection.execute(
                sa.text("update runs set updated_at = :old where id = :id"),
                {"old": as_kept, "id": run.id},
            )
    assert desk.keeper is not None
    holdings = desk.keeper._holdings
    desk.settle_traces()
    due = retention.due(holdings, KEEP, now=utc_now())
    assert due == {"conversations": 1}
    removed = retention.apply(holdings, KEEP, now=utc_now())
    assert removed["runs"] == removed["conversations"] == removed["workflows"] == 1
    assert [is_there(desk, run.id) for run in (over, sent, waiting)] == [False, True, True]
    assert retention.apply(holdings, KEEP, now=utc_now()) == {}
    assert desk.audit.verify(actor=ADMIN).is_unbroken


def test_words_and_figures_of_traces_have_their_own_time(desk: Services) -> None:
    settled(desk, desk.runs.submit("My invoice was not generated, please check.", actor=ADMIN))
    desk.settle_traces()
    assert desk.keeper is not None
    assert desk.traces is not None
    holdings = desk.keeper._holdings
    now = utc_now()
    assert "texts of spans" in retention.due(holdings, KEEP, now=now + timedelta(days=11))
    retention.apply(holdings, KEEP, now=now + timedelta(days=11))
    assert desk.traces.rows("select count(*) from span_contents") == [(0,)]
    assert desk.traces.rows("select count(*) > 0 from spans") == [(True,)]
    retention.apply(holdings, KEEP, now=now + timedelta(days=21))
    assert desk.traces.rows("select count(*) from spans") == [(0,)]


def test_lines_set_aside_go_with_the_words(desk: Services) -> None:
    assert desk.keeper is not None
    holdings = desk.keeper._holdings
    for folder in holdings.aside:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "1-0.jsonl").write_text("{broken\n")
    kept = retention.apply(holdings, KEEP, now=utc_now() + timedelta(days=9))
    gone = retention.apply(holdings, KEEP, now=utc_now() + timedelta(days=11))
    assert (kept.get("files of lines set aside"), gone["files of lines set aside"]) == (None, 2)


def test_nothing_goes_where_it_is_kept_for_ever(desk: Services) -> None:
    settled(desk, desk.runs.submit("My invoice was not generated, please check.", actor=ADMIN))
    desk.settle_traces()
    assert desk.keeper is not None
    for_ever = Retention(conversations_days=0, content_days=0, measures_days=0)
    assert retention.apply(desk.keeper._holdings, for_ever, now=utc_now() + timedelta(days=10_000)) == {}


def test_it_happens_once_a_day_and_is_audited(desk: Services) -> None:
    settled(desk, desk.runs.submit("My invoice was not generated, please check.", actor=ADMIN))
    assert desk.keeper is not None
    desk.settle_traces()
    times = [utc_now() + timedelta(days=800)]
    desk.keeper.close()
    keeper = DataKeeper(desk.keeper._holdings, keep=KEEP, clock=lambda: times[0])
    keeper.tick()
    applied = [entry for entry in desk.audit.list(actor=ADMIN) if entry.action == "data.retention_applied"]
    assert len(applied) == 1
    keeper.tick()
    times[0] += timedelta(days=1)
    keeper.tick()
    assert len([entry for entry in desk.audit.list(actor=ADMIN) if entry.action == "data.retention_applied"]) == 1


def test_a_dry_run_is_asked_for_and_removes_nothing(desk: Services) -> None:
    job = ended(desk, desk.data_care.apply_retention(actor=ADMIN, dry_run=True))
    assert job.result == {"dry_run": True, "removed": {}}
