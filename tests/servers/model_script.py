"""What the test model server is asked and what it is told to answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Fault = Literal["cut", "end", "hang", "garbage"]
WireProtocol = Literal["responses", "chat_completions"]


@dataclass(frozen=True)
class ToolCall:
    """A tool call that the model makes; ``arguments`` given as text are sent as they stand, JSON or not."""

    name: str
    arguments: Mapping[str, Any] | str
    call_id: str | None = None

    @property
    def arguments_text(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True)
class Reply:
    """One answer: text in ``pieces`` (one delta each), a refusal, tool calls, or several of them.

    ``gates`` are waited for before the delta of that number. ``fault`` happens before the delta number ``fault_at``:
    the socket is ``cut``, the stream comes to a polite ``end`` without a closing event, ``hang`` sends nothing more,
    ``garbage`` sends a line that is no JSON. ``stopped_by`` makes the answer incomplete for that reason.
    ``answered_by`` is the model's name in the answer where it is not the one that was asked for.
    """

    text: str = ""
    pieces: tuple[str, ...] = ()
    refusal: str = ""
    calls: tuple[ToolCall, ...] = ()
    gates: Mapping[int, threading.Event] = field(default_factory=dict)
    pause_s: float = 0.0
    fault: Fault | None = None
    fault_at: int = 0
    stopped_by: str | None = None
    answered_by: str | None = None
    input_tokens: int = 100
    cached_tokens: int = 20
    output_tokens: int = 10
    reasoning_tokens: int = 4

    @property
    def deltas(self) -> tuple[str, ...]:
        """The text piece by piece; in words where no pieces are given."""
        if self.pieces or not self.text:
            return self.pieces
        words = self.text.split(" ")
        return tuple(word if number == 0 else f" {word}" for number, word in enumerate(words))

    @property
    def whole_text(self) -> str:
        return "".join(self.deltas)


@dataclass(frozen=True)
class Failure:
    """An HTTP error instead of an answer."""

    status: int
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hang:
    """Not a single byte until the server is closed."""


@dataclass(frozen=True)
class Failed:
    """A stream that says itself that the model failed."""

    code: str = "server_error"


Step = Reply | Failure | Hang | Failed


@dataclass(frozen=True)
class ModelRequest:
    """One request as it came, and the same in plain values for either protocol.

    ``client_port`` tells connections apart.
    """

    protocol: WireProtocol
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    client_port: int = 0

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def is_stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def wants_usage(self) -> bool:
        """Whether token counts are asked for; the Responses API sends them in any case."""
        return self.protocol == "responses" or bool((self.body.get("stream_options") or {}).get("include_usage"))

    @property
    def instructions(self) -> str | None:
        if self.protocol == "responses":
            return self.body.get("instructions")
        first = self.body["messages"][0]
        return str(first["content"]) if first["role"] in {"system", "developer"} else None

    @property
    def items(self) -> list[dict[str, Any]]:
        """The conversation as input items of the Responses API."""
        if self.protocol == "responses":
            given = self.body["input"]
            return [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
        return [item for message in self.body["messages"] for item in _items_of(message)]

    @property
    def tools(self) -> dict[str, dict[str, Any]]:
        """The parameter schema of every tool and handoff by its name."""
        offered = self.body.get("tools") or []
        if self.protocol == "chat_completions":
            offered = [tool["function"] for tool in offered]
        return {tool["name"]: tool["parameters"] for tool in offered}

    @property
    def output_schema(self) -> dict[str, Any] | None:
        """The JSON schema of the wanted output; None when plain text is wanted."""
        if self.protocol == "responses":
            wanted = (self.body.get("text") or {}).get("format") or {}
            return wanted.get("schema")
        wanted = (self.body.get("response_format") or {}).get("json_schema") or {}
        return wanted.get("schema")


Brain = Callable[[ModelRequest], Step]


def _items_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    if message["role"] in {"system", "developer"}:
        return []
    if message["role"] == "tool":
        return [{"type": "function_call_output", "call_id": message["tool_call_id"], "output": message["content"]}]
    said = [{"role": message["role"], "content": message["content"]}] if message.get("content") else []
    return said + [
        {
            "type": "function_call",
            "call_id": call["id"],
            "name": call["function"]["name"],
            "arguments": call["function"]["arguments"],
        }
        for call in message.get("tool_calls") or []
    ]
