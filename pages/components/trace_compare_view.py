"""Two traces side by side: what differs stands out, what is the same can be left out."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components import words
from pages.components.context import seen
from pages.components.spans import messages
from pages.components.text import plain
from pages.components.trace_columns import message_of, status_of
from pages.components.trace_compare import Line, Side, figures, marked, outcome, path, results, tool_calls
from pages.components.trace_reading import contents_of, read_content, read_row, read_spans
from pages.components.trace_state import go, open_trace
from pages.components.waterfall import waterfall
from triage.domain.traces import SpanRow, TraceRow
from triage.errors import NotFound, TriageError

_WIDTHS = [2, 5, 5]
_LONG = 90
_DIFFERS = ":orange[**≠**]"


def compare_view(left_id: str, right_id: str, *, way: DeltaGenerator) -> None:
    """Draw two traces side by side; ``way`` is the place beside the title for the way back."""
    with way:
        st.button("All traces", icon=":material/arrow_back:", key="compare_back", on_click=open_trace, args=(None,))
        st.button(
            "Change sides", icon=":material/swap_horiz:", key="compare_swap", on_click=open_trace, args=(right_id,),
            kwargs={"other": left_id},
        )  # fmt: skip
        only = st.toggle("Only what differs", key="compare_only", persist_state="session")
    sides = [_side(trace_id) for trace_id in (left_id, right_id)]
    if missing := [side.trace_id for side in sides if side.row is None and not side.spans]:
        for trace_id in missing:
            st.info(f"There is no trace with the id {plain(trace_id)}.", icon=":material/search_off:")
        return
    left, right = sides
    _heads(left, right)
    _part("Outcome", outcome(left, right), only=only)
    _part("Cost and time", figures(left, right), only=only)
    _part("Agents", [Line("Path", " → ".join(path(left)), " → ".join(path(right)))], only=only)
    calls = tool_calls(left, right)
    _title("Tool calls")
    shown = [(tool, lines) for tool, lines in calls if not only or any(line.differs for line in lines)]
    if not shown:
        st.caption("Neither called a tool." if not calls else "The same calls with the same arguments and answers.")
    for tool, lines in shown:
        _call(tool, lines, only=only)
    _part("Result", results(left, right), only=only)
    _title("Steps")
    for column, side in zip(st.columns(2, gap="medium"), sides, strict=True):
        with column:
            _steps(side)


def _side(trace_id: str) -> Side:
    try:
        spans = read_spans(trace_id)
    except NotFound:
        spans = []
    row = read_row(trace_id)
    contents = contents_of([span for span in spans if span.kind == "tool"])
    return Side(trace_id, row, spans, contents, _result(row, spans))


def _result(row: TraceRow | None, spans: Sequence[SpanRow]) -> dict[str, str]:
    """Return what came out by the records, else what the last model call said."""
    try:
        run = seen().runs.get(row.run_id) if row is not None and row.run_id else None
    except TriageError:
        run = None
    if run is not None and run.result is not None:
        return {
            "Summary": run.result.summary,
            "What to do next": run.result.recommended_action,
            "A person has to look": "yes" if run.result.requires_human else "no",
            "Rests on": ", ".join(article.title for article in run.result.citations),
            "Reply": run.reply or run.result.reply_draft,
        }
    last = next((span for span in reversed(spans) if span.kind == "model" and span.content_bytes), None)
    if last is None:
        return {}
    pieces = messages({"output": read_content(last.trace_id, last.span_id).get("output")})
    return {"Last answer": "\n".join(piece.text for piece in pieces)}


def _heads(left: Side, right: Side) -> None:
    columns = st.columns(_WIDTHS, gap="small")
    for column, side in zip(columns[1:], (left, right), strict=True):
        with column.container(border=True, height="stretch"):
            title = message_of(side.row) if side.row else side.trace_id
            st.markdown(f"**{plain(words.one_line(title, limit=110))}**")
            facts = (
                [status_of(side.row), words.exact(side.row.created_at), side.row.customer_email or ""]
                if side.row
                else []
            )
            st.caption(plain(" · ".join(fact for fact in facts if fact)))
            st.button(
                "Open", icon=":material/account_tree:", type="tertiary", key=f"compare_open_{side.trace_id}",
                on_click=open_trace, args=(side.trace_id,),
            )  # fmt: skip


def _title(text: str) -> None:
    st.markdown(f"##### {text}")


def _part(title: str, lines: Sequence[Line], *, only: bool) -> None:
    shown = [line for line in lines if line.differs or not only]
    if not lines:
        return
    _title(title)
    if not shown:
        st.caption("The same in both.")
    with st.container(gap="xxsmall"):
        for line in shown:
            _line(line)


def _call(tool: str, lines: Sequence[Line], *, only: bool) -> None:
    sides = {side: any(getattr(line, side) for line in lines) for side in ("left", "right")}
    with st.container(border=True, gap="xxsmall"):
        alone = "" if all(sides.values()) else f" :orange-badge[only {'left' if sides['left'] else 'right'}]"
        st.markdown(f"**{plain(words.words(tool))}**{alone}")
        for line in lines:
            if line.differs or not only:
                _line(line)


def _line(line: Line) -> None:
    name, left, right = st.columns(_WIDTHS, gap="small")
    name.markdown(f":gray[{plain(line.name)}]" + (f" {_DIFFERS}" if line.differs else ""))
    for column, text, other in ((left, line.left, line.right), (right, line.right, line.left)):
        if not text:
            column.markdown(":gray[none]")
        elif not line.differs:
            column.text(text)
        elif len(text) > _LONG or len(other) > _LONG:
            column.markdown(marked(text, other))
        else:
            change = f" :gray[{plain(line.change)}]" if line.change and column is right else ""
            column.markdown(f"**{plain(text)}**{change}")


def _steps(side: Side) -> None:
    if not side.spans:
        st.caption("No step has ended yet.")
        return
    waterfall(
        side.spans, key=f"side_{side.trace_id}", focus=(None, 0),
        on_choose=lambda span_id: go(trace=side.trace_id, other=None, span=span_id),
    )  # fmt: skip
