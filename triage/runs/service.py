"""What people and programs do with runs: submit, watch, cancel, retry, take over, correct, reply."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Literal

from triage.access.actions import Action, require
from triage.access.teams import not_found, run_for, sees
from triage.audit.entries import add_entry, staff_words, text_mark
from triage.domain import (
    DEFAULT_TEAM,
    Actor,
    Category,
    Conversation,
    Correction,
    Escalation,
    EventKind,
    Message,
    Run,
    RunStatus,
    Urgency,
    utc_now,
)
from triage.errors import Conflict, InvalidInput
from triage.gateway import Gateway, Stores
from triage.notices.outbox import notify_reply
from triage.runs.event_log import EventLog
from triage.runs.intake import (
    CONVERSATION_PREFIX,
    MAX_CONVERSATION_MESSAGES,
    clean_email,
    clean_id,
    clean_message,
    require_no_token,
)
from triage.runs.queue import WorkQueue
from triage.runs.reading import RunReading
from triage.runs.steering import STOPPABLE, add_run, end_by_person, event_by_person, new_run, run_again

SUBJECT_CHARS = 80
# Between team and key; no key holds it, so none can be made up that is another team's.
_OF_TEAM = "\x1f"


class RunService(RunReading):
    """Runs, from the side of whoever asks for them."""

    def __init__(
        self,
        *,
        records: Gateway,
        queue: WorkQueue,
        event_log: EventLog | None,
        stop: Callable[[str], None],
    ) -> None:
        super().__init__(records=records, event_log=event_log)
        self._queue = queue
        self._stop = stop

    def submit(
        self,
        message: str,
        *,
        actor: Actor,
        customer_email: str | None = None,
        account_id: str | None = None,
        conversation_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Run:
        """Accept a message: when this returns it is on disk and will be worked on, whatever happens.

        The same ``idempotency_key`` again returns the run that it made, whatever the message is.

        Raises:
            InvalidInput: the message, address, account or conversation cannot be used.
            BudgetReached: a budget is used up; the run that an idempotency key made before is returned all the same.
        """
        require(actor, Action.RUNS_SUBMIT)
        text = clean_message(message)
        email = clean_email(customer_email)
        account = clean_id(account_id, what="account id")
        conversation = clean_id(conversation_id, what="conversation id")
        if idempotency_key and not idempotency_key.isprintable():
            raise InvalidInput("The idempotency key has characters that cannot be printed; use letters and digits.")
        require_no_token(idempotency_key or "", what="idempotency key")
        key = key_of(idempotency_key, team=actor.team)
        try:
            with self._records.begin() as tx:
                if (known := _made_before(tx, key, actor=actor)) is not None:
                    return known
                run = self._accept(
                    tx, text, email=email, account=account, conversation_id=conversation, actor=actor, key=key
                )
        except Conflict:
            # On PostgreSQL somebody else may have come with the same key at the same moment.
            with self._records.read() as tx:
                known = _made_before(tx, key, actor=actor)
            if known is None:
                raise
            return known
        self._queue.wake()
        return run

    def retry(self, run_id: str, *, actor: Actor) -> Run:
        """Run the message of an ended run again, as a new run of the same conversation.

        Raises:
            Conflict: the run has not ended, or another run of its message has not; the sentence names that one.
            BudgetReached: a budget is used up.
        """
        with self._records.begin() as tx:
            old = run_for(tx, run_id, actor=actor, action=Action.RUNS_SUBMIT)
            run = run_again(tx, old, actor=actor)
        self._queue.wake()
        return run

    def cancel(self, run_id: str, *, actor: Actor) -> Run:
        """Stop the agents for good; open approvals are cancelled with the run."""
        return self._end_by_person(run_id, actor=actor, kind=EventKind.RUN_CANCELLED, assigned_to=None)

    def take_over(self, run_id: str, *, actor: Actor) -> Run:
        """Stop the agents, or claim what they left, and make the actor responsible for the conversation.

        Raises:
            Conflict: somebody else has it already, or the reply was sent.
        """
        with self._records.read() as tx:
            run = run_for(tx, run_id, actor=actor, action=Action.RUNS_CANCEL)
        if run.status in STOPPABLE:
            return self._end_by_person(run_id, actor=actor, kind=EventKind.RUN_TAKEN_OVER, assigned_to=actor.name)
        with self._records.begin() as tx:
            run = tx.runs.lock(run_id)
            if run.assigned_to not in (None, actor.name):
                raise Conflict(f"{run.assigned_to} has taken this over already. Talk to them first.")
            _require_unanswered(run)
            taken = tx.runs.update(run_id, assigned_to=actor.name)
            before, after = {"assigned_to": run.assigned_to}, {"assigned_to": actor.name}
            _tell(tx, EventKind.RUN_TAKEN_OVER, run_id, actor=actor, before=before, after=after)
        return taken

    def escalate(
        self, run_id: str, *, actor: Actor, reason: str, urgency: Urgency = Urgency.HIGH, key: str | None = None
    ) -> Escalation:
        """Hand the conversation to a person with more authority, with the reason; the run then needs a person.

        The same ``key`` again, such as the one of an opened form, returns the escalation that it made.
        """
        text = clean_message(reason, what="reason")
        with self._records.begin() as tx:
            run = _lock_for(tx, run_id, actor=actor, action=Action.RUNS_ESCALATE)
            escalation_id = f"esc_{secrets.token_hex(6)}"
            escalation = tx.escalations.add(
                Escalation(
                    id=escalation_id,
                    run_id=run.id,
                    key=key or uuid.uuid4().hex,
                    conversation_id=run.conversation_id,
                    reason=text,
                    urgency=urgency,
                    created_by=actor.name,
                    created_at=utc_now(),
                )
            )
            if escalation.id != escalation_id:
                return escalation
            tx.runs.update(run_id, escalated=True)
            told = {"reason": text, "urgency": urgency.value}
            _tell(tx, EventKind.ESCALATED, run_id, actor=actor, said=told, after={**told, "reason": staff_words(text)})
        return escalation

    def correct(self, run_id: str, *, field: Literal["category", "urgency"], value: str, actor: Actor) -> Run:
        """Change a label; the label before, who and when are kept."""
        try:
            label = Category(value) if field == "category" else Urgency(value)
        except ValueError:
            raise InvalidInput(f"{value!r} is not a {field}.") from None
        with self._records.begin() as tx:
            run = _lock_for(tx, run_id, actor=actor, action=Action.RUNS_CORRECT)
            before = getattr(run, field)
            if before == label:
                return run
            tx.corrections.add(
                Correction(
                    id=f"cor_{secrets.token_hex(6)}",
                    run_id=run_id,
                    field=field,
                    before=before.value if before else None,
                    after=label.value,
                    corrected_by=actor.name,
                    corrected_at=utc_now(),
                )
            )
            change: dict[str, Any] = {field: label}
            changed = tx.runs.update(run_id, **change)
            said = {"field": field, "before": before, "after": label.value}
            was = {field: before.value if before else None}
            _tell(tx, EventKind.LABEL_CORRECTED, run_id, actor=actor, said=said, before=was, after={field: label.value})
        return changed

    def edit_reply(self, run_id: str, *, text: str, actor: Actor, seen: str | None = None) -> Run:
        """Keep a person's version of the reply; ``seen`` is the one that they began with, empty where there was none.

        Raises:
            Conflict: somebody changed the reply since, or it was sent.
        """
        reply = clean_message(text, what="reply")
        with self._records.begin() as tx:
            run = _lock_for(tx, run_id, actor=actor, action=Action.RUNS_REPLY)
            _require_open_reply(run, seen=seen)
            if run.reply == reply:
                return run
            changed = tx.runs.update(run_id, reply=reply, reply_edited_by=actor.name)
            before, after = text_mark(run.reply), text_mark(reply)
            _tell(tx, EventKind.REPLY_EDITED, run_id, actor=actor, before=before, after=after)
        return changed

    def mark_sent(self, run_id: str, *, actor: Actor, text: str | None = None, seen: str | None = None) -> Run:
        """Record that the reply went to the customer; from now on it is part of the conversation and cannot change.

        It answers what was escalated. After an escalation that came later another reply, given as ``text``, may follow.

        Raises:
            Conflict: somebody changed the reply since ``seen``, or it was sent.
        """
        with self._records.begin() as tx:
            run = _lock_for(tx, run_id, actor=actor, action=Action.RUNS_REPLY)
            _require_open_reply(run, seen=seen, is_another=text is not None)
            reply = clean_message(text if text is not None else run.reply or "", what="reply")
            now = utc_now()
            edited: dict[str, Any] = {"reply_edited_by": actor.name} if reply != run.reply else {}
            sent: dict[str, Any] = {"reply_sent_at": now, "reply_sent_by": actor.name, "escalated": False}
            changed = tx.runs.update(run_id, reply=reply, **sent, **edited)
            reply_id = f"msg_{secrets.token_hex(8)}"
            tx.conversations.add_message(
                Message(
                    id=reply_id,
                    conversation_id=run.conversation_id,
                    author="team",
                    text=reply,
                    run_id=run_id,
                    created_at=now,
                )
            )
            notify_reply(tx, changed, reply_id=reply_id)
            before, after = text_mark(run.reply), text_mark(reply)
            _tell(tx, EventKind.REPLY_SENT, run_id, actor=actor, before=before, after=after)
        return changed

    def _accept(
        self,
        tx: Stores,
        text: str,
        *,
        email: str | None,
        account: str | None,
        conversation_id: str | None,
        actor: Actor,
        key: str | None,
    ) -> Run:
        now = utc_now()
        known = _to_continue(tx, conversation_id, email=email, actor=actor)
        if known is not None:
            email, account = email or known.customer_email, account or known.account_id
        if account is not None and not tx.accounts.exists(account):
            raise InvalidInput(f"There is no account {account}. Check the id, or leave it empty.")
        conversation = known or Conversation(
            id=conversation_id or CONVERSATION_PREFIX + secrets.token_hex(6),
            customer_email=email,
            account_id=account,
            subject=_subject(text),
            created_at=now,
            updated_at=now,
            team=actor.team,
        )
        message = Message(
            id=f"msg_{secrets.token_hex(8)}",
            conversation_id=conversation.id,
            author="customer",
            text=text,
            run_id=None,
            created_at=now,
        )
        if known is None:
            tx.conversations.add(conversation, first=message)
        else:
            tx.conversations.add_message(message, customer_email=email, account_id=account)
        return add_run(
            tx,
            new_run(
                conversation_id=conversation.id,
                message_id=message.id,
                message=text,
                customer_email=email,
                account_id=account,
                submitted_by=actor.name,
                team=conversation.team,
                idempotency_key=key,
            ),
        )

    def _end_by_person(self, run_id: str, *, actor: Actor, kind: EventKind, assigned_to: str | None) -> Run:
        with self._records.read() as tx:
            run_for(tx, run_id, actor=actor, action=Action.RUNS_CANCEL)
        if self._event_log is not None:
            # What was told before the end stands before it in the log; later nothing is taken any more.
            self._event_log.flush(run_id)
        with self._records.begin() as tx:
            run = end_by_person(tx, run_id, actor=actor, kind=kind, assigned_to=assigned_to)
        self._stop(run_id)
        return run


def key_of(idempotency_key: str | None, *, team: str) -> str | None:
    """Return the key as it is kept: the same word of two teams is two keys, so that nobody gets another team's run."""
    if not idempotency_key or team == DEFAULT_TEAM:
        return idempotency_key
    return f"{team}{_OF_TEAM}{idempotency_key}"


def _to_continue(tx: Stores, conversation_id: str | None, *, email: str | None, actor: Actor) -> Conversation | None:
    """Return the conversation that a message is to continue; None where it begins one, under the id that it names."""
    known = tx.conversations.find(conversation_id) if conversation_id else None
    if known is None:
        return None
    if not sees(actor, known.team):
        raise not_found("conversation", known.id)
    if known.customer_email and email and email != known.customer_email:
        raise InvalidInput(
            f"Conversation {known.id} belongs to another customer, {known.customer_email}. Leave the e-mail "
            "address empty to continue it, or the conversation to start a new one."
        )
    if tx.conversations.count_messages(known.id) >= MAX_CONVERSATION_MESSAGES:
        raise InvalidInput(
            f"Conversation {known.id} has {MAX_CONVERSATION_MESSAGES} messages and is full. Start a new one."
        )
    return known


def _made_before(tx: Stores, key: str | None, *, actor: Actor) -> Run | None:
    known = tx.runs.find_by_key(key) if key else None
    if known is not None and not sees(actor, known.team):
        raise Conflict("This idempotency key is in use; choose another one.")
    return known


def _tell(
    tx: Stores, kind: EventKind, run_id: str, *, actor: Actor, said: Mapping[str, Any] | None = None, **parts: Any
) -> None:
    """Tell in the run's own log and in the audit log, under the same word, what a person did to the run."""
    tx.events.append(run_id, [event_by_person(kind, by=actor.name, **(said or {}))])
    add_entry(tx, kind.value, actor=actor, subject=("run", run_id), **parts)


def _lock_for(tx: Stores, run_id: str, *, actor: Actor, action: Action) -> Run:
    """Return a run like ``run_for``; nobody else changes it before this transaction ends."""
    run_for(tx, run_id, actor=actor, action=action)
    return tx.runs.lock(run_id)


def _require_unanswered(run: Run) -> None:
    """Refuse what is for runs without a reply; an escalation that came after it opens the run again."""
    if run.reply_sent_at is not None and not run.escalated:
        raise Conflict(f"The reply was already sent by {run.reply_sent_by}.")


def _require_open_reply(run: Run, *, seen: str | None, is_another: bool = False) -> None:
    is_closed = run.reply_sent_at is not None and not (is_another and run.escalated)
    if seen is not None and (run.reply or "") != seen and not is_closed:
        who = run.reply_edited_by or "Somebody"
        raise Conflict(f"{who} changed the reply meanwhile. Compare both before you go on.")
    if is_closed:
        raise Conflict(f"The reply was already sent by {run.reply_sent_by}.")
    if not run.status.is_final:
        raise Conflict(f"This run is {_words(run.status)}; take over first, or wait until it has ended.")


def _subject(text: str) -> str:
    first = text.splitlines()[0].strip()
    return first if len(first) <= SUBJECT_CHARS else first[: SUBJECT_CHARS - 1].rstrip() + "…"


def _words(status: RunStatus) -> str:
    return status.value.replace("_", " ")
