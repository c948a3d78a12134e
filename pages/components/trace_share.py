"""What can be done with a trace: pass it on as a link or as JSON, and set it beside another one."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from pages.components import words
from pages.components.context import seen
from pages.components.refusal import show_refusal
from pages.components.text import plain
from pages.components.trace_columns import message_of
from pages.components.trace_reading import read_row, read_spans, trace_json
from pages.components.trace_state import open_trace
from triage.domain.traces import TraceNeighbours, TraceRow
from triage.errors import NotFound, TriageError

_COPIED_BYTES = 400_000
_MANY_BYTES = 2_000_000
_OFFERED = 8


def share(trace_id: str) -> None:
    """Offer a link, a copy and a file."""
    with st.popover("Share", icon=":material/share:", width="content", key="trace_share", on_change="rerun") as opened:
        if not opened.open:
            return
        st.caption("A link to this trace and the open step")
        st.code(_link(trace_id), language=None, wrap_lines=True)
        st.download_button(
            "Download as JSON", lambda: trace_json(trace_id), file_name=f"{trace_id}.json", mime="application/json",
            icon=":material/download:", on_click="ignore", key="trace_json", help="Every step with all its content.",
        )  # fmt: skip
        _copy(trace_id)


def compare_with(trace_id: str, *, row: TraceRow | None, beside: TraceNeighbours) -> None:
    """Offer other traces to set beside this one."""
    with st.popover(
        "Compare with", icon=":material/compare_arrows:", width="content", key="trace_compare", on_change="rerun"
    ) as opened:
        if not opened.open:
            return
        named = st.text_input("Id of a trace or run", key="trace_other", placeholder="trace_… or run_…", width=380)
        if named:
            _open_named(trace_id, named.strip())
        offered = {"The one above it in the list": beside.before, "The one below it in the list": beside.after}
        for label, other in offered.items():
            if other:
                st.button(label, key=f"trace_beside_{other}", on_click=open_trace, args=(trace_id,),
                          kwargs={"other": other}, width="stretch")  # fmt: skip
        others = runs_beside(row)
        if others:
            st.caption("Of the same conversation")
        for other_row in others[:_OFFERED]:
            st.button(
                f"{plain(words.one_line(message_of(other_row), limit=44))} · {words.short_ago(other_row.created_at)}",
                key=f"trace_with_{other_row.trace_id}", on_click=open_trace, args=(trace_id,),
                kwargs={"other": other_row.trace_id}, width="stretch",
            )  # fmt: skip


def runs_beside(row: TraceRow | None) -> list[TraceRow]:
    """Return the other traces of the same conversation, oldest first."""
    if row is None or not row.conversation_id:
        return []
    found = seen().traces.of_conversation(row.conversation_id)
    return [other for other in found if other.trace_id != row.trace_id]


def _open_named(trace_id: str, named: str) -> None:
    """Say what the id that somebody typed stands for, and offer to compare with it."""
    try:
        other = seen().runs.get(named).trace_id if named.startswith("run_") else named
    except TriageError as error:
        show_refusal(error)
        return
    if other == trace_id:
        st.caption("That is this trace.")
    elif not _exists(other):
        st.caption(f":orange[There is no trace with the id {plain(named)}.]")
    else:
        st.button("Compare", type="primary", key="trace_compare_named", on_click=open_trace, args=(trace_id,),
                  kwargs={"other": other})  # fmt: skip


def _exists(trace_id: str) -> bool:
    try:
        return read_row(trace_id) is not None or bool(read_spans(trace_id))
    except NotFound:
        return False


def _copy(trace_id: str) -> None:
    if not st.toggle("Show the JSON to copy", key="trace_copy"):
        return
    kept = sum(span.content_bytes for span in read_spans(trace_id))
    text = trace_json(trace_id).decode() if kept < _MANY_BYTES else ""
    if text and len(text) <= _COPIED_BYTES:
        st.code(text, language="json", height=320, width=480)
    else:
        st.caption("This trace is too long to be copied from here; the download has all of it.")


def _link(trace_id: str) -> str:
    parts = urlsplit(st.context.url or "")
    asked = {"trace": trace_id, **({"span": st.query_params["span"]} if "span" in st.query_params else {})}
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/traces", urlencode(asked), ""))
