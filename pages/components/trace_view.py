"""One trace: the way to its neighbours, its figures, its steps with their content, and what belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components import words
from pages.components.context import seen
from pages.components.links import approval_link, desk_link
from pages.components.span_view import span_view
from pages.components.text import plain
from pages.components.trace_address import Asked
from pages.components.trace_columns import category_of, message_of, urgency_of
from pages.components.trace_more import around_it
from pages.components.trace_reading import read_content, read_neighbours, read_row, read_spans
from pages.components.trace_share import compare_with, share
from pages.components.trace_state import go, open_trace
from pages.components.waterfall import FRAMES, most_telling, waterfall
from triage.domain import RunStatus, utc_now
from triage.domain.traces import SpanRow, TraceRow
from triage.errors import NotFound

_REFRESH_S = 2
# A run comes into the store apart from its steps, at times a moment later; steps of other programs never have one.
_RUN_COMES_WITHIN = timedelta(minutes=1)
_WORTH_TELLING_MS = 250


def trace_view(asked: Asked, trace_id: str, *, way: DeltaGenerator) -> None:
    """Draw one trace; ``way`` is the place beside the title for the way back and to others."""
    row, spans = read_row(trace_id), _spans(trace_id)
    with way:
        _way(asked, trace_id, row=row, has_spans=bool(spans))
    if row is None and not spans:
        st.fragment(_missing, run_every=_REFRESH_S)(trace_id)
        return
    has_run = row is not None and row.run_id is not None
    is_moving = not _has_ended(row) if has_run else _awaits_run(spans)
    st.fragment(_panes, run_every=_REFRESH_S if is_moving else None)(trace_id, has_run=has_run)
    around_it(row)


def _has_ended(row: TraceRow | None) -> bool:
    return row is None or row.status not in set(RunStatus) or RunStatus(row.status).is_final


def _awaits_run(spans: Sequence[SpanRow]) -> bool:
    return bool(spans) and utc_now() - max(span.ended_at for span in spans) < _RUN_COMES_WITHIN


def _missing(trace_id: str) -> None:
    """Say that the trace is not there, and open it as soon as it is: its first steps may be on their way."""
    if read_row(trace_id) is not None or _spans(trace_id):
        st.rerun()
    st.info(
        f"There is no trace with the id {plain(trace_id)}. It may have been erased, it may be older than what is kept, "
        "or the link is cut short. If its run has just begun, it opens here by itself in a moment.",
        icon=":material/search_off:",
    )


def _way(asked: Asked, trace_id: str, *, row: TraceRow | None, has_spans: bool) -> None:
    """Draw the way back and to the neighbours, and what can be done with the trace."""
    beside = read_neighbours(trace_id, asked.filter_at(utc_now()), asked.sort, descending=asked.descending)
    is_listed = beside.before or beside.after
    hint = "" if is_listed else " The list, by its filters, does not have this trace or has only this one."
    st.button("All traces", icon=":material/arrow_back:", key="trace_back", on_click=open_trace, args=(None,))
    st.button(
        "Previous", icon=":material/keyboard_arrow_up:", key="trace_previous", shortcut="k",
        disabled=beside.before is None, on_click=open_trace, args=(beside.before,),
        help=f"The trace above this one in the list.{hint}",
    )  # fmt: skip
    st.button(
        "Next", icon=":material/keyboard_arrow_down:", key="trace_next", shortcut="j",
        disabled=beside.after is None, on_click=open_trace, args=(beside.after,),
        help=f"The trace below this one in the list.{hint}",
    )  # fmt: skip
    st.space("stretch")
    if row is not None or has_spans:
        compare_with(trace_id, row=row, beside=beside)
        share(trace_id)
    if row is not None and row.run_id:
        desk_link(row.run_id)


def _panes(trace_id: str, *, has_run: bool) -> None:
    """Draw the figures and the steps beside the content of the open one."""
    row, spans = read_row(trace_id), _spans(trace_id)
    if row is not None and row.run_id is not None and not has_run:
        # What stands around the panes depends on it, too.
        st.rerun()
    st.subheader(plain(message_of(row) if row else spans[0].name if spans else trace_id), anchor=False, wrap=False)
    _figures(row, spans)
    if not spans:
        st.info("No step has ended yet; each appears here a moment after its end.", icon=":material/hourglass_top:")
        return
    left, right = st.columns([6, 5], gap="medium")
    with left:
        named, count = _focus(trace_id, spans)
        waits = row is not None and row.status == RunStatus.AWAITING_APPROVAL
        waterfall(
            spans, key=trace_id, focus=(named, count), on_choose=lambda span_id: go(span=span_id),
            waits_since=max(span.ended_at for span in spans) if waits else None,
        )  # fmt: skip
    with right:
        span = open_span(spans)
        try:
            content = read_content(trace_id, span.span_id) if span.content_bytes else {}
        except ValueError:
            st.warning("The content of this step is damaged and cannot be read.", icon=":material/broken_image:")
            content = {}
        span_view(span, content, key=trace_id)


def open_span(spans: Sequence[SpanRow]) -> SpanRow:
    """Return the step that the address names, else the one that tells most."""
    named = st.query_params.get("span")
    return next((span for span in spans if span.span_id == named), None) or most_telling(
        [span for span in spans if span.kind not in FRAMES] or spans
    )


def _focus(trace_id: str, spans: Sequence[SpanRow]) -> tuple[str, int]:
    """Return the step that the tree marks when it is drawn first; later ones are marked by the clicks themselves."""
    kept = st.session_state.get("trace_focus")
    if kept is None or kept[0] != trace_id:
        kept = (trace_id, open_span(spans).span_id, 0 if kept is None else kept[2] + 1)
        st.session_state["trace_focus"] = kept
    return kept[1], kept[2]


def _spans(trace_id: str) -> list[SpanRow]:
    try:
        return read_spans(trace_id)
    except NotFound:
        return []


def _figures(row: TraceRow | None, spans: Sequence[SpanRow]) -> None:
    """Draw the status, the labels and the figures, and where it failed."""
    failed = [span for span in spans if span.error and span.kind not in FRAMES]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if row is not None:
            _badges(row)
            who = [plain(row.customer_email or ""), plain(words.exact(row.created_at))]
            st.markdown(f":gray[{' · '.join(fact for fact in who if fact)}]", width="content")
        st.markdown(" · ".join(_facts(row, spans)), width="content")
    if row is not None and row.failure_code:
        place = f" at “{words.one_line(failed[0].name, limit=60)}”" if failed else ""
        st.error(f"Failed: {plain(words.words(row.failure_code).lower() + place)}.", icon=":material/error:")
    if row is not None and row.run_id and row.status == RunStatus.AWAITING_APPROVAL:
        for approval in seen().approvals.list_of_run(row.run_id):
            if approval.status.is_open:
                approval_link(approval.id, label=f"Waits for a decision: {plain(approval.summary)}")


def _badges(row: TraceRow) -> None:
    if row.status in set(RunStatus):
        status = words.run_status(RunStatus(row.status))
        st.badge(status.text, icon=status.icon, color=status.colour)
    if row.run_id is None:
        st.badge("From another program", icon=":material/input:", color="gray", help="It has no run on the desk.")
    for label in (category_of(row), urgency_of(row)):
        if label:
            st.badge(plain(label), color="gray")
    if row.trip_guardrail:
        verdict = f": {words.words(row.trip_verdict).lower()}" if row.trip_verdict else ""
        st.badge(plain(f"{words.words(row.trip_guardrail)}{verdict}"), icon=":material/gpp_bad:", color="red")
    if row.degraded:
        st.badge("Offline engine stepped in", icon=":material/cloud_off:", color="orange")


def _facts(row: TraceRow | None, spans: Sequence[SpanRow]) -> list[str]:
    """Return the figures of a trace as Markdown."""
    steps = words.count(len(spans), "step")
    if row is None:
        return [steps]
    cached = f" ({row.cached_tokens:,} cached)" if row.cached_tokens else ""
    facts: list[Any] = [
        f"**{plain(words.duration(row.active_ms))}** of work" if row.active_ms else "",
        f"**{plain(words.duration(row.waiting_ms))}** waited for people"
        if (row.waiting_ms or 0) >= _WORTH_TELLING_MS
        else "",
        words.count(row.turns, "turn") if row.turns else "",
        steps,
        f"{row.input_tokens:,} tokens read{cached}, {row.output_tokens:,} written",
        f"**{plain(words.cost(row.cost_usd, unpriced_calls=row.unpriced_calls))}**",
    ]
    return [fact for fact in facts if fact]
