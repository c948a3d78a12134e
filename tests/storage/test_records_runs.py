"""Runs: conditional updates, the inbox's filters and counts, the event log."""

from __future__ import annotations

import itertools
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.records import Records, open_engine
from tests.storage.at_once import at_once
from triage.domain import ApprovalStatus, EventKind, NewEvent, RunFilter, RunStatus, Trip
from triage.errors import Conflict, NotFound

RUNNING = (RunStatus.QUEUED, RunStatus.RUNNING)


def trip_at(stage: str) -> Trip:
    """Return a guardrail's trip at a stage of the run."""
    return Trip.model_validate(dict.fromkeys(Trip.model_fields, "x") | {"stage": stage})


# Updates.


def test_an_update_outside_the_expected_status_changes_nothing_and_names_the_status(
    with_run: Records, make: SimpleNamespace
) -> None:
    with with_run.begin() as stores:
        before = stores.runs.update("r1", expect=RUNNING, status=RunStatus.CANCELLED)
    with (
        pytest.raises(Conflict, match="This run is cancelled by now, so nothing was changed"),
        with_run.begin() as stores,
    ):
        stores.runs.update("r1", expect=RUNNING, status=RunStatus.COMPLETED, reply="late")
    with with_run.read() as stores:
        assert stores.runs.get("r1") == before
    assert before.updated_at > make.now


def test_an_update_of_no_run_is_not_found(with_run: Records) -> None:
    with pytest.raises(NotFound), with_run.begin() as stores:
        stores.runs.update("r9", expect=RUNNING, status=RunStatus.FAILED)


def test_an_update_of_a_field_that_does_not_exist_is_a_programming_error(with_run: Records) -> None:
    with pytest.raises(TypeError, match="statsu"), with_run.begin() as stores:
        stores.runs.update("r1", statsu="failed")


def test_of_two_decisions_at_the_same_moment_one_is_a_conflict(with_run: Records, make: SimpleNamespace) -> None:
    with with_run.begin() as stores:
        stores.approvals.add(make.approval())

    def decide(person: str) -> str | None:
        with with_run.begin() as stores:
            status = ApprovalStatus.APPROVED
            return stores.approvals.update(
                "p1", expect=(ApprovalStatus.PENDING,), status=status, decided_by=person
            ).decided_by

    people = ["ann", "bea", "cem", "dan"]
    outcomes = at_once([lambda person=person: decide(person) for person in people])
    [winner] = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert all(f"approved by {winner}" in str(outcome) for outcome in outcomes if isinstance(outcome, Conflict))
    with with_run.read() as stores:
        assert stores.approvals.get("p1").decided_by == winner


def test_the_same_key_submitted_at_the_same_moment_is_kept_once(with_run: Records, make: SimpleNamespace) -> None:
    def submit(name: str) -> str:
        with with_run.begin() as stores:
            stores.runs.add(make.run(id=name, idempotency_key="k"))
        return name

    outcomes = at_once([lambda name=name: submit(name) for name in ("r2", "r3")])
    assert {type(outcome) for outcome in outcomes} == {Conflict, str}
    with with_run.read() as stores:
        kept = stores.runs.find_by_key("k")
        assert kept is not None
        assert kept.id in outcomes


# Lists and counts.


@pytest.fixture
def inbox(with_run: Records, make: SimpleNamespace) -> Records:
    """Return records with a run of every status, category and text that the filters tell apart."""
    runs = [
        make.run(id="r2", status="running", category="billing", urgency="high", message="Invoice 100% wrong"),
        make.run(id="r3", status="completed", category="billing", result=make.result(requires_human=True)),
        make.run(
            id="r4", status="completed", category="technical", message="Мой СЧЁТ", customer_email="Bob@Example.com"
        ),
        make.run(id="r5", status="failed", urgency="low", message="a_b", conversation_id="c2"),
        make.run(id="r6", status="cancelled", assigned_to="lee", message="axb"),
        make.run(id="r7", status="completed", degraded=True, reply_sent_at=make.now, message="back\\slash"),
        make.run(id="r8", status="awaiting_approval", urgency="high"),
        make.run(id="r9", status="blocked", message="1000 wrong"),
    ]
    with with_run.begin() as stores:
        stores.conversations.add(make.conversation(id="c2"))
        for minute, run in enumerate(runs, 1):
            stores.runs.add(run.model_copy(update={"created_at": make.now + timedelta(minutes=minute)}))
    return with_run


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (RunFilter(), "r9 r8 r7 r6 r5 r4 r3 r2 r1"),
        (RunFilter(statuses=(RunStatus.COMPLETED,)), "r7 r4 r3"),
        (RunFilter(statuses=(RunStatus.QUEUED, RunStatus.FAILED)), "r5 r1"),
        (RunFilter(categories=("billing",)), "r3 r2"),
        (RunFilter(urgencies=("high", "low")), "r8 r5 r2"),
        (RunFilter(needs_person=True), "r6 r5 r3"),
        (RunFilter(needs_person=False, statuses=(RunStatus.COMPLETED,)), "r7 r4"),
        (RunFilter(conversation_id="c2"), "r5"),
        (RunFilter(text="INVOICE"), "r2"),
        (RunFilter(text="мой счёт"), "r4"),
        (RunFilter(text=" bob@example "), "r4"),
        (RunFilter(text="R5"), "r5"),
        (RunFilter(text="C2"), "r5"),
        (RunFilter(text="100%"), "r2"),
        (RunFilter(text="a_b"), "r5"),
        (RunFilter(text="k\\s"), "r7"),
        (RunFilter(text="%"), "r2"),
        (RunFilter(text="' or 1=1 --"), ""),
        (RunFilter(text="wrong", statuses=(RunStatus.BLOCKED,)), "r9"),
    ],
)
def test_the_filter_chooses_the_runs_newest_first(inbox: Records, chosen: RunFilter, expected: str) -> None:
    with inbox.read() as stores:
        assert " ".join(run.id for run in stores.runs.list(chosen)) == expected


def test_pages_of_the_list_follow_each_other(inbox: Records) -> None:
    with inbox.read() as stores:
        pages = [stores.runs.list(RunFilter(), limit=4, offset=offset) for offset in (0, 4, 8, 12)]
    assert [" ".join(run.id for run in page) for page in pages] == ["r9 r8 r7 r6", "r5 r4 r3 r2", "r1", ""]


def test_a_place_in_the_list_is_kept_while_runs_come_in(inbox: Records, make: SimpleNamespace) -> None:
    with inbox.begin() as stores:
        stores.runs.add(make.run(id="r7b", created_at=make.now + timedelta(minutes=6)))
        stores.runs.add(make.run(id="r99", created_at=make.now + timedelta(hours=1)))
    with inbox.read() as stores:
        everything = stores.runs.list(RunFilter())
        for place, seen in enumerate(everything, 1):
            rest = stores.runs.list(RunFilter(before=(seen.created_at, seen.id)))
            assert [run.id for run in rest] == [run.id for run in everything[place:]]


def test_how_far_runs_are_is_read_for_many_at_once(inbox: Records, make: SimpleNamespace) -> None:
    told = [NewEvent(key=str(number), kind=EventKind.TOOL_CALLED, at=make.now) for number in range(3)]
    with inbox.begin() as stores:
        stores.events.append("r2", told)
    with inbox.read() as stores:
        heads = stores.events.heads(["r2", "r9", "no such run"])
    assert {run_id: (head.status.value, head.last_event) for run_id, head in heads.items()} == {
        "r2": ("running", 3),
        "r9": ("blocked", 0),
    }


@pytest.mark.parametrize("text", ["", "wrong", "example.com"])
def test_the_counts_agree_with_the_lists(inbox: Records, text: str) -> None:
    with inbox.read() as stores:
        counts = stores.runs.counts(RunFilter(text=text, statuses=(RunStatus.FAILED,), needs_person=True))
        assert counts.pop("all") == len(stores.runs.list(RunFilter(text=text)))
        assert counts.pop("needs_person") == len(stores.runs.list(RunFilter(text=text, needs_person=True)))
        for status in RunStatus:
            assert counts.pop(status.value) == len(stores.runs.list(RunFilter(text=text, statuses=(status,))))
    assert counts == {}


def test_the_database_and_the_domain_agree_on_what_needs_a_person(with_run: Records, make: SimpleNamespace) -> None:
    results = (None, make.result(requires_human=True), make.result())
    trips = (None, *(trip_at(stage) for stage in ("input", "output", "tool_input", "tool_output")))
    fields = {
        "status": tuple(RunStatus),
        "reply_sent_at": (None, make.now),
        "assigned_to": (None, "lee"),
        "degraded": (False, True),
        "escalated": (False, True),
        "result": results,
        "trip": trips,
    }
    cases = itertools.product(*fields.values())
    runs = [make.run(id=f"n{number}", **dict(zip(fields, case, strict=True))) for number, case in enumerate(cases)]
    with with_run.begin() as stores:
        for run in runs:
            stores.runs.add(run)
    with with_run.read() as stores:
        found = {run.id for run in stores.runs.list(RunFilter(needs_person=True), limit=len(runs) + 1)}
    assert found == {run.id for run in runs if run.needs_person}
    assert 0 < len(found) < len(runs)


def test_an_update_moves_a_run_in_and_out_of_what_needs_a_person(with_run: Records, make: SimpleNamespace) -> None:
    def count() -> int:
        with with_run.read() as stores:
            return stores.runs.counts(RunFilter())["needs_person"]

    with with_run.begin() as stores:
        stores.runs.update("r1", status=RunStatus.COMPLETED, result=make.result(requires_human=True))
    assert count() == 1
    with with_run.begin() as stores:
        stores.runs.update("r1", reply_sent_at=make.now, reply_sent_by="lee")
    assert count() == 0


@pytest.mark.parametrize(("stage", "expected"), [("input", 0), ("output", 1), ("tool_input", 1), ("tool_output", 1)])
def test_a_run_blocked_after_its_input_needs_a_person(
    with_run: Records, make: SimpleNamespace, stage: str, expected: int
) -> None:
    with with_run.begin() as stores:
        run = stores.runs.update("r1", status=RunStatus.BLOCKED, trip=trip_at(stage))
        assert run.needs_person == bool(expected)
        assert stores.runs.counts(RunFilter())["needs_person"] == expected


@pytest.mark.parametrize("status", list(RunStatus))
def test_an_escalated_run_needs_a_person_before_and_after_a_reply_until_the_mark_is_taken_away(
    with_run: Records, make: SimpleNamespace, status: RunStatus
) -> None:
    sent = {"reply_sent_at": make.now, "escalated": False}
    for changes, expected in (({"escalated": True}, ["r1"]), (sent, []), ({"escalated": True}, ["r1"])):
        with with_run.begin() as stores:
            run = stores.runs.update("r1", status=status, **changes)
            assert run.needs_person == bool(expected)
            assert [found.id for found in stores.runs.list(RunFilter(needs_person=True))] == expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    waiting=st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from(list(RunStatus)), st.integers(0, 3)), max_size=8)
)
def test_a_run_waits_for_those_of_its_conversation_that_work_or_came_before(
    records: Records, make: SimpleNamespace, waiting: list[tuple[str, RunStatus, int]]
) -> None:
    with records.begin() as stores:
        stores.connection.exec_driver_sql("delete from conversations")
        for name in "xyz":
            stores.conversations.add(make.conversation(id=name))
        for number, (conversation, status, minute) in enumerate(waiting):
            at = make.now + timedelta(minutes=minute)
            stores.runs.add(
                make.run(id=f"r{number}", conversation_id=conversation, status=status, created_at=at, segment=number)
            )
    expected = []
    taken = {conversation for conversation, status, _ in waiting if status is RunStatus.RUNNING}
    for number, (conversation, status, _) in sorted(enumerate(waiting), key=lambda item: (item[1][2], item[0])):
        if status is RunStatus.QUEUED and conversation not in taken:
            taken.add(conversation)
            expected.append((f"r{number}", number))
    with records.read() as stores:
        assert stores.runs.waiting(limit=10) == expected
        assert stores.runs.waiting(limit=1) == expected[:1]


def test_runs_of_a_conversation_and_those_that_changed(inbox: Records, make: SimpleNamespace) -> None:
    later = make.now + timedelta(days=1)
    with inbox.begin() as stores:
        stores.runs.update("r2", last_agent="Triage agent", updated_at=later)
    with inbox.read() as stores:
        assert [run.id for run in stores.runs.list_of_conversation("c2")] == ["r5"]
        assert stores.runs.versions_since(later, limit=5) == [("r2", later)]
        assert {run.id for run in stores.runs.list_among(["r2", "r5", "none"])} == {"r2", "r5"}


def test_lists_of_100_000_runs_need_no_search_through_all(records: Records) -> None:
    wanted = {
        "select * from runs where status = 'failed' order by created_at desc, id desc limit 50": "ix_runs_status",
        "select * from runs where needs_person = 1 order by created_at desc, id desc limit 50": "ix_runs_needs_person",
        "select id from runs r where status = 'queued' and not exists (select 1 from runs o where o.conversation_id = "
        "r.conversation_id and o.status = 'running') order by created_at, id limit 5": "ix_runs_status",
        "select status, count(*), sum(needs_person) from runs group by status": "_status_created_at_id_needs_person",
        "select status, count(*), sum(needs_person) from runs where team = 't' group by status": "_status_needs_person",
        "select * from run_events where run_id = 'r' and seq > 5 order by seq": "run_events_1 (run_id=? AND seq>?)",
        "select * from approvals where status = 'pending' order by created_at, number": "ix_approvals_status",
        "select * from orders where lower(customer_email) = lower('a')": "ix_orders_lower",
    }
    with records.read() as stores:
        for query, index in wanted.items():
            plan = "; ".join(row.detail for row in stores.connection.exec_driver_sql(f"explain query plan {query}"))
            assert index in plan, plan
            assert "TEMP B-TREE" not in plan


# Approvals.


def test_open_approvals_are_listed_by_due_time_and_counted(with_run: Records, make: SimpleNamespace) -> None:
    names = ["pz", "pa", "pm"]
    with with_run.begin() as stores:
        stores.runs.add(make.run(id="r2"))
        for name in names:
            stores.approvals.add(make.approval(id=name, call_id=name, due_at=make.now))
        stores.approvals.add(make.approval(id="p0", run_id="r2", due_at=make.now - timedelta(hours=1)))
        stores.approvals.update("pa", status=ApprovalStatus.CLAIMED)
        stores.approvals.update("pm", status=ApprovalStatus.REJECTED, decided_by="lee", reason="no")
    with with_run.read() as stores:
        assert [approval.id for approval in stores.approvals.list()] == ["p0", *names]
        assert [approval.id for approval in stores.approvals.list(limit=2, offset=1)] == ["pz", "pa"]
        assert [approval.id for approval in stores.approvals.list(statuses=(ApprovalStatus.PENDING,))] == ["p0", "pz"]
        assert [approval.id for approval in stores.approvals.list_of_run("r1")] == names
        assert [approval.id for approval in stores.approvals.list_open_of_run("r1")] == ["pz", "pa"]
        assert stores.approvals.count_open() == 3


def test_one_interruption_asks_once(with_run: Records, make: SimpleNamespace) -> None:
    with with_run.begin() as stores:
        stores.approvals.add(make.approval())
        stores.approvals.add(make.approval(id="p2", segment=1))
    with pytest.raises(Conflict), with_run.begin() as stores:
        stores.approvals.add(make.approval(id="p3"))


# Events.


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=5), max_size=6))
def test_events_are_numbered_without_gaps_and_each_key_is_kept_once(
    records: Records, make: SimpleNamespace, batches: list[list[str]]
) -> None:
    expected = list(dict.fromkeys(itertools.chain.from_iterable(batches)))
    with records.begin() as stores:
        stores.connection.exec_driver_sql("delete from conversations")
        stores.conversations.add(make.conversation())
        stores.runs.add(make.run())
        stores.runs.add(make.run(id="r2"))
        stores.events.append("r2", [make.event("a"), make.event("other")])
    for batch in batches:
        with records.begin() as stores:
            stores.events.append("r1", [make.event(key, payload={"k": key}) for key in batch])
    with records.read() as stores:
        kept = stores.events.list("r1")
    assert [(event.seq, event.key) for event in kept] == list(enumerate(expected, 1))
    assert all(event.payload == {"k": event.key} for event in kept)


def test_a_cancelled_run_takes_only_the_kinds_that_are_named(with_run: Records, make: SimpleNamespace) -> None:
    done = make.event("done", kind=EventKind.TOOL_COMPLETED)
    for run_status, expected in ((RunStatus.RUNNING, ["a"]), (RunStatus.CANCELLED, ["a", "done"])):
        with with_run.begin() as stores:
            stores.runs.update("r1", status=run_status)
            told = [make.event("a")] if run_status is RunStatus.RUNNING else [make.event("b"), done]
            stores.events.append("r1", told, if_cancelled=(EventKind.TOOL_COMPLETED,))
        with with_run.read() as stores:
            assert [event.key for event in stores.events.list("r1")] == expected


def test_two_writers_of_one_run_leave_no_gap(with_run: Records, make: SimpleNamespace) -> None:
    def write(writer: str) -> None:
        for batch in range(15):
            with with_run.begin() as stores:
                stores.events.append("r1", [make.event("same"), make.event(f"{writer}{batch}")])

    at_once([lambda writer=writer: write(writer) for writer in ("x", "y")])
    with with_run.read() as stores:
        events = stores.events.list("r1")
    assert [event.seq for event in events] == list(range(1, 32))
    assert len({event.key for event in events}) == 31


def test_events_need_their_run(with_run: Records, make: SimpleNamespace) -> None:
    with pytest.raises(Conflict), with_run.begin() as stores:
        stores.events.append("r9", [make.event("a")])


def test_events_are_read_from_any_number_on(with_run: Records, make: SimpleNamespace) -> None:
    with with_run.begin() as stores:
        stores.events.append("r1", [make.event(str(number)) for number in range(1, 8)])
    with with_run.read() as stores:
        assert [event.key for event in stores.events.list("r1", after=2, limit=3)] == ["3", "4", "5"]
        assert stores.events.list("r1", after=7) == []


def test_runs_survive_a_closed_process(sqlite_url: str, make: SimpleNamespace) -> None:
    first = Records(open_engine(sqlite_url))
    with first.begin() as stores:
        stores.conversations.add(make.conversation())
        stores.runs.add(make.run())
    first.close()
    second = Records(open_engine(sqlite_url))
    with second.read() as stores:
        assert stores.runs.get("r1") == make.run()
    second.close()
