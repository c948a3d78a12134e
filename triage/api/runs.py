"""Runs: find them, read one, stop one, correct its labels."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from triage.access.actions import Action, require
from triage.api.access import Asking
from triage.api.document import problems
from triage.api.paging import cursor_of, place_in_time
from triage.api.requests import ConversationIdFilter, Cursor, NewCorrection, PageLimit, RunId, search_text
from triage.api.schemas import RunAnswer, RunOut, RunPage
from triage.api.triage import APPLIED, PreferHeader
from triage.api.waiting import preferred_wait_s, run_answer, wait_until_settled
from triage.domain import Category, RunFilter, RunStatus, Urgency

router = APIRouter(prefix="/runs", tags=["runs"])

_LIST = "runs"


@router.get(
    "",
    operation_id="listRuns",
    summary="List runs, newest first",
    response_model=RunPage,
    responses=problems("not_allowed"),
)
async def list_runs(
    *,
    caller: Asking,
    status: Annotated[list[RunStatus] | None, Query(description="Any of these.")] = None,
    category: Annotated[list[Category] | None, Query(description="Any of these.")] = None,
    urgency: Annotated[list[Urgency] | None, Query(description="Any of these.")] = None,
    needs_person: Annotated[bool | None, Query(description="Whether somebody has to look.")] = None,
    session_id: ConversationIdFilter = None,
    text: Annotated[str, search_text("Only runs whose message, customer or id has this text.")] = "",
    limit: PageLimit = 50,
    cursor: Cursor = None,
) -> RunPage:
    """Return one page. The cursor keeps its place: what comes in meanwhile neither repeats nor hides a run."""
    query = RunFilter(
        statuses=tuple(status or ()),
        categories=tuple(category or ()),
        urgencies=tuple(urgency or ()),
        needs_person=needs_person,
        text=text,
        conversation_id=session_id,
        before=place_in_time(_LIST, cursor),
    )
    found = await caller.read(lambda seen: seen.runs.list(query, limit=limit + 1))
    shown, has_more = found[:limit], len(found) > limit
    following = cursor_of(_LIST, shown[-1].created_at, shown[-1].id) if has_more else None
    return RunPage(runs=[RunOut.model_validate(run) for run in shown], next_cursor=following)


@router.get(
    "/{run_id}",
    operation_id="getRun",
    summary="Read a run with what has come of it",
    response_model=RunAnswer,
    responses={200: {"headers": APPLIED}, **problems("not_allowed", "not_found")},
)
async def get_run(
    run_id: RunId,
    caller: Asking,
    request: Request,
    response: Response,
    prefer: PreferHeader = None,  # noqa: ARG001 - read from the request, because it may come several times
) -> RunAnswer:
    """Return the run, with `Prefer: wait=N` as soon as there is an outcome."""
    preferred = preferred_wait_s(request)
    if preferred is not None:
        await caller.read(lambda seen: seen.runs.get(run_id))
        await wait_until_settled(caller, run_id, wait_s=preferred)
        response.headers["Preference-Applied"] = f"wait={preferred}"
    return await caller.read(lambda seen: run_answer(seen, run_id))


@router.post(
    "/{run_id}/cancel",
    operation_id="cancelRun",
    summary="Stop a run for good",
    response_model=RunAnswer,
    responses=problems("not_allowed", "not_found", "conflict"),
)
async def cancel_run(run_id: RunId, caller: Asking) -> RunAnswer:
    """Stop the agents; what waits for a decision is cancelled with the run. A run that has ended is a conflict."""
    require(caller.actor, Action.RUNS_READ)
    await caller.act(lambda services: services.runs.cancel(run_id, actor=caller.actor))
    return await caller.read(lambda seen: run_answer(seen, run_id))


@router.post(
    "/{run_id}/corrections",
    operation_id="correctLabel",
    summary="Correct category or urgency",
    response_model=RunAnswer,
    responses=problems("malformed", "not_allowed", "not_found"),
)
async def correct_label(run_id: RunId, body: NewCorrection, caller: Asking) -> RunAnswer:
    """Put another label in force. What the agents said stays in `result`; `corrections` keeps who changed what."""
    require(caller.actor, Action.RUNS_READ)
    await caller.act(
        lambda services: services.runs.correct(run_id, field=body.field, value=body.value, actor=caller.actor)
    )
    return await caller.read(lambda seen: run_answer(seen, run_id))
