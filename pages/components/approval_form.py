"""The form that edits a call's arguments, made from the tool's schema, with what is wrong said by the field."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.components import words
from pages.components.text import plain
from triage.approvals.arguments import ArgumentField, FieldKind

GENERAL = ""
"""The name under which a problem stands that belongs to no field."""

_FEW = 6


def field_key(approval_id: str, name: str) -> str:
    """Return the key of a field's widget."""
    return f"edit_{approval_id}_{name}"


def draw_fields(approval_id: str, fields: Sequence[ArgumentField], *, problems: Mapping[str, str]) -> None:
    """Draw a widget for each argument, the agent's proposal where a person changed it, and what is wrong with it."""
    for field in fields:
        _draw(field, key=field_key(approval_id, field.name))
        if field.is_changed:
            st.caption(f"The agent proposed: {plain(words.one_line(shown(field, field.proposed), limit=200))}")
        if problem := problems.get(field.name):
            st.markdown(f":red[:material/error: {plain(problem)}]")


def _draw(field: ArgumentField, *, key: str) -> None:
    label = words.words(field.name) + ("" if field.required else " (optional)")
    # What was typed comes back after a refusal, so a value is given to the first drawing only.
    if key not in st.session_state:
        st.session_state[key] = _initial(field)
    if field.kind is FieldKind.CHOICE:
        if len(field.choices) <= _FEW:
            st.pills(label, field.choices, key=key, required=field.required, format_func=words.words)
        else:
            st.selectbox(label, field.choices, key=key, format_func=words.words)
    elif field.kind is FieldKind.MONEY:
        st.number_input(f"{label}, in US dollars", key=key, min_value=0.0, step=0.01, format="%.2f")
    elif field.kind is FieldKind.NUMBER:
        st.number_input(label, key=key)
    elif field.kind is FieldKind.WHOLE_NUMBER:
        st.number_input(label, key=key, step=1)
    elif field.kind is FieldKind.YES_NO:
        st.toggle(label, key=key)
    elif field.kind is FieldKind.LONG_TEXT:
        st.text_area(label, key=key, height=120)
    elif field.kind is FieldKind.JSON:
        st.text_area(label, key=key, height=120, help="As JSON.")
    else:
        st.text_input(label, key=key)


def _initial(field: ArgumentField) -> Any:
    value = field.current
    if field.kind is FieldKind.CHOICE:
        return value if value in field.choices else None
    if field.kind in (FieldKind.MONEY, FieldKind.NUMBER, FieldKind.WHOLE_NUMBER):
        return _as_number(value, whole=field.kind is FieldKind.WHOLE_NUMBER)
    if field.kind is FieldKind.YES_NO:
        return bool(value)
    if field.kind is FieldKind.JSON:
        return json.dumps(value, ensure_ascii=False, indent=2)
    return "" if value is None else str(value)


def _as_number(value: Any, *, whole: bool) -> int | float | None:
    try:
        return None if value is None else int(value) if whole else float(value)
    except (TypeError, ValueError):
        return None


def read_fields(fields: Sequence[ArgumentField], typed: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the arguments as they were typed, and what is wrong with which of them.

    An optional field that was left empty is left out. What stays is of the type that the agent gave, so that an
    untouched form gives back the very arguments that it was made from.
    """
    arguments: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for field in fields:
        value = typed.get(field.name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if field.required:
                problems[field.name] = "This cannot be empty."
            continue
        try:
            arguments[field.name] = _read(field, value)
        except ValueError:
            problems[field.name] = "This is not JSON. Mend it, or undo the edit."
            continue
        if field.longest is not None and isinstance(value, str) and len(value) > field.longest:
            problems[field.name] = f"This has {len(value):,} characters; {field.longest:,} are allowed."
    return arguments, problems


def _read(field: ArgumentField, value: Any) -> Any:
    if field.kind is FieldKind.JSON:
        return json.loads(value)
    before = field.current
    if isinstance(before, str) and isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.2f}" if field.kind is FieldKind.MONEY else str(value)
    if isinstance(before, int) and not isinstance(before, bool) and isinstance(value, str) and value.strip().isdigit():
        return int(value)
    return before if isinstance(before, str) and before == value else value


def place(problem: str, names: Sequence[str]) -> str:
    """Return the field that a sentence of a service names in quotes, or the place for what belongs to no field."""
    quoted = re.findall(r"['\"`]([\w.]+)['\"`]", problem)
    return next((name for name in names for word in quoted if word.split(".")[0] == name), GENERAL)


def shown(field: ArgumentField, value: Any) -> str:
    """Return a value for reading: money as money, choices in words, what is absent as such."""
    if value in (None, ""):
        return "(empty)"
    if field.kind is FieldKind.MONEY and (amount := _as_number(value, whole=False)) is not None:
        return words.money(amount)
    if field.kind is FieldKind.CHOICE:
        return words.words(str(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
