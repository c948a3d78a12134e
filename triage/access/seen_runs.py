"""Runs, conversations and approvals as one person or program sees them."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from triage.access.actions import Action, may, require
from triage.access.teams import approval_for, conversation_for, run_for, sees, team_seen
from triage.domain import (
    OPEN_APPROVAL_STATUSES,
    Actor,
    Approval,
    ApprovalStatus,
    Conversation,
    ConversationFilter,
    Correction,
    Escalation,
    ExecutionStatus,
    Message,
    Mode,
    QueueFilter,
    Release,
    Run,
    RunEvent,
    RunFilter,
    RunHead,
    Ticket,
)
from triage.runs.reading import MAX_EVENTS

if TYPE_CHECKING:
    from triage.approvals.brief import Brief, QueueView
    from triage.services.bundle import Services


class WholeRun(NamedTuple):
    """A run with what belongs to it, all of one moment; what the actor may not see of it is left out."""

    run: Run
    approvals: builtins.list[Approval]
    tickets: builtins.list[Ticket]
    escalations: builtins.list[Escalation]
    corrections: builtins.list[Correction]


class _SeenPart:
    def __init__(self, services: Services, actor: Actor) -> None:
        self._services = services
        self._actor = actor
        self._team = team_seen(actor)


class SeenRuns(_SeenPart):
    """Runs of the teams that the actor sees, with what belongs to them.

    Every method raises NotAllowed without the action ``runs:read``, and NotFound for a run that the actor does not see.
    """

    def get(self, run_id: str) -> Run:
        """Return a run."""
        with self._services.records.read() as tx:
            return run_for(tx, run_id, actor=self._actor, action=Action.RUNS_READ)

    def whole(self, run_id: str) -> WholeRun:
        """Return a run with what belongs to it; what a policy let pass by itself is left out of its approvals."""
        with self._services.records.read() as tx:
            run = run_for(tx, run_id, actor=self._actor, action=Action.RUNS_READ)
            asked = tx.approvals.list_of_run(run_id) if may(self._actor, Action.APPROVALS_READ) else []
            return WholeRun(
                run=run,
                approvals=[approval for approval in asked if approval.mode is not Mode.AUTO],
                tickets=tx.tickets.list_of_run(run_id),
                escalations=tx.escalations.list_of_run(run_id),
                corrections=tx.corrections.list_of_run(run_id),
            )

    def list(self, query: RunFilter | None = None, *, limit: int = 50, offset: int = 0) -> builtins.list[Run]:
        """Return runs, newest first."""
        return self._services.runs.list(self._within(query), limit=limit, offset=offset)

    def counts(self, query: RunFilter | None = None) -> dict[str, int]:
        """Return how many runs there are by status, with ``all`` and ``needs_person``."""
        return self._services.runs.counts(self._within(query))

    def events(self, run_id: str, *, after: int = 0, limit: int = MAX_EVENTS) -> builtins.list[RunEvent]:
        """Return the events of a run from a number on."""
        self.get(run_id)
        return self._services.runs.events(run_id, after=after, limit=limit)

    def head(self, run_id: str) -> RunHead:
        """Return how far a run is."""
        self.get(run_id)
        return self._services.runs.heads([run_id])[run_id]

    def live_text(self, run_id: str) -> dict[str, str]:
        """Return the text that is being streamed, whole and by source; only the owner of the folder has it."""
        self.get(run_id)
        return self._services.runs.live_text(run_id)

    def tickets(self, run_id: str) -> builtins.list[Ticket]:
        """Return the tickets that a run made."""
        self.get(run_id)
        return self._services.runs.tickets(run_id)

    def escalations(self, run_id: str) -> builtins.list[Escalation]:
        """Return the escalations of a run."""
        self.get(run_id)
        return self._services.runs.escalations(run_id)

    def corrections(self, run_id: str) -> builtins.list[Correction]:
        """Return the label corrections of a run."""
        self.get(run_id)
        return self._services.runs.corrections(run_id)

    def find_release(self, run_id: str) -> Release | None:
        """Return the release of a blocked run, or None."""
        self.get(run_id)
        return self._services.releases.find(run_id)

    def find_release_to(self, run_id: str) -> Release | None:
        """Return the release that made a run, or None."""
        self.get(run_id)
        return self._services.releases.find_by_released_run(run_id)

    def _within(self, query: RunFilter | None) -> RunFilter:
        require(self._actor, Action.RUNS_READ)
        wanted = query or RunFilter()
        return wanted if self._team is None else wanted.model_copy(update={"team": self._team})


class SeenConversations(_SeenPart):
    """Conversations of the teams that the actor sees.

    Every method raises NotAllowed without the action ``conversations:read``, and NotFound for a conversation that the
    actor does not see.
    """

    def get(self, conversation_id: str) -> Conversation:
        """Return a conversation."""
        with self._services.records.read() as tx:
            return conversation_for(tx, conversation_id, actor=self._actor, action=Action.CONVERSATIONS_READ)

    def list(self, query: ConversationFilter, *, limit: int) -> builtins.list[Conversation]:
        """Return conversations, the one that began last first."""
        require(self._actor, Action.CONVERSATIONS_READ)
        wanted = query if self._team is None else query.model_copy(update={"team": self._team})
        with self._services.records.read() as tx:
            return tx.conversations.list(wanted, limit=limit)

    def messages(self, conversation_id: str) -> builtins.list[Message]:
        """Return the messages of a conversation, oldest first."""
        self.get(conversation_id)
        return self._services.runs.messages(conversation_id)

    def runs(self, conversation_id: str) -> builtins.list[Run]:
        """Return the runs of a conversation, oldest first."""
        self.get(conversation_id)
        found = self._services.runs.runs_of_conversation(conversation_id)
        return [run for run in found if sees(self._actor, run.team)]


class SeenApprovals(_SeenPart):
    """Approvals of the teams that the actor sees.

    Every method raises NotAllowed without the action ``approvals:read``, and NotFound for an approval that the actor
    does not see.
    """

    def get(self, approval_id: str) -> Approval:
        """Return an approval."""
        with self._services.records.read() as tx:
            return approval_for(tx, approval_id, actor=self._actor, action=Action.APPROVALS_READ)

    def list(
        self,
        *,
        statuses: Collection[ApprovalStatus] = OPEN_APPROVAL_STATUSES,
        executions: Collection[ExecutionStatus] = (),
        newest_first: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> builtins.list[Approval]:
        """Return approvals, by default the open ones with the one that is due first at the beginning."""
        require(self._actor, Action.APPROVALS_READ)
        return self._services.approvals.list(
            statuses=statuses,
            executions=executions,
            team=self._team,
            newest_first=newest_first,
            limit=limit,
            offset=offset,
        )

    def list_of_run(self, run_id: str) -> builtins.list[Approval]:
        """Return what a run asked people for; what a policy let pass by itself is left out."""
        with self._services.records.read() as tx:
            run_for(tx, run_id, actor=self._actor, action=Action.APPROVALS_READ)
        return self._services.approvals.list_of_run(run_id)

    def count_open(self) -> int:
        """Return how many wait for a decision."""
        require(self._actor, Action.APPROVALS_READ)
        return self._services.approvals.count_open(team=self._team)

    def queue(self, query: QueueFilter, *, limit: int, offset: int = 0) -> QueueView:
        """Return a page of the queue, what waits by due time, and the counts as they are for the actor."""
        require(self._actor, Action.APPROVALS_READ)
        wanted = query if self._team is None else query.model_copy(update={"team": self._team})
        return self._services.briefs.queue(wanted, actor=self._actor, limit=limit, offset=offset)

    def brief(self, approval_id: str) -> Brief:
        """Return everything that is known about one approval, as it was at one moment.

        The decisions in such cases that it quotes are those of all teams: they say what the house does.
        """
        self.get(approval_id)
        return self._services.briefs.brief(approval_id)

    def problem(self, approval: Approval, arguments: Mapping[str, Any]) -> str | None:
        """Return why edited arguments cannot be used, or None."""
        return self._services.approvals.problem(approval, arguments)

    def refusal(self, approval: Approval) -> str | None:
        """Return why the actor may not agree to the action now, or None."""
        return self._services.approvals.refusal(approval, actor=self._actor)
