"""Whether the console is alive, and whether all of it works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from triage.api.desk import ApiDesk
from triage.api.document import problems
from triage.api.problems import problem, request_id_of
from triage.errors import TriageError
from triage.services import Services

router = APIRouter(tags=["console"])


class Health(BaseModel):
    """The process serves requests."""

    status: Literal["ok"] = Field(examples=["ok"])


class ReadyCheck(BaseModel):
    """One part of the console."""

    name: str = Field(examples=["records"])
    is_ok: bool = Field(examples=[True])
    message: str = Field(examples=["The records can be read."])


class Ready(BaseModel):
    """Every part of the console works."""

    status: Literal["ready"]
    checks: list[ReadyCheck]


@router.get("/health", operation_id="getHealth", summary="Is it alive?", response_model=Health)
async def health() -> Health:
    """Say that the process serves requests; needs no token."""
    return Health(status="ok")


@router.get(
    "/ready",
    operation_id="getReady",
    summary="Does all of it work?",
    response_model=Ready,
    responses=problems("not_ready"),
)
async def ready(request: Request) -> Response:
    """Check every part; needs no token. What does not work is named in the problem's `checks`."""
    desk: ApiDesk = request.app.state.desk
    checks = await desk.do(lambda: list(_checks(desk.services)))
    told = [check.model_dump() for check in checks]
    failed = [check.name for check in checks if not check.is_ok]
    if not failed:
        return JSONResponse({"status": "ready", "checks": told})
    sentence = f"Not ready: {', '.join(failed)}."
    return problem("not_ready", sentence, request_id=request_id_of(request), retry_after_s=10, checks=told)


def _checks(services: Services) -> Iterator[ReadyCheck]:
    yield _check("records", lambda: _records(services))
    yield _check("agents", lambda: _agents(services))
    yield _check("events", lambda: _events(services))
    yield _check("traces", lambda: _traces(services))


def _check(name: str, find: Callable[[], tuple[bool, str]]) -> ReadyCheck:
    """Look at one part; what it says goes to people without a token, so it names no path and no address."""
    try:
        is_ok, message = find()
    except TriageError:
        is_ok, message = False, "It cannot be read or written now; the log has the reason."
    return ReadyCheck(name=name, is_ok=is_ok, message=message)


def _records(services: Services) -> tuple[bool, str]:
    services.runs.heads([])
    return True, "The records can be read."


def _agents(services: Services) -> tuple[bool, str]:
    if services.engine is None or not services.engine.is_working:
        return False, "No agent works here; messages are taken and wait."
    return True, "Agents work on what comes in."


def _events(services: Services) -> tuple[bool, str]:
    if services.event_log is None or not services.event_log.is_writing:
        return False, "What the agents tell is not written."
    return True, "What the agents tell is written."


def _traces(services: Services) -> tuple[bool, str]:
    health = services.processor.health() if services.processor else None
    if health is None or health.trouble is not None:
        return False, "Spans wait in the spool; the traces page says why."
    return True, "Spans come into the trace store."
