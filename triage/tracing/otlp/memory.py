"""What earlier spans of a trace say about later ones.

The ids of tool calls, which the SDK's tool spans do not have, and for a trace without a run what was asked first and
answered last, which its top span does not have.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import orjson

from triage.tracing.otlp.messages import input_messages, output_messages
from triage.tracing.otlp.openinference import spoken

MAX_TRACES = 1000
MAX_CALLS = 200
MAX_WORDS = 20_000


class CallIds:
    """The ids of calls that models asked for, until their tool has run; the oldest traces are forgotten first."""

    def __init__(self) -> None:
        self._traces: OrderedDict[str, dict[tuple[str, bytes], list[str]]] = OrderedDict()

    def note(self, trace_id: str, content: Mapping[str, Any]) -> None:
        """Remember the calls in a model's answer."""
        asked = [call for message in output_messages(content) for call in message.calls if call.id]
        if not asked:
            return
        calls = self._traces.setdefault(trace_id, {})
        self._traces.move_to_end(trace_id)
        for call in asked[:MAX_CALLS]:
            ids = calls.setdefault((call.name, _plain(call.arguments)), [])
            if call.id not in ids:
                ids.append(call.id)
        while len(self._traces) > MAX_TRACES:
            self._traces.popitem(last=False)

    def find(self, trace_id: str, *, tool: str, arguments: Any, keep: bool) -> str | None:
        """Return the id of the call; ``keep`` where the tool has not run yet and its span comes again."""
        ids = self._traces.get(trace_id, {}).get((tool, _plain(arguments)))
        if not ids:
            return None
        return ids[0] if keep else ids.pop(0)


def _plain(arguments: Any) -> bytes:
    """Return arguments in one way of writing them."""
    try:
        value = orjson.loads(arguments) if isinstance(arguments, str) else arguments
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, TypeError):
        return str(arguments).encode("utf-8", "replace")


class TraceWords:
    """What was asked first and answered last in a trace; the oldest traces are forgotten first."""

    def __init__(self) -> None:
        self._traces: OrderedDict[str, dict[str, str]] = OrderedDict()

    def note(self, trace_id: str, content: Mapping[str, Any]) -> None:
        """Remember what a model was asked and what it answered."""
        words = self._traces.setdefault(trace_id, {})
        self._traces.move_to_end(trace_id)
        if "input" not in words and (asked := [one.text for one in input_messages(content) if one.role == "user"]):
            words["input"] = asked[0][:MAX_WORDS]
        if answered := spoken(output_messages(content)):
            words["output"] = answered[:MAX_WORDS]
        while len(self._traces) > MAX_TRACES:
            self._traces.popitem(last=False)

    def take(self, trace_id: str) -> dict[str, str]:
        """Return the ``input`` and ``output`` of a trace, as far as they are known, and forget them."""
        return self._traces.pop(trace_id, {})
