"""Waiting for the outcome of a run within a request, as ``Prefer: wait=N`` (RFC 7240) asks for it."""

from __future__ import annotations

import re

from starlette.requests import Request

from triage.access.seen import Seen
from triage.api.desk import Caller
from triage.api.requests import MAX_WAIT_S
from triage.api.schemas import RunAnswer
from triage.domain import RunHead, RunStatus

_WAIT = re.compile(r'(?:^|,)\s*wait\s*=\s*"?(\d{1,6})"?\s*(?=$|[,;])', re.IGNORECASE)


def preferred_wait_s(request: Request) -> int | None:
    """Return the seconds of ``Prefer: wait=N``, at most what the console grants; None where nothing is said."""
    found = _WAIT.search(",".join(request.headers.getlist("prefer")))
    return None if found is None else min(int(found[1]), MAX_WAIT_S)


def is_settled(head: RunHead) -> bool:
    """Whether somebody who waits for the outcome has it: the run has ended, or a person has to decide."""
    return head.status.is_final or head.status is RunStatus.AWAITING_APPROVAL


async def wait_until_settled(caller: Caller, run_id: str, *, wait_s: int) -> None:
    """Return when the run is settled, or after so many seconds."""
    if wait_s > 0:
        await caller.desk.follower.until(run_id, is_settled, timeout_s=wait_s)


def run_answer(seen: Seen, run_id: str) -> RunAnswer:
    """Return a run with what has come of it; what a token may not see of it is left out."""
    found = seen.runs.whole(run_id)
    return RunAnswer.of(
        found.run,
        approvals=found.approvals,
        tickets=found.tickets,
        escalations=found.escalations,
        corrections=found.corrections,
    )
