"""What happened in each run, step by step: the list on the left, one trace on the right."""

from __future__ import annotations

from typing import Any

import orjson
import streamlit as st

from pages.components import words
from pages.components.context import services
from pages.components.links import approval_link, desk_link
from pages.components.refusal import show_refusal
from pages.components.span_view import span_view
from pages.components.text import plain
from pages.components.timeline import lay_out
from pages.components.trace_list import PAGE_SIZE, trace_filters, trace_rows
from pages.components.waterfall import waterfall
from triage.domain import RunStatus
from triage.errors import NotFound, TriageError

queries = services().trace_queries
selected = st.query_params.get("trace")


@st.cache_data(ttl=3, max_entries=8, show_spinner=False)
def read_spans(trace_id: str) -> list[Any]:
    """Return the spans of a trace."""
    return list(services().trace_queries.spans(trace_id))


def to_json(trace_id: str) -> bytes:
    """Return a trace with all its content as JSON."""
    found = services().trace_queries
    trace = {"trace": found.find_summary(trace_id), "spans": found.spans(trace_id)}
    return orjson.dumps(trace, option=orjson.OPT_INDENT_2, default=str)


def show_trace(trace_id: str) -> None:
    """Draw one trace: its figures, its steps, the content of the chosen step."""
    run = services().trace_queries.find_summary(trace_id)
    try:
        spans = read_spans(trace_id)
    except NotFound as error:
        if run is None:
            st.info(plain(error), icon=":material/search_off:")
            return
        spans = []
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(plain(words.one_line((run and run.excerpt) or trace_id, limit=110)), width="stretch")
        with st.container(horizontal=True, width="content", gap="small", vertical_alignment="center"):
            if run is not None:
                desk_link(run.run_id)
            st.download_button(
                "JSON", lambda: to_json(trace_id), file_name=f"{trace_id}.json", mime="application/json",
                icon=":material/download:", type="tertiary", help="Download this trace with all its content.",
                on_click="ignore", key="trace_json",
            )  # fmt: skip
    if run is not None:
        show_figures(run, spans)
    if not spans:
        st.info("No step has ended yet; each appears here a moment after its end.", icon=":material/hourglass_top:")
        return
    span_view(waterfall(spans, key=trace_id), key=trace_id)


def show_figures(run: Any, spans: list[Any]) -> None:
    """Draw the figures of a run in one line."""
    status = words.run_status(RunStatus(run.status))
    waited = sum(wait.waited_ms for wait in lay_out(spans).waits)
    tokens = f"{run.input_tokens:,} tokens read, {run.output_tokens:,} written"
    facts = [
        f"**{plain(words.duration(run.active_ms))}** active",
        f"**{plain(words.duration(waited))}** waited for people" if waited else "",
        words.count(run.turns, "turn"),
        words.count(len(spans), "step"),
        tokens + (f" ({run.cached_tokens:,} cached)" if run.cached_tokens else ""),
        f"**{plain(words.cost(run.cost_usd, unpriced_calls=run.unpriced_calls))}**",
        plain(run.customer_email or ""),
    ]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(status.text, icon=status.icon, color=status.colour)
        if run.degraded:
            st.badge("Offline engine stepped in", icon=":material/cloud_off:", color="orange")
        st.markdown(" · ".join(fact for fact in facts if fact), width="stretch", help=words.exact(run.created_at))
    if run.failure_code:
        st.error(f"Failed: {plain(words.words(run.failure_code).lower())}.", icon=":material/error:")
    if run.status == RunStatus.AWAITING_APPROVAL:
        for approval in services().approvals.list_of_run(run.run_id):
            if approval.status.is_open:
                approval_link(approval.id, label=f"Waits for a decision: {plain(approval.summary)}")


st.title("Traces")
left, right = st.columns([3, 4], gap="medium")
with left:
    try:
        wanted = trace_filters(queries.choices())
        slot = st.container()
        total = queries.list(**wanted.arguments, limit=0).total
        pages = max(1, -(-total // PAGE_SIZE))
        page = st.pagination(pages, key="trace_page", max_visible_pages=5) if pages > 1 else 1
        items = queries.list(**wanted.arguments, limit=PAGE_SIZE, offset=(min(page, pages) - 1) * PAGE_SIZE).rows
    except TriageError as error:
        show_refusal(error)
        st.stop()
    with slot:
        if items:
            st.caption(words.count(total, "trace"))
            trace_rows(items, selected=selected)
        elif wanted.narrowed:
            st.info("No trace fits these filters. Clear some, or take a longer time.", icon=":material/search_off:")
        else:
            st.info("No run in this time. Submit a message, or choose “All”.", icon=":material/account_tree:")
            st.page_link("desk.py", label="Go to the desk", icon=":material/inbox:")
with right:
    shown = selected or (items[0].trace_id if items else None)
    if shown is None:
        st.caption("A trace shows here: every step with its time, content, tokens and cost.")
    else:
        summary = queries.find_summary(shown)
        is_moving = summary is not None and not RunStatus(summary.status).is_final
        st.fragment(show_trace, run_every=2 if is_moving else None)(shown)
