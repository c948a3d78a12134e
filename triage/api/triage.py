"""A customer's message comes in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from triage.access.actions import Action, require
from triage.access.seen import Seen
from triage.api.access import Asking
from triage.api.document import problems
from triage.api.problems import ApiError
from triage.api.requests import KEY_PATTERN, TriageRequest
from triage.api.schemas import RunAnswer
from triage.api.waiting import preferred_wait_s, run_answer, wait_until_settled
from triage.domain import Run
from triage.runs.intake import MAX_ID_CHARS, clean_email, clean_message
from triage.services import Services

router = APIRouter(tags=["messages"])

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Makes it safe to send the message again after a broken connection: the same key is the same run.",
        pattern=KEY_PATTERN,
        max_length=MAX_ID_CHARS + 2,
        examples=["mail-20260304-0017"],
    ),
]
PreferHeader = Annotated[
    str | None, Header(alias="Prefer", description="`wait=N`: wait up to N seconds for the outcome (RFC 7240).")
]
LOCATION = {"Location": {"description": "Where the run can be read.", "schema": {"type": "string"}}}
APPLIED = {
    "Preference-Applied": {
        "description": "The wait that was granted.",
        "schema": {"type": "string"},
    }
}


@router.post(
    "/support/triage",
    operation_id="submitMessage",
    summary="Submit a customer's message",
    status_code=202,
    response_model=RunAnswer,
    response_description="Accepted: it is on disk and will be worked on, whatever happens.",
    responses={
        200: {
            "model": RunAnswer,
            "description": "The outcome: a result, an approval that waits, a block, or a failure.",
            "headers": {**LOCATION, **APPLIED},
        },
        202: {"headers": {**LOCATION, **APPLIED}},
        **problems("malformed", "not_allowed", "not_found", "conflict", "key_reused", "budget_reached"),
    },
)
async def submit(
    *,
    body: TriageRequest,
    caller: Asking,
    request: Request,
    response: Response,
    key: KeyHeader = None,
    prefer: PreferHeader = None,  # noqa: ARG001 - read from the request, because it may come several times
) -> RunAnswer:
    """Accept a message and answer at once with the run, or after the wait with what came of it.

    With an idempotency key it is safe to send the message again: the same run is answered, and worked on once.
    """
    chosen = _one_key(key, body.idempotency_key)
    preferred = preferred_wait_s(request)
    wait_s = body.wait_s if preferred is None else preferred

    # The answer shows the run, so whoever may not read it is refused before anything happens.
    require(caller.actor, Action.RUNS_READ)

    def accept(services: Services) -> Run:
        run = services.runs.submit(
            body.message,
            actor=caller.actor,
            customer_email=body.customer_email,
            account_id=body.account_id,
            conversation_id=body.session_id,
            # Two programs that number their messages alike must not get each other's runs.
            idempotency_key=chosen and f"{caller.actor.name}:{chosen}",
        )
        _require_same(run, body)
        return run

    run = await caller.act(accept)
    await wait_until_settled(caller, run.id, wait_s=wait_s)

    def look(seen: Seen) -> RunAnswer:
        return run_answer(seen, run.id)

    answer = await caller.read(look)
    if answer.outcome != "working":
        response.status_code = 200
    response.headers["Location"] = f"{request.scope.get('root_path', '')}/runs/{run.id}"
    if preferred is not None:
        response.headers["Preference-Applied"] = f"wait={preferred}"
    return answer


def _one_key(header: str | None, field: str | None) -> str | None:
    """Return the idempotency key; in the header it may stand in quotes, as in the draft of the standard."""
    written = header.strip('"') if header else None
    if written and field and written != field:
        raise ApiError("invalid_input", "Idempotency-Key and idempotency_key name two keys. Send one of them.")
    return written or field


def _require_same(run: Run, body: TriageRequest) -> None:
    """Refuse a key that stands for another message: whoever sends it would take one run for the other."""
    is_same = (
        run.message == clean_message(body.message)
        and body.session_id in (None, run.conversation_id)
        and body.account_id in (None, run.account_id)
        and clean_email(body.customer_email) in (None, run.customer_email)
    )
    if not is_same:
        raise ApiError("key_reused", "This idempotency key was sent with another message. Use a new one for each.")
