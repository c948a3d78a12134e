"""What a model is given for one call, read into plain values.

Everything that the engine knows about a conversation comes from here: it keeps nothing between calls, so it can take
over a conversation that another model began.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_EMAIL_LINE = re.compile(r"^\W*customer e-?mail:\s*(\S+@\S+)\s*$", re.IGNORECASE | re.MULTILINE)
_ACCOUNT_LINE = re.compile(r"^\W*account id:\s*([A-Za-z0-9][\w-]*)\s*$", re.IGNORECASE | re.MULTILINE)
_UNKNOWN = frozenset({"unknown", "none", "null", "-"})
_REJECTED = re.compile(
    r"\b(?:reject\w*|not approved|not been approved|turned down|a (?:person|reviewer) (?:decided|declined)|declined)\b",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"\b(?:can(?:no|')t|cannot|could not|couldn't|not (?:found|allowed|possible|known|available|yet)"
    r"|no (?:order|account|record)s?\b|unknown|failed|error|refus\w+|outside|already|must|first)\b",
    re.IGNORECASE,
)
_PAUSED = re.compile(r".{1,150} is paused by .+ since ")


@dataclass(frozen=True)
class PastCall:
    """A tool call or handoff that happened since the customer's last message; ``output`` is None while it is open."""

    name: str
    arguments: Mapping[str, Any]
    output: str | None

    @property
    def value(self) -> Any:
        """The output read as JSON, or None when it is a sentence."""
        try:
            return json.loads(self.output or "")
        except (ValueError, RecursionError):
            return None

    @property
    def was_paused(self) -> bool:
        """Whether an administrator has paused the tool, so that nothing was done or looked up."""
        return self.output is not None and not self._is_structured and bool(_PAUSED.match(self.output))

    @property
    def was_rejected(self) -> bool:
        """Whether a person said no to the call."""
        if self.was_paused:
            return False
        return self.output is not None and not self._is_structured and bool(_REJECTED.search(self.output[:600]))

    @property
    def was_refused(self) -> bool:
        """Whether the tool answered with a sentence that says why it did nothing; a person's no counts as well."""
        if self.output is None:
            return True
        if self._is_structured:
            return isinstance(self.value, dict) and bool(self.value.get("error"))
        return self.was_rejected or self.was_paused or bool(_REFUSED.search(self.output[:600]))

    @property
    def _is_structured(self) -> bool:
        return isinstance(self.value, (dict, list))


@dataclass(frozen=True)
class Request:
    """One call of a model, in plain values.

    ``calls`` holds what was done since the customer's last message, ``offers`` the JSON schema of every tool and
    handoff by its name, ``fields`` the fields of the wanted output (empty when plain text is wanted).
    """

    instructions: str = ""
    message: str = ""
    earlier: tuple[str, ...] = ()
    calls: tuple[PastCall, ...] = ()
    offers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fields: frozenset[str] = frozenset()

    @property
    def customer_email(self) -> str | None:
        """The customer's address as the instructions state it."""
        return _stated(_EMAIL_LINE, self.instructions)

    @property
    def account_id(self) -> str | None:
        """The customer's account as the instructions state it."""
        return _stated(_ACCOUNT_LINE, self.instructions)

    def done(self, name: str) -> list[PastCall]:
        """Return the calls of one tool since the customer's last message, oldest first."""
        return [call for call in self.calls if call.name == name]

    def was_tried(self, name: str, arguments: Mapping[str, Any]) -> bool:
        """Whether the same call was made already."""
        return any(dict(call.arguments) == dict(arguments) for call in self.done(name))


def _stated(line: re.Pattern[str], instructions: str) -> str | None:
    found = line.search(instructions)
    return found.group(1) if found and found.group(1).lower() not in _UNKNOWN else None


def read_request(
    instructions: str | None,
    *,
    items: str | Sequence[Any],
    offers: Mapping[str, Mapping[str, Any]],
    fields: Iterable[str],
) -> Request:
    """Read one model call; ``items`` are input items of the Responses API as dictionaries, or the bare message."""
    plain = [{"role": "user", "content": items}] if isinstance(items, str) else [_as_mapping(item) for item in items]
    said = [position for position, item in enumerate(plain) if item.get("role") == "user"]
    messages = [_text_of(plain[position].get("content")) for position in said]
    recent = plain[said[-1] + 1 :] if said else plain
    return Request(
        instructions=instructions or "",
        message=messages[-1] if messages else "",
        earlier=tuple(messages[:-1]),
        calls=_calls_of(recent),
        offers=offers,
        fields=frozenset(fields),
    )


def _as_mapping(item: Any) -> Mapping[str, Any]:
    if isinstance(item, Mapping):
        return item
    dumped: Mapping[str, Any] = item.model_dump() if hasattr(item, "model_dump") else {}
    return dumped


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, Mapping))
    return "\n".join(part for part in parts if isinstance(part, str))


def _calls_of(items: Sequence[Mapping[str, Any]]) -> tuple[PastCall, ...]:
    outputs = {
        item.get("call_id"): _text_of(item.get("output"))
        for item in items
        if item.get("type") == "function_call_output"
    }
    return tuple(
        PastCall(str(item.get("name")), _arguments_of(item.get("arguments")), outputs.get(item.get("call_id")))
        for item in items
        if item.get("type") == "function_call"
    )


def _arguments_of(raw: Any) -> Mapping[str, Any]:
    try:
        value = json.loads(raw) if isinstance(raw, str) else raw
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, Mapping) else {}
