"""A scripted reply as the bytes of the Responses API and of chat completions."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator
from typing import Any
from uuid import uuid4

from tests.servers.model_script import Failed, Reply, ToolCall

Event = dict[str, Any]
Frame = tuple[bool, str]
"""Whether it is a delta, and the text of the server-sent event."""


def responses_frames(reply: Reply | Failed, model: str) -> Iterator[Frame]:
    """Yield the events of the Responses API, numbered."""
    for number, event in enumerate(_responses_events(reply, model)):
        numbered = {**event, "sequence_number": number}
        kind = str(event["type"])
        yield kind.endswith(".delta"), f"event: {kind}\ndata: {json.dumps(numbered)}\n\n"


def responses_json(reply: Reply, model: str) -> dict[str, Any]:
    """Return the answer of the Responses API to a request without streaming."""
    return list(_responses_events(reply, model))[-1]["response"]


def chat_frames(reply: Reply | Failed, model: str, *, with_usage: bool) -> Iterator[Frame]:
    """Yield the chunks of chat completions; the last one has the token counts, for those who asked for them."""
    if isinstance(reply, Failed):
        yield False, f"data: {json.dumps({'error': {'message': 'failed', 'code': reply.code}})}\n\n"
        return
    for is_delta, chunk in _chat_chunks(reply, model):
        if chunk["usage"] and not with_usage:
            continue
        yield is_delta, f"data: {json.dumps(chunk)}\n\n"
    yield False, "data: [DONE]\n\n"


def chat_json(reply: Reply, model: str) -> dict[str, Any]:
    """Return the answer of chat completions to a request without streaming."""
    message = {
        "role": "assistant",
        "content": reply.whole_text or None,
        "refusal": reply.refusal or None,
        "tool_calls": [_chat_call(call) for call in reply.calls] or None,
    }
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(reply), "logprobs": None}
    return {**_chat_base(model, "chat.completion"), "choices": [choice], "usage": _chat_usage(reply)}


def _responses_events(reply: Reply | Failed, model: str) -> Iterator[dict[str, Any]]:
    base = {
        "id": f"resp_{uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "model": model,
        "status": "in_progress",
        "output": [],
        "error": None,
        "incomplete_details": None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": None,
    }
    yield {"type": "response.created", "response": base}
    yield {"type": "response.in_progress", "response": base}
    if isinstance(reply, Failed):
        error = {"code": reply.code, "message": "The model failed."}
        yield {"type": "response.failed", "response": {**base, "status": "failed", "error": error}}
        return
    output: list[dict[str, Any]] = []
    if reply.deltas or reply.refusal:
        message = yield from _message_events(reply)
        output.append(message)
    for call in reply.calls:
        item = yield from _call_events(call, len(output))
        output.append(item)
    status = "incomplete" if reply.stopped_by else "completed"
    details = {"reason": reply.stopped_by} if reply.stopped_by else None
    whole = {**base, "status": status, "incomplete_details": details, "output": output, "usage": _usage(reply)}
    yield {"type": f"response.{status}", "response": whole}


def _message_events(reply: Reply) -> Generator[Event, None, Event]:
    kind = "refusal" if reply.refusal else "output_text"
    deltas = (reply.refusal,) if reply.refusal else reply.deltas
    item = {"id": f"msg_{uuid4().hex}", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    yield {"type": "response.output_item.added", "output_index": 0, "item": item}
    yield {"type": "response.content_part.added", **place, "part": _part(kind, "")}
    for delta in deltas:
        yield {"type": f"response.{kind}.delta", **place, "delta": delta, **_logprobs(kind)}
    text = "".join(deltas)
    yield {"type": f"response.{kind}.done", **place, kind.removeprefix("output_"): text, **_logprobs(kind)}
    yield {"type": "response.content_part.done", **place, "part": _part(kind, text)}
    finished = {**item, "status": "completed", "content": [_part(kind, text)]}
    yield {"type": "response.output_item.done", "output_index": 0, "item": finished}
    return finished


def _part(kind: str, text: str) -> dict[str, Any]:
    if kind == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _logprobs(kind: str) -> dict[str, Any]:
    return {"logprobs": []} if kind == "output_text" else {}


def _call_events(call: ToolCall, index: int) -> Generator[Event, None, Event]:
    item = {
        "id": f"fc_{uuid4().hex}",
        "type": "function_call",
        "status": "in_progress",
        "call_id": f"call_{uuid4().hex}" if call.call_id is None else call.call_id,
        "name": call.name,
        "arguments": "",
    }
    place = {"item_id": item["id"], "output_index": index}
    arguments = call.arguments_text
    yield {"type": "response.output_item.added", "output_index": index, "item": item}
    yield {"type": "response.function_call_arguments.delta", **place, "delta": arguments}
    yield {"type": "response.function_call_arguments.done", **place, "name": call.name, "arguments": arguments}
    finished = {**item, "status": "completed", "arguments": arguments}
    yield {"type": "response.output_item.done", "output_index": index, "item": finished}
    return finished


def _usage(reply: Reply) -> dict[str, Any]:
    return {
        "input_tokens": reply.input_tokens,
        "input_tokens_details": {"cached_tokens": reply.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": reply.output_tokens,
        "output_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
        "total_tokens": reply.input_tokens + reply.output_tokens,
    }


def _chat_chunks(reply: Reply, model: str) -> Iterator[tuple[bool, dict[str, Any]]]:
    base = _chat_base(model, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return {**base, "choices": [choice], "usage": None}

    yield False, chunk({"role": "assistant", "content": ""})
    if reply.refusal:
        yield True, chunk({"refusal": reply.refusal})
    for delta in reply.deltas:
        yield True, chunk({"content": delta})
    for index, call in enumerate(reply.calls):
        yield True, chunk({"tool_calls": [{"index": index, **_chat_call(call)}]})
    yield False, chunk({}, _finish_reason(reply))
    yield False, {**base, "choices": [], "usage": _chat_usage(reply)}


def _chat_base(model: str, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}


def _chat_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments_text}
    return {
        "id": f"call_{uuid4().hex}" if call.call_id is None else call.call_id,
        "type": "function",
        "function": function,
    }


def _finish_reason(reply: Reply) -> str:
    if reply.stopped_by:
        return "length"
    return "tool_calls" if reply.calls else "stop"


def _chat_usage(reply: Reply) -> dict[str, Any]:
    return {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
        "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
    }
