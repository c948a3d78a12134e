"""What runs write and read, each method one transaction over the stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from triage.approvals.asking import execution_of, passed, requested, ruling_of
from triage.approvals.changes import Notify
from triage.approvals.gate import BuiltInPolicy, Policies
from triage.domain import (
    Approval,
    ApprovalStatus,
    EventKind,
    ExecutionStatus,
    NewEvent,
    Refund,
    Release,
    Run,
    RunFailure,
    RunStatus,
    StoredState,
    Ticket,
    utc_now,
)
from triage.errors import OutcomeUnknown
from triage.gateway import Gateway, Stores
from triage.llm.offline import OFFLINE_MODEL_NAME
from triage.notices.outbox import notify_run
from triage.runs.outcome import Outcome
from triage.runs.queue import WaitingSegment
from triage.runs.reading import MAX_EVENTS
from triage.runs.state import pack_state
from triage.runs.steps import ACTS, BEGUN
from triage.scope import RunScope
from triage.team.context import TriageContext


@dataclass(frozen=True)
class SegmentStart:
    """What a segment starts from; a paused state and its approvals are there from the second segment on.

    ``is_again`` says that it was started before, and may have told and traced something even if no step was kept.
    """

    run: Run
    history: list[dict[str, str]]
    steps: Mapping[str, Any]
    is_again: bool = False
    stored: StoredState | None = None
    approvals: Sequence[Approval] = ()
    release: Release | None = None


class NothingToDo(Exception):  # noqa: N818 - it is no error
    """The segment was run already, or its run has ended."""

    def __init__(self, status: RunStatus) -> None:
        super().__init__(status.value)
        self.status = status


class RunRecords:
    """The segments' side of the records; also the event store and the step log."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        policies: Policies | None = None,
        notify: Notify = lambda _tx, _topic, _approval: None,
    ) -> None:
        self._gateway = gateway
        self._policies = policies or BuiltInPolicy()
        self._notify = notify

    def append_many(self, batches: Mapping[str, Sequence[NewEvent]]) -> None:
        """Keep the events of several runs in one transaction; a cancelled run tells only what was done all the same."""
        with self._gateway.begin() as tx:
            tx.events.append_many(batches, if_cancelled=_ACTED)

    def keep(self, run_id: str, segment: int, key: str, outcome: Any) -> None:
        """Keep the outcome of a finished step."""
        with self._gateway.begin() as tx:
            tx.steps.put(run_id, segment, key, outcome)

    def waiting(self, limit: int) -> list[WaitingSegment]:
        """Return the segments that can be run now, the one that waits longest first."""
        with self._gateway.read() as tx:
            return [WaitingSegment(*found) for found in tx.runs.waiting(limit=limit)]

    def status(self, run_id: str) -> RunStatus:
        """Return the status of a run."""
        with self._gateway.read() as tx:
            return tx.runs.status(run_id)

    def streamed_texts(self, run_id: str) -> dict[str, str]:
        """Return what of streamed text is in the log already, by source."""
        with self._gateway.read() as tx:
            events = tx.events.list(run_id, limit=MAX_EVENTS)
        texts: dict[str, str] = {}
        for event in events:
            if event.kind is EventKind.TEXT_RESTARTED:
                texts[event.payload["source"]] = ""
            elif event.kind is EventKind.TEXT_DELTA:
                texts[event.payload["source"]] = texts.get(event.payload["source"], "") + event.payload["text"]
        return texts

    def start_segment(self, run_id: str, segment: int) -> SegmentStart:
        """Mark a run as running and return what the segment starts from.

        Raises:
            NothingToDo: the run has ended or is in another segment already.
        """
        now = utc_now()
        with self._gateway.begin() as tx:
            is_again = tx.runs.status(run_id) is RunStatus.RUNNING
            steps = tx.steps.load(run_id, segment)
            worked_ms = _worked_before(tx, run_id) if is_again else 0
            run = tx.runs.start(run_id, segment, at=now)
            if run is None:
                raise NothingToDo(tx.runs.status(run_id))
            if worked_ms:
                run = tx.runs.update(run_id, active_ms=run.active_ms + worked_ms, updated_at=now)
            kind = EventKind.RUN_RESUMED if segment else EventKind.RUN_STARTED
            tx.events.append(run_id, [NewEvent(key=f"started:{segment}", kind=kind, at=now)])
            start = SegmentStart(
                run=run,
                history=memory_of(run, tx.runs.list_of_conversation(run.conversation_id)),
                steps=steps,
                is_again=is_again,
                release=tx.releases.find_by_released_run(run_id),
            )
            if not segment:
                return start
            approvals = [item for item in tx.approvals.list_of_run(run_id) if item.segment == segment - 1]
            for approval in approvals:
                # What a policy let pass has been done by now.
                if approval.status in _APPROVED and approval.execution is ExecutionStatus.NOT_STARTED:
                    tx.approvals.update(approval.id, execution=ExecutionStatus.EXECUTING)
            return replace(start, stored=tx.states.get(run_id, segment - 1), approvals=approvals)

    def finish_segment(
        self,
        run: Run,
        *,
        scope: RunScope,
        context: TriageContext,
        outcome: Outcome,
        active_ms: int,
        fingerprint: str,
        key: bytes,
        told: Sequence[NewEvent],
        executions: Mapping[str, EventKind | None],
    ) -> Run:
        """Write the end of a segment: the last events, totals, status, what belongs to the status, and its event."""
        now = utc_now()
        changes = _totals(run, scope=scope, active_ms=active_ms)
        if context.facts.escalation is not None:
            changes["escalated"] = True
        events = [_end_event(run, outcome)]
        with self._gateway.begin() as tx:
            current = tx.runs.lock(run.id)
            # A budget counts what was spent in the transaction that says so on the run, which a replay finds done.
            tx.spending.add(
                now.date(),
                cost_usd=changes["cost_usd"] - run.cost_usd,
                unpriced_calls=changes["unpriced_calls"] - run.unpriced_calls,
            )
            for approval in passed(run, scope, executions):
                tx.approvals.add_once(approval)
            if current.status is RunStatus.CANCELLED:
                tx.events.append(run.id, told, if_cancelled=_ACTED)
                # Somebody cancelled while the last step ended; what was spent and done still counts.
                _settle(tx, run)
                return tx.runs.update(run.id, **changes)
            tx.steps.forget(run.id, run.segment)
            if outcome.state is not None:
                facts = context.facts.model_dump(mode="json")
                tx.states.put(
                    pack_state(
                        outcome.state,
                        facts=facts,
                        run_id=run.id,
                        segment=run.segment,
                        fingerprint=fingerprint,
                        key=key,
                    )
                )
                events = [*self._ask(tx, run, scope=scope, outcome=outcome), *events]
            for approval in _executing(tx, run):
                tx.approvals.update(approval.id, execution=execution_of(executions.get(approval.call_id)))
            tx.events.append(run.id, [*told, *events])
            ending = _ending(current, outcome, now=now)
            finished = tx.runs.update(run.id, expect=(RunStatus.RUNNING,), status=outcome.status, **changes, **ending)
            notify_run(tx, finished)
        return finished

    def _ask(self, tx: Stores, run: Run, *, scope: RunScope, outcome: Outcome) -> list[NewEvent]:
        """Add an approval for every call that waits and return the events that say so, the last one first."""
        rules, asked = self._policies.document(), list[NewEvent]()
        for interruption in outcome.interruptions:
            ruling = ruling_of(scope, interruption)
            approval = requested(run, interruption, ruling, order=ruling.order, rules=rules)
            tx.approvals.add(approval)
            self._notify(tx, "approval.new", approval)
            asked.insert(0, _requested(approval))
        return asked

    def fail_segment(self, run_id: str, segment: int) -> RunStatus:
        """End a run whose segment cannot be brought to its end; a person has to look."""
        failure = RunFailure(
            code="internal",
            message="The run could not be brought to its end (an internal fault). Try again or take over.",
        )
        outcome = Outcome(status=RunStatus.FAILED, failure=failure)
        with self._gateway.begin() as tx:
            run = tx.runs.lock(run_id)
            if run.segment != segment or run.status is not RunStatus.RUNNING:
                return run.status
            _settle(tx, run)
            tx.events.append(run_id, [_end_event(run, outcome)])
            failed = tx.runs.update(run_id, status=RunStatus.FAILED, **_ending(run, outcome, now=utc_now()))
            notify_run(tx, failed)
        return RunStatus.FAILED

    def settle_cancelled(self, run_id: str, segment: int) -> None:
        """Say what became of the actions of a segment that did not come to its end before its run was cancelled."""
        with self._gateway.begin() as tx:
            run = tx.runs.lock(run_id)
            if run.segment == segment and run.status is RunStatus.CANCELLED:
                _settle(tx, run)


_APPROVED = (ApprovalStatus.APPROVED, ApprovalStatus.EDITED)
_ACTED = (EventKind.TOOL_COMPLETED, EventKind.TOOL_FAILED, EventKind.TICKET_CREATED)


def memory_of(run: Run, of_conversation: Sequence[Run]) -> list[dict[str, str]]:
    """Return the earlier messages of the conversation, oldest first, with the replies as they were sent, or drafted."""
    # Of a message that was run again the last run counts.
    by_message = {
        earlier.message_id: earlier for earlier in sorted(of_conversation, key=lambda other: other.created_at)
    }
    items: list[dict[str, str]] = []
    for earlier in by_message.values():
        if earlier.message_id == run.message_id or earlier.created_at >= run.created_at or _was_refused(earlier):
            continue
        items.append({"role": "user", "content": earlier.message})
        if earlier.reply and (earlier.reply_sent_at is not None or earlier.status is RunStatus.COMPLETED):
            items.append({"role": "assistant", "content": earlier.reply})
    return items


def _was_refused(run: Run) -> bool:
    """Whether the input guardrail kept the message from the team, which then must not reach it as a memory."""
    return run.trip is not None and run.trip.stage == "input"


def _worked_before(tx: Stores, run_id: str) -> int:
    """Return the milliseconds that a segment worked before it was interrupted, as far as its events tell."""
    run, last = tx.runs.get(run_id), tx.events.last_work(run_id)
    # A run is written at the start of an attempt, and then not until its end.
    return max(0, round((last - run.updated_at).total_seconds() * 1000)) if last else 0


def _executing(tx: Stores, run: Run) -> list[Approval]:
    # Only a segment after a decision acts on approvals.
    approvals = tx.approvals.list_of_run(run.id) if run.segment else []
    return [approval for approval in approvals if approval.execution is ExecutionStatus.EXECUTING]


def _settle(tx: Stores, run: Run) -> None:
    """End the segment of a run that ends without it: what its actions left in the records says what became of them."""
    steps = tx.steps.load(run.id, run.segment)
    for approval in _executing(tx, run):
        tx.approvals.update(approval.id, execution=_execution_on_record(tx, approval, steps))
    tx.steps.forget(run.id, run.segment)


def _execution_on_record(tx: Stores, approval: Approval, steps: Mapping[str, Any]) -> ExecutionStatus:
    """Say what became of an action by what it left in the records; what left nothing there was never done."""
    order_id = approval.arguments.get("order_id")
    made: list[Ticket | Refund] = [*tx.tickets.list_of_run(approval.run_id)]
    if order_id:
        made += [*tx.orders.refunds(order_id), *tx.outside_refunds.list([order_id])]
    is_done = any((item.run_id, item.call_id) == (approval.run_id, approval.call_id) for item in made)
    if is_done:
        return ExecutionStatus.SUCCEEDED
    kept = {key: outcome for key, outcome in steps.items() if key.startswith(f"{ACTS}{approval.tool}#")}
    outcomes = [outcome for key, outcome in kept.items() if not key.endswith(BEGUN)]
    # Steps of earlier builds do not say of which call they are, so what they say is no answer.
    ended = next((item for item in outcomes if item.get("call_id") in (None, approval.call_id)), None)
    if ended is not None:
        if ended.get("call_id") is None or ended.get("error_kind") == OutcomeUnknown.code:
            return ExecutionStatus.UNKNOWN
        return ExecutionStatus.SUCCEEDED if ended.get("outcome") else ExecutionStatus.FAILED
    # Another system may have got it and not have said what it did.
    if any(key.endswith(BEGUN) and key.removesuffix(BEGUN) not in kept for key in kept):
        return ExecutionStatus.UNKNOWN
    was_refused = tx.events.has(approval.run_id, f"tool:{approval.call_id}:failed")
    return ExecutionStatus.FAILED if was_refused else ExecutionStatus.NOT_STARTED


def _totals(run: Run, *, scope: RunScope, active_ms: int) -> dict[str, Any]:
    """Add what this segment used to what the run had used before."""
    calls = scope.calls
    usage = sum((call.usage for call in calls), start=run.usage)
    cost = sum((call.cost_usd for call in calls if call.cost_usd is not None), start=run.cost_usd)
    return {
        "usage": usage,
        "cost_usd": Decimal(cost),
        "unpriced_calls": run.unpriced_calls + sum(call.cost_usd is None for call in calls),
        "turns": run.turns + scope.turns,
        "active_ms": run.active_ms + active_ms,
        "models": sorted({*run.models, *(call.model for call in calls)}),
        "degraded": run.degraded or any(call.is_fallback and call.model == OFFLINE_MODEL_NAME for call in calls),
        "last_agent": scope.last_agent or run.last_agent,
    }


def _ending(run: Run, outcome: Outcome, *, now: Any) -> dict[str, Any]:
    """Return the columns that the status brings with it."""
    if outcome.status is RunStatus.AWAITING_APPROVAL:
        return {}
    changes: dict[str, Any] = {"ended_at": now, "failure": outcome.failure, "trip": outcome.trip}
    if outcome.result is not None:
        changes["result"] = outcome.result
        changes["category"] = run.category or outcome.result.category
        changes["urgency"] = run.urgency or outcome.result.urgency
        changes["reply"] = outcome.result.reply_draft or None
    if outcome.trip is not None:
        changes["reply"] = outcome.trip.customer_message
    return changes


def _end_event(run: Run, outcome: Outcome) -> NewEvent:
    kind = {
        RunStatus.AWAITING_APPROVAL: EventKind.RUN_AWAITING_APPROVAL,
        RunStatus.COMPLETED: EventKind.RUN_COMPLETED,
        RunStatus.BLOCKED: EventKind.RUN_BLOCKED,
        RunStatus.FAILED: EventKind.RUN_FAILED,
        RunStatus.CANCELLED: EventKind.RUN_CANCELLED,
    }[outcome.status]
    payload: dict[str, Any] = {}
    if outcome.failure is not None:
        payload = outcome.failure.model_dump()
    if outcome.trip is not None:
        payload = outcome.trip.model_dump()
    return NewEvent(key=f"ended:{run.segment}", kind=kind, at=utc_now(), payload=payload)


def _requested(approval: Approval) -> NewEvent:
    return NewEvent(
        key=f"approval:{approval.id}:requested",
        kind=EventKind.APPROVAL_REQUESTED,
        at=approval.created_at,
        payload={
            "approval_id": approval.id,
            "call_id": approval.call_id,
            "tool": approval.tool,
            "arguments": approval.arguments,
            "summary": approval.summary,
        },
    )
