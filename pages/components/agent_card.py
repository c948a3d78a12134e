"""One agent in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.components.text import plain
from pages.components.words import words

_STAGES = {
    "input": "before the team reads the message",
    "output": "before the answer leaves the team",
    "tool_input": "before a tool is used",
    "tool_output": "before the agents read what a tool found",
}


def agent_card(agent: Any, *, roles: Sequence[Any]) -> None:
    """Draw what an agent is for, what it may use, to whom it hands over, what checks it, and its instructions."""
    left, right = st.columns([1, 1], gap="medium")
    with left:
        chain = next((role.chain for role in roles if role.role == agent.role), ())
        model = " → ".join(plain(link.model) for link in chain) or plain(agent.model)
        st.markdown(f"{plain(agent.purpose) or 'Works for the other agents.'}")
        st.markdown(f":gray[Model] {model} · :gray[Answers with] {_answer(agent.output)}")
        st.markdown(f"**Tools** :gray[{len(agent.tools)}]")
        if not agent.tools:
            st.caption("None: it only reads and writes.")
        for tool in agent.tools:
            waits = " :orange-badge[:material/approval: can wait for a person]" if tool.approval else ""
            with st.expander(f"{plain(words(tool.name))}{waits}"):
                if tool.approval:
                    st.markdown(plain(tool.approval))
                st.text(tool.description)
                for name, schema in tool.parameters.get("properties", {}).items():
                    st.markdown(f":gray[{plain(words(name))}] {plain(_parameter(schema))}")
        if agent.handoffs:
            st.markdown("**Hands over to**")
            for entry in agent.handoffs:
                asked = ", ".join(plain(words(name).lower()) for name in entry.parameters.get("properties", {}))
                st.markdown(f":material/move_up: {plain(entry.agent)}" + (f" :gray[with {asked}]" if asked else ""))
        st.markdown("**Checks**")
        if not agent.guardrails:
            st.caption("None of its own.")
        for guardrail in agent.guardrails:
            stage = _STAGES.get(guardrail.stage, words(guardrail.stage).lower())
            st.markdown(f":material/verified_user: {plain(words(guardrail.name))} :gray[{stage}]")
    with right:
        st.markdown("**Instructions** :gray[as a model reads them, for a sample customer]")
        st.code(agent.instructions or "(none)", language=None, wrap_lines=True, height=520)


def _answer(output: str) -> str:
    return {"TriageResult": "a triage result", "GuardrailVerdict": "a verdict", "text": "text"}.get(
        output, plain(output)
    )


def _parameter(schema: Any) -> str:
    """Return what a parameter may be, from its JSON schema."""
    if not isinstance(schema, dict):
        return ""
    kinds = (
        [str(schema["type"])] if "type" in schema else [str(part.get("type", "")) for part in schema.get("anyOf", ())]
    )
    allowed = ", ".join(str(value) for value in schema.get("enum", ()))
    text = allowed or " or ".join(kind for kind in kinds if kind and kind != "null")
    described = schema.get("description")
    return f"{text}: {described}" if described else text
