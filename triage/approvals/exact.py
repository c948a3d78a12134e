"""What binds a decision to one call: a hash over the tool, the call and its final arguments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from triage.approvals.arguments import final_arguments
from triage.domain import Approval, Value
from triage.errors import StateError


class DecidedCall(Value):
    """A call that people let happen, with the arguments that they decided; ``proposed`` are the agent's."""

    approval_id: str
    tool: str
    call_id: str
    proposed: dict[str, Any]
    arguments: dict[str, Any]
    arguments_hash: str

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """The arguments that a person changed: what the agent proposed and what was decided, by name."""
        names = {**self.proposed, **self.arguments}
        pairs = {name: (self.proposed.get(name), self.arguments.get(name)) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def hash_of_call(tool: str, call_id: str, arguments: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of the canonical JSON of one call."""
    text = json.dumps([tool, call_id, arguments], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def shown_hash(approval: Approval) -> str:
    """Return the hash of the call as a person sees it now: what was decided, agreed to or else proposed."""
    return hash_of_call(approval.tool, approval.call_id, final_arguments(approval))


def decided_call(approval: Approval, *, proposed: Mapping[str, Any]) -> DecidedCall:
    """Return what may happen by an approved or edited approval.

    ``proposed`` are the arguments in the paused run, which have to be the ones that a person saw.

    Raises:
        StateError: something was altered since the decision; nothing may happen.
    """
    final = approval.decided_arguments
    if (
        final is None
        or dict(proposed) != approval.arguments
        or approval.arguments_hash != hash_of_call(approval.tool, approval.call_id, final)
    ):
        raise StateError("What was decided is not what would run. Nothing was done; run it again from the message.")
    return DecidedCall(
        approval_id=approval.id,
        tool=approval.tool,
        call_id=approval.call_id,
        proposed=approval.arguments,
        arguments=final,
        arguments_hash=approval.arguments_hash,
    )


def require_match(decided: DecidedCall, *, tool: str, call_id: str, arguments: Mapping[str, Any]) -> None:
    """Let a tool run only with the very arguments that were decided.

    Raises:
        StateError: they differ, by however little.
    """
    if decided.arguments_hash != hash_of_call(tool, call_id, arguments):
        raise StateError("What would run is not what was decided. Nothing was done; run it again from the message.")
