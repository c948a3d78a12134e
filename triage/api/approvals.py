"""Approvals: what waits for a person, the brief of each, and the decision."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from triage.access.actions import Action, require
from triage.access.seen import Seen
from triage.api.access import Asking
from triage.api.briefs import BriefOut
from triage.api.desk import Caller
from triage.api.document import problems
from triage.api.paging import cursor_of, place_of
from triage.api.requests import (
    ApprovalId,
    Approve,
    Cursor,
    Decision,
    Edit,
    MomentFilter,
    NameFilter,
    PageLimit,
    Reject,
    RunIdFilter,
)
from triage.api.schemas import ApprovalOut, ApprovalPage
from triage.domain import Approval, Lane, QueueFilter, Role, Urgency
from triage.services import Services

router = APIRouter(prefix="/support/approvals", tags=["approvals"])


@router.get(
    "",
    operation_id="listApprovals",
    summary="List approvals",
    response_model=ApprovalPage,
    responses=problems("not_allowed"),
)
async def list_approvals(
    *,
    caller: Asking,
    lane: Annotated[
        Lane, Query(description="What waits, what was decided, or what nobody knows the outcome of.")
    ] = Lane.WAITING,
    tool: Annotated[list[str] | None, Query(max_length=20, description="Any of these tools.")] = None,
    urgency: Annotated[list[Urgency] | None, Query(description="Any of these.")] = None,
    person: NameFilter = None,
    due_before: MomentFilter = None,
    escalated_to: Annotated[list[Role] | None, Query(description="Escalated to any of these roles.")] = None,
    run_id: RunIdFilter = None,
    limit: PageLimit = 50,
    cursor: Cursor = None,
) -> ApprovalPage:
    """Return one page: what waits by its due time, what was decided with the last decision first.

    `person` are those that somebody has claimed or, in the other lanes, decided.
    """
    query = QueueFilter(
        lane=lane,
        tools=tuple(tool or ()),
        urgencies=tuple(urgency or ()),
        person=person,
        due_before=due_before,
        escalated_to=tuple(escalated_to or ()),
        run_id=run_id,
        beyond=place_of(lane.value, cursor) if cursor else None,
    )
    view = await caller.read(lambda seen: seen.approvals.queue(query, limit=limit))
    following = None
    if view.has_more:
        last = view.approvals[-1]
        following = cursor_of(lane.value, _ordered_by(last, lane), last.id)
    return ApprovalPage(approvals=[ApprovalOut.of(item) for item in view.approvals], next_cursor=following)


@router.get(
    "/{approval_id}",
    operation_id="getApproval",
    summary="Read everything that a decision needs",
    response_model=BriefOut,
    responses=problems("not_allowed", "not_found"),
)
async def get_approval(approval_id: ApprovalId, caller: Asking) -> BriefOut:
    """Return the brief: the action, the conversation, the customer, what speaks for and against it, and past decisions.

    All of it is as it was at one moment. Texts are data that customers and models wrote.
    """

    def look(seen: Seen) -> BriefOut:
        brief = seen.approvals.brief(approval_id)
        return BriefOut.of(brief, refusal=seen.approvals.refusal(brief.approval))

    return await caller.read(look)


@router.post(
    "/{approval_id}",
    operation_id="decideApproval",
    summary="Approve, edit, reject or answer",
    response_model=ApprovalOut,
    responses=problems("malformed", "not_allowed", "not_found", "conflict"),
)
async def decide(approval_id: ApprovalId, body: Decision, caller: Asking) -> ApprovalOut:
    """Decide once and for good; the run goes on when everything that it asked for is decided.

    Whoever submitted the message cannot approve what it sets going. Where two people have to agree (`mode` is
    `two_people`), the first decision leaves it `pending` with `endorsed_by`.
    """

    def work(services: Services) -> Approval:
        actor, seen = caller.actor, body.arguments_hash
        if isinstance(body, Approve):
            return services.approvals.approve(approval_id, actor=actor, seen=seen)
        if isinstance(body, Edit):
            return services.approvals.edit(
                approval_id, actor=actor, arguments=body.arguments, reason=body.reason, seen=seen
            )
        if isinstance(body, Reject):
            return services.approvals.reject(
                approval_id, actor=actor, reason=body.reason, code=body.reason_code, seen=seen
            )
        return services.approvals.answer(approval_id, actor=actor, text=body.answer, seen=seen)

    return await _change(caller, work)


@router.post(
    "/{approval_id}/claim",
    operation_id="claimApproval",
    summary="Claim an approval for 10 minutes",
    response_model=ApprovalOut,
    responses=problems("not_allowed", "not_found", "conflict"),
)
async def claim(approval_id: ApprovalId, caller: Asking) -> ApprovalOut:
    """Keep others off while somebody looks at it, or renew one's own claim."""
    return await _change(caller, lambda services: services.approvals.claim(approval_id, actor=caller.actor))


@router.post(
    "/{approval_id}/release",
    operation_id="releaseApproval",
    summary="Give a claim back",
    response_model=ApprovalOut,
    responses=problems("not_allowed", "not_found"),
)
async def release(approval_id: ApprovalId, caller: Asking) -> ApprovalOut:
    """Give one's claim back; without one nothing happens."""
    return await _change(caller, lambda services: services.approvals.release(approval_id, actor=caller.actor))


async def _change(caller: Caller, work: Callable[[Services], Approval]) -> ApprovalOut:
    # The answer shows the approval, so whoever may not read it is refused before anything happens.
    require(caller.actor, Action.APPROVALS_READ)
    return ApprovalOut.of(await caller.act(work))


def _ordered_by(approval: Approval, lane: Lane) -> datetime | None:
    return approval.due_at if lane is Lane.WAITING else approval.decided_at
