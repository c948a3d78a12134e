"""A run's events as they happen (server-sent events), from any number on.

Nothing is kept for a client: events are read from the log page by page as fast as the client takes them, so a slow one
costs no memory, and one that takes nothing for half a minute is cut off. It comes back with ``Last-Event-ID``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import anyio
from fastapi import APIRouter, Header, Query
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from triage.access.seen import Seen
from triage.api.access import Asking
from triage.api.desk import Caller
from triage.api.document import problems
from triage.api.examples import STREAM
from triage.api.requests import RunId
from triage.api.schemas import EventOut
from triage.domain import EventKind, RunEvent, RunHead
from triage.errors import TriageError
from triage.services import Services

router = APIRouter(prefix="/runs", tags=["runs"])

HEARTBEAT_S = 15
# A client that takes nothing for so long is cut off.
SEND_WITHIN_S = 30.0
# When the console stops, a stream ends as a whole answer does; one that takes longer is cut off.
END_WITHIN_S = 5.0
PAGE = 200
MOST_EVENTS = 2**31 - 1
_SEP = "\n"

# One event, in the way of OpenAPI 3.2; `data` of `end` says only which run ended and how.
_ITEM = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "event": {"type": "string", "enum": [*(kind.value for kind in EventKind), "end"]},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/EventOut"},
        },
    },
    "required": ["event", "data"],
}

Number = Annotated[
    int | None, Query(ge=0, le=MOST_EVENTS, description="Events after this number; like `Last-Event-ID`.")
]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=r"^[0-9]{1,10}$",
        description="The number of the last event that came; browsers send it by themselves.",
        examples=["7"],
    ),
]


class Story(EventSourceResponse):
    """A stream that holds a seat for as long as it is open."""

    def __init__(
        self, caller: Caller, events: AsyncIterator[ServerSentEvent], *, heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        super().__init__(
            events,
            ping=heartbeat_s,
            ping_message_factory=lambda: ServerSentEvent(comment="keep-alive", sep=_SEP),
            send_timeout=SEND_WITHIN_S,
            sep=_SEP,
            shutdown_event=anyio.Event(),
            shutdown_grace_period=END_WITHIN_S,
        )
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the run has ended, the client has gone, or the console stops."""
        with self._caller.desk.seats.seat(self._caller.actor.name):
            await super().__call__(scope, receive, send)


@router.get(
    "/{run_id}/events",
    operation_id="followRun",
    summary="Follow a run's events",
    response_class=EventSourceResponse,
    response_model=None,
    responses={
        200: {
            "description": "The events as they happen. `id` is the number of an event, `event` its kind, `data` the "
            "event as JSON. Comments keep the connection open. The last one, `end`, has no number and says how the run "
            "ended.",
            "content": {"text/event-stream": {"itemSchema": _ITEM, "examples": {"refund": {"value": STREAM}}}},
        },
        204: {"description": "The run has ended and the client has had every event; there is no need to come back."},
        **problems("not_allowed", "not_found", "too_many_streams"),
    },
)
async def follow(run_id: RunId, caller: Asking, after: Number = None, last_event_id: LastEventId = None) -> Response:
    """Stream the events of a run, those of the past first; the stream ends after the run.

    A connection that breaks is taken up with `Last-Event-ID` (or `after`): no event is missing and none comes twice.
    """
    position = int(last_event_id) if last_event_id is not None else after or 0

    def look(seen: Seen) -> RunHead:
        return seen.runs.head(run_id)

    head = await caller.read(look)
    is_coming_back = last_event_id is not None or after is not None
    if is_coming_back and head.status.is_final and position >= head.last_event:
        return Response(status_code=204)
    return Story(caller, _tell(caller, run_id, position=position, head=head))


async def _tell(caller: Caller, run_id: str, *, position: int, head: RunHead) -> AsyncIterator[ServerSentEvent]:
    """Yield the events after a number until the run has ended and all of them are told."""
    is_open = True
    while is_open:
        while position < head.last_event:
            page = await _page(caller, run_id, after=position)
            for event in page:
                yield _frame(event)
                position = event.seq
            if not page:
                break
        if head.status.is_final:
            data = f'{{"run_id":"{run_id}","status":"{head.status.value}"}}'
            yield ServerSentEvent(data=data, event="end", sep=_SEP)
            return
        is_open, head = await _next(caller, run_id, position=position, head=head)


async def _page(caller: Caller, run_id: str, *, after: int) -> list[RunEvent]:
    return await caller.read(lambda seen: seen.runs.events(run_id, after=after, limit=PAGE))


async def _next(caller: Caller, run_id: str, *, position: int, head: RunHead) -> tuple[bool, RunHead]:
    """Wait for the run to move on; return whether to go on telling, and how far the run is then.

    Now and then it is asked again whether the token is still in force: it may be revoked while a stream lasts.
    """
    follower = caller.desk.follower
    try:
        found = await follower.until(
            run_id, lambda now: now.last_event > position or now.status.is_final, timeout_s=HEARTBEAT_S
        )
        if found is None and not follower.is_ending:
            await caller.act(lambda services: _require_token(services, caller))
    except TriageError:
        # The run was erased, or the token is not in force any more: the next request is told which.
        return False, head
    return not follower.is_ending, found or head


def _require_token(services: Services, caller: Caller) -> None:
    services.tokens.authenticate(caller.secret)


def _frame(event: RunEvent) -> ServerSentEvent:
    told = EventOut.model_validate(event).model_dump_json()
    return ServerSentEvent(data=told, event=event.kind.value, id=str(event.seq), sep=_SEP)
