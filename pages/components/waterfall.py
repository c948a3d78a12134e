"""A trace as a tree with the time of each step beside it, in one list that draws only the rows in sight.

The browser folds, searches and scrolls by itself; Python sends the rows once, without their content, and is told which
step was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components import spans as said
from pages.components import words
from pages.components.timeline import lay_out
from triage.domain.traces import SpanRow

FRAMES = frozenset({"task", "turn"})
_FAILED, _FRAME = 1, 2
_ASSETS = Path(__file__).parents[1] / "assets"
_KINDS = ("model", "tool", "guardrail", "handoff", "other")
_MAX_TITLE = 120
_draw = st.components.v2.component(
    "trace_waterfall",
    **{kind: (_ASSETS / f"waterfall.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")},
)


def waterfall(
    spans: Sequence[SpanRow], *, key: str, focus: tuple[str | None, int], on_choose: Callable[[str], None],
    waits_since: datetime | None = None,
) -> None:  # fmt: skip
    """Draw the steps; a chosen one is told to ``on_choose``.

    ``focus`` is a step to show and a number that grows when it shall be shown again; a click needs neither, so that the
    rows stay the same and are not sent a second time. ``waits_since`` is when a wait began that has not ended.
    """

    def chosen() -> None:
        if step := st.session_state[component]["chosen"]:
            on_choose(str(step))

    component = f"waterfall_{key}"
    data = {"key": key, "focus": list(focus), **rows_of(spans, waits_since=waits_since)}
    _draw(key=component, data=data, on_chosen_change=chosen)


def rows_of(spans: Sequence[SpanRow], *, waits_since: datetime | None = None) -> dict[str, Any]:
    """Return what the browser draws, in lists without names, as a trace can have thousands of steps.

    A row is: id, depth, kind, title, start and length in milliseconds of work, time, cost, flags, badge. A wait is: the
    row before which it stands, where on the axis, its words.
    """
    timeline = lay_out(spans)
    rows = [
        [
            span.span_id, span.depth, _KINDS.index(span.kind) if span.kind in _KINDS else _KINDS.index("other"),
            words.one_line(said.title(span), limit=_MAX_TITLE), round(start, 1), round(length, 1),
            _time(span), _cost(span),
            _FAILED * said.is_failure(span) | _FRAME * (span.kind in FRAMES), said.badge(span),
        ]
        for span, start, length in zip(spans, timeline.starts_ms, timeline.lengths_ms, strict=True)
    ]  # fmt: skip
    waits = [
        [_first_after(spans, wait.started_at, wait.waited_ms), round(wait.at_ms, 1),
         f"Waited {words.duration(wait.waited_ms)} for a decision"]
        for wait in timeline.waits
    ]  # fmt: skip
    if waits_since is not None and spans:
        waits.append([len(rows), round(timeline.total_ms, 1), "Waits for a decision"])
    return {
        "label": f"The {words.count(len(rows), 'step')} of this trace as a tree, with the time of each",
        "kinds": _KINDS,
        "rows": rows,
        "waits": waits,
        "total": round(timeline.total_ms, 1),
    }


def most_telling(spans: Sequence[SpanRow]) -> SpanRow:
    """Return the step that a person most likely looks for: what failed, waits or stopped it, else the last work."""
    signs: tuple[Callable[[SpanRow], bool], ...] = (
        said.is_failure,
        lambda span: bool(span.triggered),
        lambda span: span.is_paused,
        lambda span: span.kind in ("model", "tool"),
    )
    return next((span for sign in signs for span in reversed(spans) if sign(span)), spans[0])


def _first_after(spans: Sequence[SpanRow], since: datetime, waited_ms: float) -> int:
    """Return the place of the first step, in the order of the tree, that began after a wait."""
    later = (place for place, span in enumerate(spans) if (span.started_at - since).total_seconds() * 1000 >= waited_ms)
    return next(later, len(spans))


def _time(span: SpanRow) -> str:
    return words.duration(span.duration_ms).replace("under ", "<\u202f")


def _cost(span: SpanRow) -> str:
    if span.is_unpriced:
        return "unpriced"
    return words.money(span.cost_usd) if span.cost_usd is not None else ""
