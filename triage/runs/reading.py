"""Reading runs and what belongs to them."""

from __future__ import annotations

import builtins
from collections.abc import Collection

from triage.domain import Conversation, Correction, Escalation, Message, Run, RunEvent, RunFilter, RunHead, Ticket
from triage.gateway import Gateway
from triage.runs.event_log import EventLog

MAX_EVENTS = 5000


class RunReading:
    """The questions that pages, API and command line ask about runs."""

    def __init__(self, *, records: Gateway, event_log: EventLog | None) -> None:
        self._records = records
        self._event_log = event_log

    def get(self, run_id: str) -> Run:
        """Return a run."""
        with self._records.read() as tx:
            return tx.runs.get(run_id)

    def list(self, query: RunFilter | None = None, *, limit: int = 50, offset: int = 0) -> builtins.list[Run]:
        """Return runs, newest first."""
        with self._records.read() as tx:
            return tx.runs.list(query or RunFilter(), limit=limit, offset=offset)

    def counts(self, query: RunFilter | None = None) -> dict[str, int]:
        """Return how many runs there are by status, with ``all`` and ``needs_person``."""
        with self._records.read() as tx:
            return tx.runs.counts(query or RunFilter())

    def events(self, run_id: str, *, after: int = 0, limit: int = MAX_EVENTS) -> builtins.list[RunEvent]:
        """Return the events of a run from a number on."""
        with self._records.read() as tx:
            return tx.events.list(run_id, after=after, limit=limit)

    def heads(self, run_ids: Collection[str]) -> dict[str, RunHead]:
        """Return how far each of the runs is; one that does not exist is left out."""
        with self._records.read() as tx:
            return tx.events.heads(run_ids)

    def live_text(self, run_id: str) -> dict[str, str]:
        """Return the text that is being streamed, whole and by source; only the owner of the folder has it."""
        return self._event_log.live_text(run_id) if self._event_log else {}

    def conversation(self, conversation_id: str) -> Conversation:
        """Return a conversation."""
        with self._records.read() as tx:
            return tx.conversations.get(conversation_id)

    def messages(self, conversation_id: str) -> builtins.list[Message]:
        """Return the messages of a conversation, oldest first."""
        with self._records.read() as tx:
            return tx.conversations.messages(conversation_id)

    def runs_of_conversation(self, conversation_id: str) -> builtins.list[Run]:
        """Return the runs of a conversation."""
        with self._records.read() as tx:
            return tx.runs.list_of_conversation(conversation_id)

    def tickets(self, run_id: str) -> builtins.list[Ticket]:
        """Return the tickets that a run made."""
        with self._records.read() as tx:
            return tx.tickets.list_of_run(run_id)

    def escalations(self, run_id: str) -> builtins.list[Escalation]:
        """Return the escalations of a run."""
        with self._records.read() as tx:
            return tx.escalations.list_of_run(run_id)

    def corrections(self, run_id: str) -> builtins.list[Correction]:
        """Return the label corrections of a run."""
        with self._records.read() as tx:
            return tx.corrections.list_of_run(run_id)
