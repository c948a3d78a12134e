"""The content of one span: a conversation, fields, a verdict; JSON one click away. Everything in it is data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import streamlit as st

from pages.components import spans as said
from pages.components import words
from pages.components.fields import Field, fields_of
from pages.components.text import plain

MAX_SHOWN = 4_000
MAX_PIECES = 30
MAX_JSON = 200_000
_AVATARS = {
    "instructions": ":material/description:",
    "customer": ":material/person:",
    "agent": ":material/support_agent:",
    "tool call": ":material/build:",
    "tool result": ":material/output:",
    "other": ":material/notes:",
}


def span_view(span: Any, *, key: str) -> None:
    """Draw what a span says."""
    icon = said.KIND_ICONS.get(span.kind, ":material/circle:")
    with st.container(border=True):
        st.markdown(f"{icon} **{plain(said.title(span))}**  \n:gray[{plain(_facts(span))}]")
        if span.error and not said.is_failure(span):
            st.info("A check stopped the work of this agent; the check is a step of its own.", icon=":material/block:")
        elif span.error:
            st.error(plain(words.one_line(span.error, limit=600)), icon=":material/error:")
        as_json = st.toggle("As JSON", key=f"{key}_json_{span.span_id}")
        if as_json:
            _json(span.content)
        elif not span.content and span.verdict is None:
            st.caption("This step holds no content of its own, or the setting TRIAGE_TRACE_CONTENT keeps none.")
        elif span.kind == "model":
            _conversation(said.messages(span.content))
        else:
            _fields(span)


def _facts(span: Any) -> str:
    facts = [said.kind(span), words.duration(span.duration_ms), span.agent or ""]
    if span.input_tokens is not None:
        cached = f" ({span.cached_tokens:,} cached)" if span.cached_tokens else ""
        facts.append(f"{span.input_tokens:,} tokens read{cached}, {span.output_tokens or 0:,} written")
    if span.is_model_call:
        has_usage = span.cost_usd is not None or span.is_unpriced
        facts.append(words.money(span.cost_usd) if has_usage else "no usage reported")
    facts.append(words.exact(span.started_at))
    return " · ".join(fact for fact in facts if fact)


def _conversation(pieces: list[said.Piece]) -> None:
    """Draw the messages; the instructions, which are long and always the same, are folded."""
    hidden = max(0, len(pieces) - MAX_PIECES)
    if hidden:
        st.caption(f"The {hidden:,} earliest of {len(pieces):,} messages are left out here; the JSON has them.")
    for piece in pieces[hidden:]:
        if piece.who == "instructions":
            with st.expander(f"Instructions, {len(piece.text):,} characters", icon=_AVATARS["instructions"]):
                _text(piece.text)
            continue
        with st.chat_message(piece.who, avatar=_AVATARS[piece.who]):
            name = f" · {plain(words.words(piece.name))}" if piece.name else ""
            st.caption(f"{words.words(piece.who)}{name}")
            read = fields_of(piece.text) if piece.text.lstrip()[:1] in ("{", "[") else ()
            if any(field.key for field in read):
                field_table(read)
            else:
                _text(piece.text)


def _fields(span: Any) -> None:
    content: Mapping[str, Any] = span.content
    if span.kind == "guardrail":
        verdict = span.verdict or ("stopped" if span.triggered else "passed")
        field_table(fields_of({"verdict": words.words(verdict), "stage": words.words(span.stage or ""), **content}))
    elif span.kind == "tool":
        for name, part in (("Asked with", "arguments"), ("Answered", "result")):
            if part in content:
                st.markdown(f":gray[{name}]")
                field_table(fields_of(content[part]))
        if span.is_paused:
            st.caption("The call waited for a decision here; what came of it is a later step.")
    else:
        field_table(fields_of(content))


def field_table(rows: Iterable[Field]) -> None:
    """Draw fields one below the other; names and values are data."""
    for row in rows:
        left, right = st.columns([1, 4], gap="small")
        left.caption(plain(row.name))
        right.text(row.value)


def _text(text: str) -> None:
    shown = text[:MAX_SHOWN]
    st.text(shown if shown.strip() else "(empty)")
    if len(text) > MAX_SHOWN:
        st.caption(f"The first {MAX_SHOWN:,} of {len(text):,} characters; the download has all.")


def _json(content: Mapping[str, Any]) -> None:
    text = orjson.dumps(content, option=orjson.OPT_INDENT_2, default=str).decode()
    st.code(text[:MAX_JSON], language="json", wrap_lines=True, height=420)
    if len(text) > MAX_JSON:
        st.caption(f"The first {MAX_JSON:,} of {len(text):,} characters; the download has all.")
