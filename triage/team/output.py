"""The typed outputs of the agents, with their JSON schemas built once.

The SDK builds the schema of a plain type anew for every model call, which takes over a millisecond for a triage result.
"""

from __future__ import annotations

from typing import Any

from agents import AgentOutputSchema, AgentOutputSchemaBase


class BuiltOutput(AgentOutputSchemaBase):
    """The schema of one output type, shared by all agents that answer with it."""

    def __init__(self, output_type: type[Any]) -> None:
        self.__name__ = output_type.__name__
        self._schema = AgentOutputSchema(output_type)
        self._json_schema = self._schema.json_schema()

    def is_plain_text(self) -> bool:
        """Say that the answer is JSON."""
        return False

    def name(self) -> str:
        """Return the name of the type."""
        return self._schema.name()

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON schema; callers must not change it."""
        return self._json_schema

    def is_strict_json_schema(self) -> bool:
        """Say that the model has to keep to the schema."""
        return self._schema.is_strict_json_schema()

    def validate_json(self, json_str: str) -> Any:
        """Return the value of the model's answer, or raise the SDK's ``ModelBehaviorError``."""
        return self._schema.validate_json(json_str)
