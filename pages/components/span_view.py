"""The content of one step: a conversation, fields, a verdict; JSON one click away. Everything in it is data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import streamlit as st

from pages.components import spans as said
from pages.components import words
from pages.components.fields import Field, fields_of
from pages.components.text import plain
from triage.domain.traces import SpanRow

MAX_SHOWN = 4_000
MAX_WHOLE = 200_000
MAX_PIECES = 30
_PANE_PX, _LONG_BYTES = 610, 1_500
_AVATARS = {
    "instructions": ":material/description:",
    "customer": ":material/person:",
    "agent": ":material/support_agent:",
    "tool call": ":material/build:",
    "tool result": ":material/output:",
    "other": ":material/notes:",
}
_STAGES = {
    "input": "the message",
    "output": "the answer",
    "tool_input": "what a tool was asked",
    "tool_output": "what a tool answered",
}


def span_view(span: SpanRow, content: Mapping[str, Any], *, key: str) -> None:
    """Draw what a step says; ``content`` is read for the open step only."""
    key = f"{key}_{span.span_id}"
    # Long content scrolls by itself, so that the tree beside it stays in sight.
    with st.container(
        border=True, height=_PANE_PX if span.content_bytes > _LONG_BYTES else "content", autoscroll=False
    ):
        _head(span, content, key=key)
        if span.error and not said.is_failure(span):
            st.info("A check stopped the work of this agent; the check is a step of its own.", icon=":material/block:")
        elif span.error:
            kind = f"**{plain(words.words(span.error_kind))}.** " if span.error_kind else ""
            st.error(kind + plain(words.one_line(span.error, limit=600)), icon=":material/error:")
        if st.session_state.get(f"{key}_json"):
            _long(orjson.dumps(content, option=orjson.OPT_INDENT_2, default=str).decode(), key=key, language="json")
        elif span.kind == "guardrail":
            _verdict(span, content, key=key)
        elif not content:
            st.caption(_why_empty(span))
        elif span.kind == "model":
            _conversation(said.messages(content), key=key)
        elif span.kind == "tool":
            _tool(span, content, key=key)
        else:
            field_table(fields_of(content), key=key)


def _head(span: SpanRow, content: Mapping[str, Any], *, key: str) -> None:
    icon = said.KIND_ICONS.get(span.kind, ":material/circle:")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        st.markdown(f"{icon} **{plain(said.title(span))}**", width="stretch")
        st.toggle("JSON", key=f"{key}_json", disabled=not content)
        st.download_button(
            "Download",
            lambda: orjson.dumps({"step": span, "content": content}, option=orjson.OPT_INDENT_2, default=str),
            file_name=f"{span.span_id}.json", mime="application/json", icon=":material/download:", type="tertiary",
            on_click="ignore", key=f"{key}_download", help="Download this step with all its content.",
        )  # fmt: skip
    st.caption(plain(facts(span)))


def facts(span: SpanRow) -> str:
    """Return the figures of a step in one line; its names are data."""
    found = [said.kind(span), words.duration(span.duration_ms), span.agent or "", said.badge(span)]
    if span.input_tokens is not None:
        cached = f" ({span.cached_tokens:,} cached)" if span.cached_tokens else ""
        thought = f" ({span.reasoning_tokens:,} thinking)" if span.reasoning_tokens else ""
        found.append(f"{span.input_tokens:,} tokens read{cached}, {span.output_tokens or 0:,} written{thought}")
    if span.is_model_call:
        has_usage = span.cost_usd is not None or span.is_unpriced
        found.append(words.money(span.cost_usd) if has_usage else "no usage reported")
    found.append(words.exact(span.started_at))
    return " · ".join(fact for fact in found if fact)


def _why_empty(span: SpanRow) -> str:
    if span.content_bytes:
        return "The content of this step is no longer kept; its figures are."
    if span.kind == "handoff" and span.from_agent and span.to_agent:
        return f"{plain(span.from_agent)} handed the conversation over to {plain(span.to_agent)}."
    return "This step holds no content of its own, or the setting TRIAGE_TRACE_CONTENT keeps none."


def _conversation(pieces: list[said.Piece], *, key: str) -> None:
    """Draw the messages; the instructions, which are long and always the same, are folded."""
    hidden = max(0, len(pieces) - MAX_PIECES)
    if hidden and st.toggle(f"Show the {hidden:,} earlier messages", key=f"{key}_all"):
        hidden = 0
    for number, piece in enumerate(pieces[hidden:], start=hidden):
        if piece.who == "instructions":
            with st.expander(f"Instructions, {len(piece.text):,} characters", icon=_AVATARS["instructions"]):
                _long(piece.text, key=f"{key}_{number}")
            continue
        with st.chat_message(piece.who, avatar=_AVATARS[piece.who]):
            name = f" · {plain(words.words(piece.name))}" if piece.name else ""
            st.caption(f"{words.words(piece.who)}{name}")
            read = fields_of(piece.text) if piece.text.lstrip()[:1] in ("{", "[") else ()
            if any(field.key for field in read):
                field_table(read, key=f"{key}_{number}")
            else:
                _long(piece.text, key=f"{key}_{number}")


def _tool(span: SpanRow, content: Mapping[str, Any], *, key: str) -> None:
    for name, part in (("Asked with", "arguments"), ("Answered", "result")):
        if part in content:
            st.markdown(f"**{name}**")
            value = content[part]
            read = fields_of(value)
            if isinstance(value, str) and not any(field.key for field in read):
                _long(value, key=f"{key}_{part}")
            elif read:
                field_table(read, key=f"{key}_{part}")
            else:
                st.caption("nothing")
    if span.is_paused:
        st.caption("The call waited for a decision here; what came of it is a later step.")


def _verdict(span: SpanRow, content: Mapping[str, Any], *, key: str) -> None:
    """Say what a guardrail found, as a sentence and the reason that it gave."""
    about = _STAGES.get(span.stage or "", "the run")
    verdict = f": {plain(words.words(span.verdict).lower())}" if span.verdict else ""
    if span.triggered:
        st.markdown(f":red[:material/gpp_bad: **Stopped {about}**{verdict}]")
    else:
        st.markdown(f":green[:material/verified_user: **Let {about} pass**{verdict}]")
    rest = {name: value for name, value in content.items() if name != "reason"}
    if reason := content.get("reason"):
        _long(str(reason), key=f"{key}_reason")
    field_table(fields_of(rest), key=key)


def field_table(rows: Iterable[Field], *, key: str) -> None:
    """Draw fields one below the other; names and values are data."""
    for number, row in enumerate(rows):
        left, right = st.columns([1, 3], gap="small")
        left.caption(plain(row.name))
        with right:
            _long(row.value, key=f"{key}_field_{number}")


def _long(text: str, *, key: str, language: str | None = None) -> None:
    """Draw a text, a long one cut until somebody asks for all of it."""
    limit = MAX_SHOWN if language is None else 10 * MAX_SHOWN
    is_whole = bool(st.session_state.get(f"{key}_whole"))
    shown = text[: MAX_WHOLE if is_whole else limit]
    if language is None:
        st.text(shown if text.strip() else "(empty)")
    else:
        st.code(shown, language=language, wrap_lines=True, height=520 if len(shown) > MAX_SHOWN else "content")
    if len(text) > limit:
        what = f"all {len(text):,}" if len(text) <= MAX_WHOLE else f"{MAX_WHOLE:,} of {len(text):,}"
        st.toggle(f"Show {what} characters", key=f"{key}_whole", help="The download has all of it.")
