"""Everything that the desk shows of one run, read at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from pages.components.context import seen
from pages.components.story import streamed_reply
from triage.domain import Approval, Conversation, Correction, Escalation, Message, Run, RunEvent, RunStatus, Ticket

_WORKING_S = 0.5
_WAITING_S = 1.5
_WORKING = (RunStatus.QUEUED, RunStatus.RUNNING)


@dataclass(frozen=True)
class RunView:
    """A run with what belongs to it."""

    run: Run
    conversation: Conversation
    messages: list[Message]
    runs: list[Run]
    events: list[RunEvent]
    streamed: str
    approvals: list[Approval]
    tickets: list[Ticket]
    escalations: list[Escalation]
    corrections: list[Correction]

    @property
    def reply(self) -> str:
        """The reply as it stands: a person's or the agents', else what was streamed, else the guardrail's sentence."""
        run = self.run
        if run.reply is not None:
            return run.reply
        if run.result is not None and run.result.reply_draft:
            return run.result.reply_draft
        return run.trip.customer_message if run.trip is not None else self.streamed


def load(run_id: str) -> RunView:
    """Read a run.

    Raises:
        NotFound: there is no run with this id.
    """
    console = seen()
    runs, conversations = console.runs, console.conversations
    run = runs.get(run_id)
    events = runs.events(run_id)
    live = runs.live_text(run_id) if run.status in _WORKING else {}
    return RunView(
        run=run,
        conversation=conversations.get(run.conversation_id),
        messages=conversations.messages(run.conversation_id),
        runs=conversations.runs(run.conversation_id),
        events=events,
        streamed=streamed_reply(events, live),
        approvals=console.approvals.list_of_run(run_id),
        tickets=runs.tickets(run_id),
        escalations=runs.escalations(run_id),
        corrections=runs.corrections(run_id),
    )


def refresh_every(run: Run) -> float | None:
    """Return the seconds after which the run is read again: often while agents work, never after its end."""
    if run.status in _WORKING:
        return _WORKING_S
    return None if run.status.is_final else _WAITING_S
