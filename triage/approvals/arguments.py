"""The arguments of a waiting call as typed fields, from what the agent proposed to what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from triage.domain import Approval, ApprovalStatus, Value

# From so many characters on a text is written in a field of several lines.
LONG_TEXT = 200
_LONG_NAMES = ("description", "reason", "message", "text", "question", "brief", "reply")
_IDS = {
    "order_id": "order",
    "account_id": "account",
    "customer_email": "email",
    "email": "email",
    "ticket_id": "ticket",
}


class FieldKind(StrEnum):
    """How an argument is shown and edited."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    CHOICE = "choice"
    MONEY = "money"
    NUMBER = "number"
    WHOLE_NUMBER = "whole_number"
    YES_NO = "yes_no"
    ORDER = "order"
    ACCOUNT = "account"
    TICKET = "ticket"
    EMAIL = "email"
    JSON = "json"


class ArgumentField(Value):
    """One argument at each stage; a stage that did not happen, or has no such argument, is None.

    ``validated`` is what the tool takes of the proposal, ``edited`` what a person made of it, ``decided`` what runs.
    """

    name: str
    kind: FieldKind
    choices: tuple[str, ...] = ()
    required: bool = True
    longest: int | None = None
    proposed: Any = None
    validated: Any = None
    edited: Any = None
    decided: Any = None

    @property
    def current(self) -> Any:
        """The value that would run now, or ran."""
        for value in (self.decided, self.edited, self.validated, self.proposed):
            if value is not None:
                return value
        return None

    @property
    def is_changed(self) -> bool:
        """Whether a person changed what the agent proposed."""
        return any(value is not None and value != self.proposed for value in (self.edited, self.decided))


def argument_fields(approval: Approval, form: Mapping[str, Any] | None) -> list[ArgumentField]:
    """Return the arguments of a call; ``form`` is the tool's JSON schema, None where it is not known."""
    known: Mapping[str, Any] = (form or {}).get("properties", {})
    required = (form or {}).get("required", list(known))
    stages = {
        "proposed": approval.arguments,
        "validated": None if form is None else _validated(approval.arguments, known),
        "edited": edited_arguments(approval),
        "decided": approval.decided_arguments,
    }
    names = dict.fromkeys([*known, *(name for stage in stages.values() for name in stage or ())])
    return [
        ArgumentField(
            name=name,
            required=name in required,
            **_shape(name, known.get(name), proposed=approval.arguments.get(name), form=form),
            **{stage: (arguments or {}).get(name) for stage, arguments in stages.items()},
        )
        for name in names
    ]


def edited_arguments(approval: Approval) -> dict[str, Any] | None:
    """Return the arguments as a person changed them, or None: of two people the first one's, else the decider's."""
    if approval.status is ApprovalStatus.EDITED:
        return approval.decided_arguments
    if approval.endorsed_arguments is not None and approval.endorsed_arguments != approval.arguments:
        return approval.endorsed_arguments
    return None


def final_arguments(approval: Approval) -> dict[str, Any]:
    """Return the arguments that were decided, else the ones that an approval would let run now."""
    return approval.decided_arguments or approval.endorsed_arguments or approval.arguments


def _validated(arguments: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {name: schema["default"] for name, schema in known.items() if "default" in schema}
    return {**defaults, **{name: value for name, value in arguments.items() if name in known}}


def _shape(name: str, schema: Any, *, proposed: Any, form: Mapping[str, Any] | None) -> dict[str, Any]:
    resolved = _resolve(schema or {}, form or {})
    if choices := resolved.get("enum"):
        return {"kind": FieldKind.CHOICE, "choices": tuple(str(choice) for choice in choices)}
    longest = resolved.get("maxLength")
    return {"kind": _kind(name, resolved.get("type") or _type_of(proposed), longest), "longest": longest}


def _kind(name: str, kind: str, longest: int | None) -> FieldKind:
    if name in _IDS and kind in ("string", "integer"):
        return FieldKind(_IDS[name])
    if name.endswith("_usd") or name in ("amount", "sum"):
        return FieldKind.MONEY
    if kind == "string":
        is_long = name in _LONG_NAMES or (longest or 0) > LONG_TEXT
        return FieldKind.LONG_TEXT if is_long else FieldKind.TEXT
    simple = {"integer": FieldKind.WHOLE_NUMBER, "number": FieldKind.NUMBER, "boolean": FieldKind.YES_NO}
    return simple.get(kind, FieldKind.JSON)


def _resolve(schema: Mapping[str, Any], form: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference to a definition, and take the other half of what may also be absent."""
    reference = str(schema.get("$ref", ""))
    if reference.startswith("#/$defs/"):
        found: Mapping[str, Any] = form.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
        return found
    for half in schema.get("anyOf", ()):
        if half.get("type") != "null":
            return _resolve(half, form)
    return schema


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "string" if isinstance(value, str) or value is None else "object"
