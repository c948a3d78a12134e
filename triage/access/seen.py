"""The console as one person or program sees it: reading, with role, scopes and team checked at every step.

Pages and API read through this and nothing else. What changes something takes an ``actor`` and asks by itself.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from triage.access.actions import Action, require
from triage.access.seen_runs import SeenApprovals, SeenConversations, SeenRuns
from triage.access.seen_traces import SeenTraces
from triage.access.teams import team_seen
from triage.domain import Actor, QueueLoad, Switch

if TYPE_CHECKING:
    from triage.alerts.service import AlertService
    from triage.approvals.policy_service import PolicyService
    from triage.approvals.resumable import NotResumable
    from triage.evaluation.cases import CaseService
    from triage.guardrails.service import GuardrailService
    from triage.llm.registry import ModelRegistry
    from triage.measures.service import MeasureService
    from triage.services.bundle import Services
    from triage.team.team import Team


class DeskFigures(NamedTuple):
    """What waits and what is paused: runs by status, the approval queue, and the state of each model's breaker."""

    runs: Mapping[str, int]
    queue: QueueLoad
    breakers: Mapping[str, str]


class Seen:
    """What an actor may read; a part that the actor may not see raises NotAllowed with a sentence when it is asked for.

    Runs, conversations, approvals and traces of another team are answered as if they did not exist. Everything else
    is about all teams, and so for roles that see all of them.
    """

    def __init__(self, services: Services, actor: Actor) -> None:
        self._services = services
        self.actor = actor

    @property
    def runs(self) -> SeenRuns:
        """The runs of the actor's teams with what belongs to them."""
        return SeenRuns(self._services, self.actor)

    @property
    def conversations(self) -> SeenConversations:
        """The conversations of the actor's teams."""
        return SeenConversations(self._services, self.actor)

    @property
    def approvals(self) -> SeenApprovals:
        """The queue and the briefs of the actor's teams."""
        return SeenApprovals(self._services, self.actor)

    @property
    def traces(self) -> SeenTraces:
        """Single traces of the actor's runs; for who sees all teams, the list of all traces as well."""
        return SeenTraces(self._services, self.actor)

    @property
    def measures(self) -> MeasureService:
        """The figures of the overview.

        Raises:
            NotAllowed: the actor may not see them.
        """
        require(self.actor, Action.MEASURES_READ)
        return self._services.measures

    @property
    def guardrails(self) -> GuardrailService:
        """Trips, marks and figures of the guardrails.

        Raises:
            NotAllowed: the actor may not see them.
        """
        require(self.actor, Action.GUARDRAILS_READ)
        return self._services.guardrails

    @property
    def cases(self) -> CaseService:
        """The evaluation cases.

        Raises:
            NotAllowed: the actor may not see them.
        """
        require(self.actor, Action.CASES_READ)
        return self._services.cases

    @property
    def alerts(self) -> AlertService:
        """Alert rules, their states and the budgets.

        Raises:
            NotAllowed: the actor may not see them.
        """
        require(self.actor, Action.ALERTS_READ)
        return self._services.alerts

    @property
    def policies(self) -> PolicyService:
        """The policy in force, its history and what speaks for changing it.

        Raises:
            NotAllowed: the actor may not see them.
        """
        require(self.actor, Action.POLICIES_READ)
        return self._services.policies

    def switches(self) -> tuple[Switch, ...]:
        """Return what is switched off now."""
        require(self.actor, Action.SWITCHES_READ)
        return self._services.switches.current().switches

    @property
    def team(self) -> Team | None:
        """The team of agents; None where this process does no work."""
        require(self.actor, Action.TEAM_READ)
        return self._services.team

    @property
    def models(self) -> ModelRegistry | None:
        """The models that answer; None where this process does no work."""
        require(self.actor, Action.TEAM_READ)
        return self._services.models

    def figures(self) -> DeskFigures:
        """Return what waits and what is paused now, of all teams.

        Raises:
            NotAllowed: the actor may not read the metrics.
        """
        require(self.actor, Action.METRICS_READ)
        roles = [] if self._services.models is None else self._services.models.describe()
        return DeskFigures(
            runs=self._services.runs.counts(),
            queue=self._services.approvals.load(),
            breakers={link.model: link.breaker for role in roles for link in role.chain},
        )

    def sample_count(self) -> int:
        """Return how many sample records there are."""
        require(self.actor, Action.TEAM_READ)
        return self._services.samples.count()

    def count_not_resumable(self) -> int:
        """Return how many waiting runs of the actor's teams this build cannot go on with."""
        require(self.actor, Action.APPROVALS_READ)
        resumable = self._services.resumable
        return 0 if resumable is None else resumable.count(team=team_seen(self.actor))

    def not_resumable(self, *, limit: int = 50) -> builtins.list[NotResumable]:
        """Return the waiting runs of the actor's teams that this build cannot go on with."""
        require(self.actor, Action.APPROVALS_READ)
        resumable = self._services.resumable
        return [] if resumable is None else resumable.list(limit=limit, team=team_seen(self.actor))
