"""Following a run over HTTP: nothing missing, nothing twice, and nobody held up by somebody who is slow."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.api.served import ADMIN, ALICE, LONGEST_S, QUESTION, REFUND, Desk
from tests.api.test_messages import problem_of, submit
from triage.api import events
from triage.api.desk import THREADS

pytestmark = pytest.mark.xdist_group("api_events")

Event = dict[str, Any]


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def parsed(lines: Iterator[str]) -> Iterator[Event]:
    """Yield the events of a stream, comments as ``{"comment": ...}``."""
    fields: Event = {}
    for line in lines:
        if not line and fields:
            yield fields
            fields = {}
        elif line:
            name, _, value = line.partition(":")
            fields[name or "comment"] = value.strip()


def story(client: httpx2.Client, run_id: str, **headers: str) -> list[Event]:
    """Return all events up to the end of the stream."""
    with client.stream("GET", f"/runs/{run_id}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        return [event for event in parsed(answer.iter_lines()) if "comment" not in event]


def test_the_whole_story_is_told_and_the_stream_ends(helpdesk: httpx2.Client, desk: Desk) -> None:
    run_id = helpdesk.post("/support/triage", json={"message": QUESTION}).json()["run"]["id"]
    *told, end = story(helpdesk, run_id)
    kept = desk.services.runs.events(run_id)
    assert [int(event["id"]) for event in told] == [event.seq for event in kept]
    assert [event["event"] for event in told] == [event.kind.value for event in kept]
    assert json.loads(told[0]["data"])["kind"] == "run.queued"
    assert end["event"] == "end"
    assert "id" not in end
    assert json.loads(end["data"]) == {"run_id": run_id, "status": "completed"}


def test_a_stream_is_taken_up_where_it_broke(helpdesk: httpx2.Client) -> None:
    run_id = submit(helpdesk)["run"]["id"]
    everything = story(helpdesk, run_id)
    for broke_at in (1, 7, len(everything) - 2):
        rest = story(helpdesk, run_id, **{"Last-Event-ID": str(broke_at)})
        assert rest == everything[broke_at:]
    last = everything[-2]["id"]
    assert helpdesk.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": last}).status_code == 204
    assert helpdesk.get(f"/runs/{run_id}/events", params={"after": last}).status_code == 204


def test_pages_follow_one_another(helpdesk: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PAGE", 3)
    run_id = submit(helpdesk)["run"]["id"]
    numbers = [int(event["id"]) for event in story(helpdesk, run_id)[:-1]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 9


def test_a_stream_lasts_over_a_decision(helpdesk: httpx2.Client, reviews: httpx2.Client) -> None:
    # An order of its own, because it is refunded afterwards.
    waiting = submit(helpdesk, "I want a refund for order 4, it arrived broken.", customer_email="carol@example.com")
    approval = waiting["approvals"][0]
    told: list[Event] = []
    is_waiting = threading.Event()

    def read() -> None:
        with helpdesk.stream("GET", f"/runs/{waiting['run']['id']}/events") as answer:
            for event in parsed(answer.iter_lines()):
                told.append(event)
                if event.get("event") == "run.awaiting_approval":
                    is_waiting.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert is_waiting.wait(LONGEST_S)
    decision = {"decision": "approve", "arguments_hash": approval["arguments_hash"]}
    assert reviews.post(f"/support/approvals/{approval['id']}", json=decision).status_code == 200
    reader.join(LONGEST_S)
    kinds = [event.get("event") for event in told]
    assert kinds.index("approval.decided") < kinds.index("run.completed")
    assert kinds[-1] == "end"


@pytest.mark.parametrize("number", ["x", "-1", "99999999999", "1 2"])
def test_a_number_that_is_none_is_refused(helpdesk: httpx2.Client, number: str) -> None:
    run_id = submit(helpdesk)["run"]["id"]
    answer = helpdesk.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": number})
    problem_of(answer, "invalid_input")


def test_a_run_that_is_not_there_is_no_stream(helpdesk: httpx2.Client) -> None:
    problem_of(helpdesk.get("/runs/run_0/events"), "not_found")


def test_who_goes_away_frees_the_seat(desk: Desk, helpdesk: httpx2.Client) -> None:
    waiting = submit(helpdesk, REFUND, customer_email=ALICE)
    seats = desk_seats(desk)
    with helpdesk.stream("GET", f"/runs/{waiting['run']['id']}/events") as answer:
        # Held by a name: an iterator that nobody holds goes away at once, and its connection with it.
        told = parsed(answer.iter_lines())
        next(told)
        assert seats.count == 1
    until(lambda: seats.count == 0)


def test_the_seats_of_a_token_are_limited(desk: Desk, helpdesk: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = submit(helpdesk, REFUND, customer_email=ALICE)
    path = f"/runs/{waiting['run']['id']}/events"
    seats = desk_seats(desk)
    monkeypatch.setattr(seats, "_of_one", 2)
    with helpdesk.stream("GET", path), helpdesk.stream("GET", path):
        until(lambda: seats.count == 2)
        answer = helpdesk.get(path)
        assert problem_of(answer, "too_many_streams")["retry_after_s"] == int(answer.headers["retry-after"])
        with desk.client("other") as other, other.stream("GET", path) as open_one:
            assert open_one.status_code == 200
    until(lambda: seats.count == 0)


def test_a_stream_ends_with_its_token(desk: Desk, helpdesk: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.1)
    waiting = submit(helpdesk, REFUND, customer_email=ALICE)
    path = f"/runs/{waiting['run']['id']}/events"
    with desk.client("short lived") as client, client.stream("GET", path) as answer:
        told = parsed(answer.iter_lines())
        next(told)
        [token] = [item for item in desk.services.tokens.list(actor=ADMIN) if item.name == "short lived"]
        desk.services.tokens.revoke(token.id, actor=ADMIN)
        assert "end" not in [event.get("event") for event in told]
        problem_of(client.get(path), "not_signed_in")


def test_silence_is_filled_with_comments(helpdesk: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(events.Story.__init__.__kwdefaults__, "heartbeat_s", 0.05)  # type: ignore[arg-type]
    waiting = submit(helpdesk, REFUND, customer_email=ALICE)
    with helpdesk.stream("GET", f"/runs/{waiting['run']['id']}/events") as answer:
        assert any(event.get("comment") == "keep-alive" for event in parsed(answer.iter_lines()))


def test_who_takes_nothing_is_cut_off(desk: Desk, helpdesk: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SEND_WITHIN_S", 0.3)
    run_id = submit(helpdesk, REFUND, customer_email=ALICE)["run"]["id"]
    many = [desk.services.runs.events(run_id)[0].model_copy(update={"payload": {"text": "x" * 50_000}})] * 400
    monkeypatch.setattr(type(desk.services.runs), "events", lambda *_, **__: many)
    seats = desk_seats(desk)
    with closing(socket.create_connection((urlsplit(desk.url).hostname, urlsplit(desk.url).port))) as connection:
        connection.sendall(
            f"GET /api/runs/{run_id}/events HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {desk.token('helpdesk')}\r\n\r\n".encode()
        )
        until(lambda: seats.count == 1)
        until(lambda: seats.count == 0)


def test_many_who_follow_hold_no_thread_each(desk: Desk, helpdesk: httpx2.Client, reviews: httpx2.Client) -> None:
    waiting = submit(helpdesk, REFUND, customer_email=ALICE)
    [approval] = waiting["approvals"]
    seats, before = desk_seats(desk), threading.active_count()
    with ExitStack() as streams, httpx2.Client(limits=httpx2.Limits(max_connections=None), trust_env=False) as client:
        headers = {"Authorization": f"Bearer {desk.token('helpdesk')}"}
        path = f"{desk.url}/api/runs/{waiting['run']['id']}/events"
        answers = [streams.enter_context(client.stream("GET", path, headers=headers)) for _ in range(60)]
        until(lambda: seats.count == 60)
        assert threading.active_count() - before <= THREADS
        decision = {"decision": "reject", "arguments_hash": approval["arguments_hash"], "reason": "No."}
        assert reviews.post(f"/support/approvals/{approval['id']}", json=decision).status_code == 200
        ends = [[event for event in parsed(answer.iter_lines()) if event.get("event") == "end"] for answer in answers]
    assert [len(end) for end in ends] == [1] * 60


def test_who_waits_does_not_hold_up_the_end_of_the_server(helpdesk: httpx2.Client, desk: Desk) -> None:
    class Server:
        should_exit = True

        def handle_exit(self, *_: Any) -> None:
            pass

    waiting = submit(helpdesk, REFUND, customer_email=ALICE)
    kept = signal.signal(signal.SIGTERM, Server().handle_exit)
    try:
        # Each ends long before its time: the stream would last for ever, as nobody decides.
        with helpdesk.stream("GET", f"/runs/{waiting['run']['id']}/events") as answer:
            assert "end" not in [event.get("event") for event in parsed(answer.iter_lines())]
    finally:
        signal.signal(signal.SIGTERM, kept)


def desk_seats(desk: Desk) -> Any:
    assert desk.place._api is not None
    return desk.place._api.state.desk.seats  # type: ignore[attr-defined]
