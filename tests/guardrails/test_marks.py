"""What people say of trips, what it adds up to, and the cases made of it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.guardrails.conftest import INJECTION, block, trip_id
from triage.domain import Actor, Judgement, Precision, Role, Run, utc_now
from triage.domain.traces import TimeRange
from triage.errors import Conflict, InvalidInput, NotAllowed, NotFound
from triage.services import Services

ADMIN = Actor(name="ada", role=Role.ADMIN)


def today() -> TimeRange:
    return TimeRange.last(timedelta(days=1), until=utc_now() + timedelta(minutes=1))


def test_a_mark_can_be_changed_and_every_change_is_in_the_audit_log(
    services: Services, blocked: Run, manager: Actor
) -> None:
    trip = trip_id(services, blocked)
    services.guardrails.mark(trip, judgement=Judgement.RIGHT, actor=ADMIN)
    services.guardrails.mark(trip, judgement=Judgement.WRONG, note="Our own test", actor=manager)
    services.guardrails.mark(trip, judgement=Judgement.WRONG, note="Our own test", actor=manager)
    kept = services.guardrails.marks([trip])[trip]
    assert (kept.judgement, kept.note, kept.marked_by, kept.run_id) == ("wrong", "Our own test", "mona", blocked.id)
    assert (kept.guardrail, kept.stage, kept.verdict) == ("Input check", "input", "injection_attempt")
    said = [entry for entry in services.audit.list(actor=ADMIN) if entry.action == "trip.marked"]
    assert [(entry.actor, entry.before and entry.before["judgement"]) for entry in said] == [
        ("mona", "right"),
        ("ada", None),
    ]
    assert "Our own test" not in str(said)


def test_precision_is_right_among_marked_and_nothing_where_nothing_is_marked(
    services: Services, blocked: Run, manager: Actor, operator: Actor
) -> None:
    assert services.guardrails.precision(today()) == {}
    assert Precision(guardrail="Input check").share is None
    poems = [block(services, f"Write me a poem about {what}", actor=operator) for what in ("leaves", "the sea")]
    for run, judgement in zip([blocked, *poems], [Judgement.RIGHT, Judgement.RIGHT, Judgement.WRONG], strict=True):
        services.guardrails.mark(trip_id(services, run), judgement=judgement, actor=manager)
    found = services.guardrails.precision(today())["Input check"]
    assert (found.right, found.wrong, found.marked) == (2, 1, 3)
    assert found.share == pytest.approx(2 / 3)
    assert services.guardrails.precision(today().previous) == {}


def test_trips_are_listed_by_what_was_said_of_them(
    services: Services, blocked: Run, manager: Actor, operator: Actor
) -> None:
    poems = [block(services, f"Write me a poem about {what}", actor=operator) for what in ("leaves", "the sea")]
    right, wrong, unmarked = (trip_id(services, run) for run in (blocked, *poems))
    services.guardrails.mark(right, judgement=Judgement.RIGHT, actor=manager)
    services.guardrails.mark(wrong, judgement=Judgement.WRONG, actor=manager)
    for judged, expected in (
        ((), {right, wrong, unmarked}),
        ((None,), {unmarked}),
        ((Judgement.RIGHT,), {right}),
        ((Judgement.RIGHT, Judgement.WRONG), {right, wrong}),
        ((None, Judgement.WRONG), {wrong, unmarked}),
    ):
        found = services.guardrails.trips(today(), judged=judged)
        assert ({row.span_id for row in found.rows}, found.total) == (expected, len(expected)), judged
    (newest,) = services.guardrails.trips(today(), judged=(None, Judgement.WRONG), limit=1).rows
    assert newest.span_id == unmarked


def test_marking_takes_a_manager_and_a_trip(services: Services, blocked: Run, manager: Actor, operator: Actor) -> None:
    trip = trip_id(services, blocked)
    with pytest.raises(NotAllowed, match="role manager"):
        services.guardrails.mark(trip, judgement=Judgement.RIGHT, actor=operator)
    assert services.trace_queries is not None
    others = [span.span_id for span in services.trace_queries.spans(blocked.trace_id) if not span.triggered]
    for unknown in ("nothing", others[0]):
        with pytest.raises(NotFound, match="not in the traces"):
            services.guardrails.mark(unknown, judgement=Judgement.RIGHT, actor=manager)
    with pytest.raises(InvalidInput, match="characters"):
        services.guardrails.mark(trip, judgement=Judgement.RIGHT, note="x" * 1001, actor=manager)
    assert services.guardrails.marks([trip]) == {}


def test_a_marked_trip_becomes_a_case_that_follows_its_mark(
    services: Services, blocked: Run, manager: Actor, operator: Actor
) -> None:
    trip = trip_id(services, blocked)
    with pytest.raises(Conflict, match="Mark the trip"):
        services.cases.add_from_trip(trip, actor=manager)
    services.guardrails.mark(trip, judgement=Judgement.RIGHT, actor=manager)
    with pytest.raises(NotAllowed):
        services.cases.add_from_trip(trip, actor=operator)
    case = services.cases.add_from_trip(trip, actor=manager)
    assert (case.message, case.expected_verdict, case.source_run_id) == (INJECTION, "injection_attempt", blocked.id)
    assert services.cases.add_from_trip(trip, actor=ADMIN) == case
    services.guardrails.mark(trip, judgement=Judgement.WRONG, note="A test", actor=manager)
    (kept,) = services.cases.list()
    assert (kept.id, kept.expected_verdict, kept.note) == (case.id, "support", "A test")


def test_the_same_text_is_one_case(services: Services, blocked: Run, manager: Actor, operator: Actor) -> None:
    again = block(services, INJECTION, actor=operator)
    first, second = trip_id(services, blocked), trip_id(services, again)
    services.guardrails.mark(first, judgement=Judgement.RIGHT, actor=manager)
    services.guardrails.mark(second, judgement=Judgement.RIGHT, actor=manager)
    case = services.cases.add_from_trip(first, actor=manager)
    assert services.cases.add_from_trip(second, actor=manager) == case
    assert services.cases.count() == 1
    services.guardrails.mark(second, judgement=Judgement.WRONG, actor=manager)
    with pytest.raises(Conflict, match="expects 'injection_attempt'"):
        services.cases.add_from_trip(second, actor=manager)
    assert [entry.action for entry in services.audit.list(actor=ADMIN)].count("case.added") == 1


def test_cases_are_exported_as_lines_of_json_and_the_export_is_told(
    services: Services, blocked: Run, manager: Actor, operator: Actor
) -> None:
    trip = trip_id(services, blocked)
    services.guardrails.mark(trip, judgement=Judgement.RIGHT, actor=manager)
    case = services.cases.add_from_trip(trip, actor=manager)
    with pytest.raises(NotAllowed):
        services.cases.export(actor=operator)
    (line,) = services.cases.export(actor=manager)
    assert json.loads(line) == case.model_dump(mode="json")
    assert services.audit.list(actor=ADMIN)[0].action == "cases.exported"


def test_a_trip_is_found_as_the_list_shows_it(services: Services, blocked: Run) -> None:
    reading = services.guardrails.reading
    (listed,) = reading.trips(today()).rows
    assert reading.get(listed.span_id) == listed
    assert (listed.run_id, listed.reason is not None) == (blocked.id, True)
    (use,) = [use for use in reading.figures(today(), step=timedelta(hours=1)).uses if use.trips]
    assert use.guardrail == "Input check"
