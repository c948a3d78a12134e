"""What differs between two traces: pure values in, lines with a left and a right out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pages.components import words
from pages.components.fields import fields_of
from pages.components.text import plain
from pages.components.trace_columns import category_of, status_of, urgency_of
from triage.domain.traces import SpanRow, TraceRow

_LONGEST = 6_000
_MANY_TIMES = 4
_NUMBERS = {
    "Cost": "cost_usd", "Tokens read": "input_tokens", "Tokens written": "output_tokens", "Work": "active_ms",
}  # fmt: skip
_PARTS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Side:
    """One of the two traces; ``contents`` has what its tool calls say, ``result`` what came out, by name."""

    trace_id: str
    row: TraceRow | None
    spans: Sequence[SpanRow]
    contents: Mapping[str, Mapping[str, Any]]
    result: Mapping[str, str]


@dataclass(frozen=True)
class Line:
    """One thing that both traces have or one of them lacks; texts are data."""

    name: str
    left: str
    right: str
    change: str = ""
    """By how much the right one is more or less, where both are numbers."""

    @property
    def differs(self) -> bool:
        """Whether the two sides say something else."""
        return self.left != self.right


def outcome(left: Side, right: Side) -> list[Line]:
    """Return how the two ended and how they were labelled."""
    return _lines(left, right, {
        "Status": status_of,
        "Category": category_of,
        "Urgency": urgency_of,
        "Stopped by": lambda row: words.words(row.trip_guardrail or ""),
        "Verdict": lambda row: words.words(row.trip_verdict or ""),
        "Failure": lambda row: words.words(row.failure_code or ""),
        "Offline engine": lambda row: "stepped in" if row.degraded else "",
    })  # fmt: skip


def figures(left: Side, right: Side) -> list[Line]:
    """Return what the two cost and took."""
    found = _lines(left, right, {
        "Cost": lambda row: words.cost(row.cost_usd, unpriced_calls=row.unpriced_calls),
        "Tokens read": lambda row: f"{row.input_tokens:,}",
        "of these cached": lambda row: f"{row.cached_tokens:,}",
        "Tokens written": lambda row: f"{row.output_tokens:,}",
        "Work": lambda row: words.duration(row.active_ms),
        "Waited for people": lambda row: words.duration(row.waiting_ms) if row.waiting_ms else "",
        "Turns": lambda row: str(row.turns),
        "Model calls": None,
        "Steps with an error": lambda row: str(row.error_count),
    })  # fmt: skip
    return [replace(line, change=_change(left.row, right.row, _NUMBERS.get(line.name))) for line in found]


def path(side: Side) -> list[str]:
    """Return the agents in the order in which they took over, without those that work inside a check."""
    inside: int | None = None
    found: list[str] = []
    for span in side.spans:
        if inside is not None and span.depth > inside:
            continue
        inside = span.depth if span.kind in ("guardrail", "tool") else None
        if span.kind == "agent" and (not found or found[-1] != span.name):
            found.append(span.name)
    return found


def tool_calls(left: Side, right: Side) -> list[tuple[str, list[Line]]]:
    """Return the tool calls of both, the same tool beside the same tool, each with its arguments and its outcome."""
    ours, theirs = _calls(left), _calls(right)
    match = difflib.SequenceMatcher(
        a=[_tool(span) for span in ours], b=[_tool(span) for span in theirs], autojunk=False
    )
    found: list[tuple[str, list[Line]]] = []
    for _, a_start, a_end, b_start, b_end in match.get_opcodes():
        same = a_end - a_start == b_end - b_start and [_tool(span) for span in ours[a_start:a_end]] == [
            _tool(span) for span in theirs[b_start:b_end]
        ]
        pairs: list[tuple[SpanRow | None, SpanRow | None]] = (
            list(zip(ours[a_start:a_end], theirs[b_start:b_end], strict=True))
            if same
            else [*((span, None) for span in ours[a_start:a_end]), *((None, span) for span in theirs[b_start:b_end])]
        )
        found.extend(_call(left, a, right, b) for a, b in pairs)
    return found


def results(left: Side, right: Side) -> list[Line]:
    """Return what came out of the two, part by part."""
    names = dict.fromkeys([*left.result, *right.result])
    return [Line(name, left.result.get(name, ""), right.result.get(name, "")) for name in names]


def marked(text: str, other: str) -> str:
    """Return a text as Markdown in which what the other one lacks stands out; long ones are not marked."""
    if len(text) > _LONGEST or len(other) > _LONGEST:
        return plain(text)
    ours, theirs = _PARTS.findall(text), _PARTS.findall(other)
    shown = []
    for kind, start, end, *_ in difflib.SequenceMatcher(a=ours, b=theirs, autojunk=False).get_opcodes():
        part = "".join(ours[start:end])
        blank_before, blank_after = part[:1].isspace(), part[-1:].isspace()
        said = plain(part)
        if said and kind != "equal":
            said = f":orange-background[{said}]"
        shown.append((" " if blank_before else "") + said + (" " if blank_after and said else ""))
    return "".join(shown).strip()


def _change(left: TraceRow | None, right: TraceRow | None, name: str | None) -> str:
    if left is None or right is None or name is None:
        return ""
    before, after = float(getattr(left, name)), float(getattr(right, name))
    if not before or before == after:
        return ""
    share = (after - before) / before
    return f"{share:+.0%}" if abs(share) < _MANY_TIMES else f"{after / before:.0f} times"


def _lines(left: Side, right: Side, asked: Mapping[str, Any]) -> list[Line]:
    found = []
    for name, say in asked.items():
        texts = [_said(side, say) for side in (left, right)]
        if any(texts):
            found.append(Line(name, *texts))
    return found


def _said(side: Side, say: Any) -> str:
    if say is None:
        return str(sum(span.is_model_call for span in side.spans))
    return say(side.row) if side.row else ""


def _calls(side: Side) -> list[SpanRow]:
    """Return the tool calls that were carried out or wait; the first half of a paused one is not a call of its own."""
    calls = [span for span in side.spans if span.kind == "tool"]
    return [
        span
        for place, span in enumerate(calls)
        if not (span.is_paused and any(_tool(later) == _tool(span) for later in calls[place + 1 :]))
    ]


def _tool(span: SpanRow) -> str:
    return span.tool or span.name


def _call(left: Side, a: SpanRow | None, right: Side, b: SpanRow | None) -> tuple[str, list[Line]]:
    ours, theirs = (_call_fields(side, span) for side, span in ((left, a), (right, b)))
    named = _tool(a or b)  # type: ignore[arg-type]
    return named, [Line(name, ours.get(name, ""), theirs.get(name, "")) for name in dict.fromkeys([*ours, *theirs])]


def _call_fields(side: Side, span: SpanRow | None) -> dict[str, str]:
    if span is None:
        return {}
    content = side.contents.get(span.span_id, {})
    found = {field.name: field.value for field in fields_of(content.get("arguments"))}
    outcome = "waits for a decision" if span.is_paused else f"failed: {span.error}" if span.error else "done"
    answer = "; ".join(field.value for field in fields_of(content.get("result")))
    return {
        **found,
        "Outcome": outcome,
        "Answered": words.one_line(answer, limit=400),
        "Took": words.duration(span.duration_ms),
    }
