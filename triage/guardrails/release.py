"""Letting a blocked message run: one person's decision, once, for this text and this guardrail only."""

from __future__ import annotations

from collections.abc import Collection

from triage.access import actions
from triage.access.actions import Action
from triage.access.one_person import are_one_person, you
from triage.access.teams import run_for, sees
from triage.audit.entries import add_entry, staff_words, text_mark
from triage.domain import Actor, EventKind, Release, Run, RunStatus, text_hash, utc_now
from triage.errors import Conflict, NotAllowed, NotFound
from triage.gateway import Gateway, Stores
from triage.runs.intake import clean_message
from triage.runs.queue import WorkQueue
from triage.runs.steering import add_run, event_by_person, new_run


class ReleaseService:
    """Releases messages that the input guardrail blocked."""

    def __init__(self, *, records: Gateway, queue: WorkQueue) -> None:
        self._records = records
        self._queue = queue

    def release(self, run_id: str, *, reason: str, actor: Actor) -> Run:
        """Run a blocked message again with its input guardrail told to let it through, and return the new run.

        Tool and output guardrails, policies and approvals stay as they are. The new run counts as submitted by whoever
        submitted the message, and the person who released it may not approve what it sets going either.

        Raises:
            InvalidInput: no reason is given.
            NotAllowed: the actor is no reviewer, or has submitted the message.
            Conflict: the run was not blocked for its message, was released or answered, or is not the newest of it.
        """
        why = clean_message(reason, what="reason")
        with self._records.begin() as tx:
            blocked = run_for(tx, run_id, actor=actor, action=Action.GUARDRAILS_RELEASE)
            of_message = tx.runs.lock_message(blocked)
            if sentence := _not_allowed(tx, of_message, actor=actor):
                raise NotAllowed(sentence)
            if sentence := _closed(tx, blocked, of_message):
                raise Conflict(sentence)
            run = self._run_again(tx, blocked, why=why, actor=actor)
        self._queue.wake()
        return run

    def refusal(self, run_id: str, *, actor: Actor) -> str | None:
        """Return why this person cannot release the run now, or None; for saying so beforehand."""
        with self._records.read() as tx:
            run = tx.runs.find(run_id)
            if run is None or not sees(actor, run.team):
                return "The message is no longer kept."
            of_message = _of_message(tx, run)
            return _closed(tx, run, of_message) or _not_allowed(tx, of_message, actor=actor)

    def find(self, run_id: str) -> Release | None:
        """Return the release of a blocked run, or None."""
        with self._records.read() as tx:
            return tx.releases.find(run_id)

    def find_by_released_run(self, run_id: str) -> Release | None:
        """Return the release that made a run, or None."""
        with self._records.read() as tx:
            return tx.releases.find_by_released_run(run_id)

    def _run_again(self, tx: Stores, blocked: Run, *, why: str, actor: Actor) -> Run:
        if blocked.trip is None:
            raise NotFound("This run has no trip.")
        run = add_run(
            tx,
            new_run(
                conversation_id=blocked.conversation_id,
                message_id=blocked.message_id,
                message=blocked.message,
                customer_email=blocked.customer_email,
                account_id=blocked.account_id,
                # Not the releaser: the rule against approving one's own message must still find its submitter.
                submitted_by=blocked.submitted_by,
                team=blocked.team,
                retry_of=blocked.id,
            ),
        )
        release = Release(
            run_id=blocked.id,
            released_run_id=run.id,
            guardrail=blocked.trip.guardrail,
            verdict=blocked.trip.verdict,
            message_hash=text_hash(blocked.message),
            reason=why,
            released_by=actor.name,
            released_at=utc_now(),
        )
        tx.releases.add(release)
        for told_in, said in ((blocked.id, {"released_run_id": run.id}), (run.id, {"blocked_run_id": blocked.id})):
            event = event_by_person(
                EventKind.RUN_RELEASED, by=actor.name, reason=why, guardrail=release.guardrail, **said
            )
            tx.events.append(told_in, [event])
        add_entry(
            tx,
            EventKind.RUN_RELEASED.value,
            actor=actor,
            subject=("run", blocked.id),
            after={
                "new_run": run.id,
                "guardrail": release.guardrail,
                "verdict": release.verdict,
                "message": text_mark(blocked.message),
                "reason": staff_words(why),
            },
        )
        return run


def _of_message(tx: Stores, run: Run) -> list[Run]:
    """Return every run of the run's message, oldest first."""
    found = tx.runs.list_of_conversation(run.conversation_id)
    return [other for other in found if other.message_id == run.message_id]


def _not_allowed(tx: Stores, of_message: Collection[Run], *, actor: Actor) -> str | None:
    if sentence := actions.refusal(actor, Action.GUARDRAILS_RELEASE):
        return sentence
    # Any run of the message counts: somebody else's retry must not make one's own message releasable.
    mine = next((name for name in {run.submitted_by for run in of_message} if are_one_person(tx, actor, name)), None)
    return mine and f"{you(actor, mine)} submitted this message, so another person decides whether it runs."


def _closed(tx: Stores, run: Run, of_message: Collection[Run]) -> str | None:
    """Say why nobody can release the run, or None."""
    release = tx.releases.find(run.id)
    if release is not None:
        return f"{release.released_by} released this already, at {release.released_at:%Y-%m-%d %H:%M} UTC."
    if run.status is not RunStatus.BLOCKED or run.trip is None or run.trip.stage != "input":
        return "Only a message that was blocked before the work can be released; run it again or take it over."
    if max(of_message, key=lambda other: (other.created_at, other.id)).id != run.id:
        return "This message was run again since then; look at its newest run."
    if run.reply_sent_at is not None:
        return f"The reply was already sent by {run.reply_sent_by}."
    if run.assigned_to is not None:
        return f"{run.assigned_to} has taken this over. Talk to them first."
    return None
