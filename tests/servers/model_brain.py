"""Lets the offline engine decide what the test model server answers, so that a whole team works over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

from agents import AgentOutputSchemaBase, FunctionTool, ModelSettings, ModelTracing
from openai.types.responses import ResponseFunctionToolCall

from tests.servers.model_script import ModelRequest, Reply, ToolCall
from triage.llm.offline import OfflineModel


def offline_brain(request: ModelRequest) -> Reply:
    """Answer a request as the offline engine would; it sees only what came over the wire."""
    return asyncio.run(_answer(request))


async def _answer(request: ModelRequest) -> Reply:
    schema = request.output_schema
    response = await OfflineModel(words_per_second=None).get_response(
        request.instructions,
        request.items,  # type: ignore[arg-type]
        ModelSettings(),
        [_tool(name, parameters) for name, parameters in request.tools.items()],
        None if schema is None else _WireSchema(schema),
        [],
        ModelTracing.DISABLED,
    )
    calls, texts = [], []
    for item in response.output:
        if isinstance(item, ResponseFunctionToolCall):
            calls.append(ToolCall(item.name, item.arguments))
        else:
            texts += [part.text for part in item.content]
    usage = response.usage
    return Reply(
        text="".join(texts),
        calls=tuple(calls),
        input_tokens=usage.input_tokens,
        cached_tokens=0,
        output_tokens=usage.output_tokens,
        reasoning_tokens=0,
    )


def _tool(name: str, parameters: dict[str, Any]) -> FunctionTool:
    async def never(*_: Any) -> str:
        raise AssertionError("The server only offers tools, it does not run them.")

    return FunctionTool(name=name, description="", params_json_schema=parameters, on_invoke_tool=never)


class _WireSchema(AgentOutputSchemaBase):
    """An output schema of which only the JSON is known."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema

    def is_plain_text(self) -> bool:
        return False

    def name(self) -> str:
        return str(self._schema.get("title", "output"))

    def json_schema(self) -> dict[str, Any]:
        return self._schema

    def is_strict_json_schema(self) -> bool:
        return True

    def validate_json(self, json_str: str) -> Any:
        raise NotImplementedError
