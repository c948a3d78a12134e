"""Switches: an administrator pauses a tool, an agent or every write, or lets everything wait for a person.

A switch is asked for before each call and each turn, so one that is set works at once, on runs in flight too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from triage.access.actions import Action, require
from triage.domain import (
    AGENT_SWITCH,
    EVERYTHING_SWITCH,
    TOOL_SWITCH,
    WRITES_SWITCH,
    Actor,
    NewAuditEntry,
    Switch,
    Value,
    utc_now,
)
from triage.errors import InvalidInput
from triage.gateway import Gateway, Stores
from triage.runs.intake import clean_message

MAX_REASON_CHARS = 300
# An agent asks before each of its turns, which takes a second or more; a tool asks anew each time.
RECENT_S = 0.2
MAX_NAME_CHARS = 120
_SET = "switch.set"
_CLEARED = "switch.cleared"
# Agents that others call for one piece of work: to write a reply, to judge a message.
_SERVING_ROLES = frozenset({"writer", "guardrail"})


class SwitchBoard(Value):
    """The switches that are set at one moment."""

    switches: tuple[Switch, ...] = ()

    @property
    def everything_needs_approval(self) -> bool:
        """Whether every call that a policy would let pass has to wait for a person."""
        return self.find(EVERYTHING_SWITCH) is not None

    def find(self, name: str) -> Switch | None:
        """Return the switch with this name if it is set."""
        return next((switch for switch in self.switches if switch.name == name), None)

    def refusal(self, *, tool: str | None = None, agent: str | None = None, writes: bool = False) -> str | None:
        """Return why a call may not happen now, as a sentence that tells the model what to do instead; else None.

        Without a tool it is about the agent's work as a whole. ``writes`` says that the call changes something.
        """
        paused = self.find(f"{AGENT_SWITCH}{agent}") if agent else None
        if paused:
            return (
                f"The agent {agent} is paused {_since(paused)}. Do not go on with this work: set requires_human and "
                f"tell the customer that a person will answer. {_KEEP_INSIDE}"
            )
        paused = self.find(f"{TOOL_SWITCH}{tool}") if tool else None
        what = tool
        if paused is None and writes:
            paused, what = self.find(WRITES_SWITCH), "Everything that changes something"
        if paused is None:
            return None
        instead = (
            "set requires_human and tell the customer that a person will do it"
            if writes
            else "go on without it, do not guess what it would say, and set requires_human"
        )
        return (
            f"{what} is paused {_since(paused)}. Do not call {tool or 'such a tool'} again: {instead}. {_KEEP_INSIDE}"
        )


_KEEP_INSIDE = "Who paused it and why is for the team only, not for the customer."


def _since(switch: Switch) -> str:
    at = switch.set_at
    return f"by {one_line(switch.set_by)} since {at.day} {at:%b %H:%M} UTC ({one_line(switch.reason)})"


class SwitchService:
    """Reads the switches for everyone, and sets and clears them for administrators.

    ``known`` returns the names that can be set where the team is known; elsewhere None, and every well-formed name is
    taken.
    """

    def __init__(self, *, records: Gateway, known: Callable[[], Collection[str] | None] = lambda: None) -> None:
        self._records = records
        self._known = known
        self._seen = SwitchBoard()
        self._seen_until = 0.0

    def current(self) -> SwitchBoard:
        """Return what is set now; one small query, because this is asked before each gated call and turn."""
        with self._records.read() as tx:
            return SwitchBoard(switches=tuple(tx.switches.list()))

    def recent(self) -> SwitchBoard:
        """Return what was set a moment ago: what this process sets shows at once, what another one does in 0.2 s."""
        if time.monotonic() >= self._seen_until:
            self._seen, self._seen_until = self.current(), time.monotonic() + RECENT_S
        return self._seen

    def set(self, name: str, *, actor: Actor, reason: str) -> Switch:
        """Set a switch; where it is set for the same reason nothing changes, another reason replaces the old one.

        Raises:
            NotAllowed: the actor is not an administrator.
            InvalidInput: there is no such tool or agent, or no reason.
        """
        require(actor, Action.SWITCHES_SET)
        self._check(name)
        text = one_line(clean_message(reason, what="reason"))
        if len(text) > MAX_REASON_CHARS:
            raise InvalidInput(f"The reason has {len(text)} characters; write it in at most {MAX_REASON_CHARS}.")
        switch = Switch(name=name, reason=text, set_by=actor.name, set_at=utc_now())
        with self._records.begin() as tx:
            before = tx.switches.find(name)
            if before is not None and before.reason == text:
                return before
            if before is not None:
                # It has been off since it was first set, whoever words the reason anew.
                switch = switch.model_copy(update={"set_at": before.set_at})
            tx.switches.put(switch)
            _audit(tx, _SET, name, actor=actor, before=before, after=switch)
        self._seen_until = 0.0
        return switch

    def clear(self, name: str, *, actor: Actor) -> None:
        """Clear a switch; does nothing where it is not set.

        Raises:
            NotAllowed: the actor is not an administrator.
        """
        require(actor, Action.SWITCHES_SET)
        with self._records.begin() as tx:
            before = tx.switches.find(name)
            if before is None:
                return
            tx.switches.remove(name)
            _audit(tx, _CLEARED, name, actor=actor, before=before, after=None)
        self._seen_until = 0.0

    def _check(self, name: str) -> None:
        if name in {WRITES_SWITCH, EVERYTHING_SWITCH}:
            return
        kind = next((kind for kind in (TOOL_SWITCH, AGENT_SWITCH) if name.startswith(kind)), None)
        if kind is None or not name.removeprefix(kind).strip() or len(name) > MAX_NAME_CHARS:
            raise InvalidInput(
                f"There is no such switch. Write {TOOL_SWITCH}NAME, {AGENT_SWITCH}NAME, {WRITES_SWITCH} or "
                f"{EVERYTHING_SWITCH}."
            )
        known = self._known()
        if known is not None and name not in known:
            raise InvalidInput(f"The team has no {kind.removesuffix(':')} with this name that can be paused.")


def switch_names(team: Any) -> list[str]:
    """Return the names of the switches of a team's tools and agents; ``team`` is what ``Team.describe`` returns.

    Only what asks before it works can be paused: the tools, and the agents that take part in a conversation. A switch
    that is set and does not hold would be worse than none.
    """
    tools = dict.fromkeys(tool.name for agent in team.agents for tool in agent.tools)
    agents = [agent.name for agent in team.agents if agent.role not in _SERVING_ROLES]
    return [*(f"{TOOL_SWITCH}{name}" for name in tools), *(f"{AGENT_SWITCH}{name}" for name in agents)]


def one_line(text: str) -> str:
    """Return text without line breaks, since a sentence for a model is one line."""
    return " ".join(text.split())


def _audit(tx: Stores, action: str, name: str, *, actor: Actor, before: Switch | None, after: Switch | None) -> None:
    entry = NewAuditEntry(
        at=utc_now(), actor=actor.name, role=actor.role, action=action, subject_kind="switch", subject_id=name,
        before=_kept(before), after=_kept(after),
    )  # fmt: skip
    tx.audit.add(entry)


def _kept(switch: Switch | None) -> dict[str, Any] | None:
    return None if switch is None else switch.model_dump(mode="json", exclude={"name"})
