"""The approval queue: what waits for a person, and what a decision sets going.

Every change is one transaction with its entries in the run's story and in the audit log. An approval is locked before
it is looked at, so of two people who decide at the same moment the second reads what the first decided.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from triage.access.actions import Action, require
from triage.access.teams import lock_for, not_found, sees
from triage.approvals.changes import Notify, audit, resume_when_decided, was_told
from triage.approvals.edits import ToolBook, check_edit
from triage.approvals.exact import hash_of_call, shown_hash
from triage.approvals.gate import Policies
from triage.approvals.permission import (
    agreement_refusal,
    closed_sentence,
    hindrance,
    is_claimed,
    limit_refusal,
    refusal,
)
from triage.connectors.orders import OrderBook
from triage.domain import (
    OPEN_APPROVAL_STATUSES,
    Actor,
    Approval,
    ApprovalStatus,
    EventKind,
    ExecutionStatus,
    Mode,
    Order,
    QueueLoad,
    RejectCode,
    Value,
    utc_now,
)
from triage.errors import Conflict, InvalidInput, NotAllowed, OutsideUnavailable, TriageError
from triage.gateway import Gateway, Stores
from triage.runs.intake import clean_message
from triage.runs.queue import WorkQueue

LEASE = timedelta(minutes=10)


class BatchOutcome(Value):
    """What became of one approval of several; ``problem`` is None where it was decided."""

    id: str
    problem: str | None = None


class ApprovalService:
    """Claims and decisions; each decision is made once, and the last one of a run resumes it."""

    def __init__(
        self,
        *,
        records: Gateway,
        queue: WorkQueue,
        policies: Policies,
        tools: ToolBook | None = None,
        orders: OrderBook | None = None,
        notify: Notify = lambda _tx, _topic, _approval: None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._records = records
        self._queue = queue
        self._policies = policies
        self._tools = tools
        self._orders = orders or OrderBook(records)
        self._notify = notify
        self._clock = clock

    def claim(self, approval_id: str, *, actor: Actor) -> Approval:
        """Take an approval for 10 minutes, or renew one's own claim.

        Raises:
            NotAllowed: the actor is not a reviewer.
            Conflict: somebody else has it, or it is decided.
        """
        now = self._clock()
        with self._records.begin() as tx:
            before = lock_for(tx, approval_id, actor=actor, action=Action.APPROVALS_CLAIM)
            _require(hindrance(before, actor=actor, now=now), Conflict)
            is_renewal = is_claimed(before, now=now)
            after = tx.approvals.update(
                approval_id, status=ApprovalStatus.CLAIMED, claimed_by=actor.name, claimed_until=now + LEASE
            )
            if not is_renewal:
                was_told(tx, EventKind.APPROVAL_CLAIMED, after, actor=actor, before=before, now=now)
        return after

    def renew(self, approval_id: str, *, actor: Actor) -> Approval:
        """Keep one's own claim for another 10 minutes; a claim that has run out is not taken again by itself.

        Raises:
            Conflict: it is not the actor's any more.
        """
        now = self._clock()
        with self._records.begin() as tx:
            before = lock_for(tx, approval_id, actor=actor, action=Action.APPROVALS_CLAIM)
            if not (before.status.is_open and before.claimed_by == actor.name and is_claimed(before, now=now)):
                raise Conflict(closed_sentence(before, now=now) or "Your claim has run out; claim it again.")
            return tx.approvals.update(approval_id, claimed_until=now + LEASE)

    def release(self, approval_id: str, *, actor: Actor) -> Approval:
        """Give back one's claim; does nothing where the actor has none."""
        now = self._clock()
        with self._records.begin() as tx:
            before = lock_for(tx, approval_id, actor=actor, action=Action.APPROVALS_CLAIM)
            if not before.status.is_open or before.claimed_by != actor.name:
                return before
            after = tx.approvals.update(approval_id, **_UNCLAIMED, status=ApprovalStatus.PENDING)
            audit(tx, "approval.released", after, actor=actor, before=before, now=now)
        return after

    def approve(self, approval_id: str, *, actor: Actor, seen: str | None = None) -> Approval:
        """Let the call happen exactly as it is shown; where two people have to agree, the first one only agrees.

        ``seen`` here and below is the ``shown_hash`` of what the person has before them; None is not compared.

        Raises:
            NotAllowed: the actor may not decide this; the sentence says why.
            Conflict: somebody decided already; the message says who and what.
        """
        with self._records.begin() as tx:
            approval = _lock_to_decide(tx, approval_id, actor=actor, seen=seen)
            if approval.kind == "question":
                raise InvalidInput("The agent asked a question. Write the answer, or reject the question.")
            final = approval.endorsed_arguments or approval.arguments
            after = self._agree(tx, approval, final, actor=actor, reason=None)
        self._queue.wake()
        return after

    def edit(
        self,
        approval_id: str,
        *,
        actor: Actor,
        arguments: Mapping[str, Any],
        reason: str = "",
        seen: str | None = None,
    ) -> Approval:
        """Let the call happen with other arguments; the agent is told what was changed.

        Raises:
            InvalidInput: the arguments cannot be used; the message names the field.
            NotAllowed: the actor may not decide this.
            Conflict: somebody decided already, or the order cannot be looked up now.
        """
        require(actor, Action.APPROVALS_DECIDE)
        text = clean_message(reason, what="reason") if reason.strip() else None
        order = self._order_of(arguments)
        with self._records.begin() as tx:
            approval = _lock_to_decide(tx, approval_id, actor=actor, seen=seen)
            _require(refusal(approval, actor=actor, now=self._clock()), Conflict)
            _require(self.problem(approval, arguments), InvalidInput)
            call, mode = check_edit(tx, approval, arguments, rules=self._policies.document(), order=order)
            approval = tx.approvals.update(approval_id, mode=mode, amount_usd=call.amount_usd)
            after = self._agree(tx, approval, dict(arguments), actor=actor, reason=text)
        self._queue.wake()
        return after

    def _order_of(self, arguments: Mapping[str, Any]) -> Order | None:
        """Look up the order that arguments name, before any transaction: it may be in another database."""
        order_id = arguments.get("order_id")
        try:
            return self._orders.find(order_id) if isinstance(order_id, str) else None
        except OutsideUnavailable as error:
            raise Conflict(f"{error} Try again later, or reject it.") from None

    def answer(self, approval_id: str, *, actor: Actor, text: str, seen: str | None = None) -> Approval:
        """Answer the question of an agent, which then goes on with the answer."""
        answer = clean_message(text, what="answer")
        with self._records.begin() as tx:
            approval = _lock_to_decide(tx, approval_id, actor=actor, seen=seen)
            if approval.kind != "question":
                raise InvalidInput("The agent wants to act and asked no question. Approve, edit or reject it.")
            after = self._agree(tx, approval, {**approval.arguments, "answer": answer}, actor=actor, reason=None)
        self._queue.wake()
        return after

    def reject(
        self,
        approval_id: str,
        *,
        actor: Actor,
        reason: str,
        code: RejectCode = RejectCode.OTHER,
        seen: str | None = None,
    ) -> Approval:
        """Refuse the call; the reason goes to the agent.

        Raises:
            InvalidInput: there is no reason.
            NotAllowed: the actor is not a reviewer.
            Conflict: somebody decided already; the message says who and what.
        """
        require(actor, Action.APPROVALS_DECIDE)
        text = clean_message(reason, what="reason")
        with self._records.begin() as tx:
            approval = _lock_to_decide(tx, approval_id, actor=actor, seen=seen)
            _require(refusal(approval, actor=actor, now=self._clock()), Conflict)
            after = self._close(
                tx, approval, actor=actor, status=ApprovalStatus.REJECTED, reason=text, reason_code=code
            )
        self._queue.wake()
        return after

    def decide_many(
        self,
        approval_ids: Collection[str],
        *,
        actor: Actor,
        decision: Literal["approve", "reject"],
        reason: str = "",
        code: RejectCode = RejectCode.OTHER,
    ) -> builtins.list[BatchOutcome]:
        """Decide several, each on its own: one that cannot be decided holds up none of the others."""
        outcomes = []
        for approval_id in approval_ids:
            try:
                if decision == "approve":
                    self.approve(approval_id, actor=actor)
                else:
                    self.reject(approval_id, actor=actor, reason=reason, code=code)
                outcomes.append(BatchOutcome(id=approval_id))
            except TriageError as error:
                outcomes.append(BatchOutcome(id=approval_id, problem=str(error)))
        return outcomes

    def get(self, approval_id: str) -> Approval:
        """Return an approval."""
        with self._records.read() as tx:
            return tx.approvals.get(approval_id)

    def list(
        self,
        *,
        statuses: Collection[ApprovalStatus] = OPEN_APPROVAL_STATUSES,
        executions: Collection[ExecutionStatus] = (),
        team: str | None = None,
        newest_first: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> builtins.list[Approval]:
        """Return approvals, by default the open ones with the one that is due first at the beginning."""
        with self._records.read() as tx:
            return tx.approvals.list(
                statuses=statuses,
                executions=executions,
                team=team,
                newest_first=newest_first,
                limit=limit,
                offset=offset,
            )

    def list_of_run(self, run_id: str) -> builtins.list[Approval]:
        """Return what a run asked people for; what a policy let pass by itself is left out."""
        with self._records.read() as tx:
            kept = tx.approvals.list_of_run(run_id)
        return [approval for approval in kept if approval.mode is not Mode.AUTO]

    def count_open(self, *, team: str | None = None) -> int:
        """Return how many wait for a decision, with ``team`` how many of its."""
        with self._records.read() as tx:
            return tx.approvals.count_open(team=team)

    def load(self) -> QueueLoad:
        """Return how much waits, of all teams."""
        with self._records.read() as tx:
            return tx.approval_queue.load(now=self._clock())

    def refusal(self, approval: Approval, *, actor: Actor) -> str | None:
        """Return why this person may not agree to the action now, or None."""
        if not sees(actor, approval.team):
            return str(not_found("approval", approval.id))
        sentence = refusal(approval, actor=actor, now=self._clock())
        if sentence is not None:
            return sentence
        with self._records.read() as tx:
            return agreement_refusal(tx, approval, actor=actor) or self._over_limit(tx, approval, actor=actor)

    def form(self, approval: Approval) -> dict[str, Any] | None:
        """Return the JSON schema of the arguments, None where this process has no team."""
        return self._tools.form(approval.tool) if self._tools else None

    def problem(self, approval: Approval, arguments: Mapping[str, Any]) -> str | None:
        """Return why edited arguments cannot be used, or None."""
        if self._tools is None:
            return "Arguments can be edited in the console only."
        return self._tools.problem(approval.tool, arguments)

    def _agree(
        self, tx: Stores, approval: Approval, final: dict[str, Any], *, actor: Actor, reason: str | None
    ) -> Approval:
        """Decide for the action, or agree to it as the first of two."""
        now = self._clock()
        _require(refusal(approval, actor=actor, now=now), Conflict)
        _require(agreement_refusal(tx, approval, actor=actor), NotAllowed)
        if approval.amount_usd:
            # Else two who agree at the same moment each miss the other's sum, and both stay below a limit.
            tx.approvals.lock_sums()
        _require(self._over_limit(tx, approval, actor=actor), NotAllowed)
        if approval.mode is Mode.TWO_PEOPLE and (approval.endorsed_by is None or final != approval.endorsed_arguments):
            endorsed = tx.approvals.update(
                approval.id,
                status=ApprovalStatus.PENDING,
                **_UNCLAIMED,
                endorsed_by=actor.name,
                endorsed_at=now,
                endorsed_arguments=final,
                reason=reason,
            )
            was_told(tx, EventKind.APPROVAL_ENDORSED, endorsed, actor=actor, before=approval, now=now)
            return endorsed
        is_changed = approval.kind == "action" and final != approval.arguments
        status = ApprovalStatus.EDITED if is_changed else ApprovalStatus.APPROVED
        return self._close(
            tx,
            approval,
            actor=actor,
            status=status,
            decided_arguments=final,
            arguments_hash=hash_of_call(approval.tool, approval.call_id, final),
            reason=reason or approval.reason,
        )

    def _close(self, tx: Stores, approval: Approval, *, actor: Actor, **decided: Any) -> Approval:
        now = self._clock()
        after = tx.approvals.update(
            approval.id, expect=OPEN_APPROVAL_STATUSES, decided_by=actor.name, decided_at=now, **decided
        )
        resume_when_decided(tx, after)
        self._notify(tx, "approval.decided", after)
        was_told(tx, EventKind.APPROVAL_DECIDED, after, actor=actor, before=approval, now=now)
        return after

    def _over_limit(self, tx: Stores, approval: Approval, *, actor: Actor) -> str | None:
        midnight = self._clock().replace(hour=0, minute=0, second=0, microsecond=0)
        return limit_refusal(
            approval,
            actor=actor,
            rules=self._policies.document(),
            spent=lambda column, value: tx.approvals.agreed_usd(column, value, since=midnight),
        )


_UNCLAIMED: Mapping[str, Any] = {"claimed_by": None, "claimed_until": None}


def _lock_to_decide(tx: Stores, approval_id: str, *, actor: Actor, seen: str | None) -> Approval:
    """Return an approval for a decision; an open one whose arguments are not the ones that were seen is refused."""
    approval = lock_for(tx, approval_id, actor=actor, action=Action.APPROVALS_DECIDE)
    if seen is not None and approval.status.is_open and seen != shown_hash(approval):
        raise Conflict("The arguments are not the ones that you saw. Load the action again before you decide.")
    return approval


def _require(sentence: str | None, error: type[TriageError]) -> None:
    if sentence is not None:
        raise error(sentence)
