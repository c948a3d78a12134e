"""Spans of many runs at once: one step of a scenario becomes one span in each run that takes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bench.history.columns import ids, money, times
from storage.traces.schema import SPAN_COLUMNS

SUMS = ("active_us", "turns", "requests", "unpriced_calls", "nano_dollars", "input_tokens", "cached_tokens",
        "output_tokens", "reasoning_tokens")  # fmt: skip
Column = Any
"""A constant for all, or an array with a value for each run."""


@dataclass
class Woven:
    """The spans of one step: which runs take it, when, below what, and what they say."""

    taken: np.ndarray
    started: np.ndarray
    ended: np.ndarray
    span_ids: pa.Array
    parent: Woven | None
    columns: dict[str, Column]
    content: pa.Array | None
    nano_dollars: np.ndarray | None = None
    is_priced: np.ndarray | None = None


@dataclass
class Weaver:
    """Runs of one scenario, side by side, each with its own clock (microseconds since 1970)."""

    chance: np.random.Generator
    run_ids: pa.Array
    trace_ids: pa.Array
    conversation_ids: pa.Array
    clock: np.ndarray
    segment: int = 0
    agent: Any = None
    guardrail: str | None = None
    spans: list[Woven] = field(default_factory=list)
    above: list[Woven] = field(default_factory=list)
    sums: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sums = {name: np.zeros(self.count, dtype=np.int64) for name in SUMS}

    @property
    def count(self) -> int:
        """How many runs there are."""
        return len(self.clock)

    @contextmanager
    def within(self, kind: str, name: Column, *, content: pa.Array | None = None, **columns: Column) -> Iterator[Woven]:
        """Open a span in all runs, for what happens within."""
        span = self._add(np.ones(self.count, bool), kind, name, content=content, columns=columns)
        self.above.append(span)
        self.sums["turns"] += kind == "turn"
        yield span
        self.above.pop()
        span.ended = self.clock.copy()

    def leaf(
        self,
        kind: str,
        name: Column,
        *,
        mean_ms: float,
        taken: np.ndarray | None = None,
        content: pa.Array | None = None,
        **columns: Column,
    ) -> Woven:
        """Add a span without anything below it, in all runs or in the ``taken`` ones."""
        chosen = np.ones(self.count, bool) if taken is None else taken
        span = self._add(chosen, kind, name, content=content, columns=columns)
        lasted = (self.chance.lognormal(0, 0.5, self.count) * mean_ms * 1000).astype(np.int64) * chosen
        self.clock = self.clock + lasted
        self.sums["active_us"] += lasted
        span.ended = self.clock.copy()
        return span

    def pause(self, ms: float) -> None:
        """Let a moment pass between two spans."""
        gap = (self.chance.random(self.count) * ms * 1000).astype(np.int64) + 100
        self.clock = self.clock + gap
        self.sums["active_us"] += gap

    def _add(
        self, taken: np.ndarray, kind: str, name: Column, *, content: pa.Array | None, columns: dict[str, Column]
    ) -> Woven:
        agent = columns.pop("agent", self.agent)
        guardrail = columns.pop("guardrail", self.guardrail)
        span = Woven(
            taken=taken,
            started=self.clock.copy(),
            ended=self.clock.copy(),
            span_ids=ids(self.chance, self.count, prefix="span_", digits=24),
            parent=self.above[-1] if self.above else None,
            columns={
                "kind": kind,
                "name": name,
                "agent": agent,
                "segment": self.segment,
                **({"guardrail": guardrail} if kind in ("model", "guardrail") else {}),
                **columns,
            },
            content=content,
        )
        self.spans.append(span)
        return span

    def table(self) -> pa.Table:
        """Return all spans with the columns of ``spans`` and ``content``."""
        return pa.concat_tables([self._table_of(span) for span in self.spans if span.taken.any()])

    def _table_of(self, span: Woven) -> pa.Table:
        places = None if span.taken.all() else pa.array(np.flatnonzero(span.taken))
        values: dict[str, Column] = {
            "trace_id": self.trace_ids,
            "run_id": self.run_ids,
            "conversation_id": self.conversation_ids,
            "span_id": span.span_ids,
            "parent_id": span.parent.span_ids if span.parent else None,
            "started_at": times(span.started),
            "ended_at": times(span.ended),
            "duration_ms": (span.ended - span.started) / 1000.0,
            "content": span.content,
            **span.columns,
        }
        if span.columns["kind"] == "model":
            values["is_model_call"] = True
        if span.nano_dollars is not None:
            values["cost_usd"] = money(span.nano_dollars, known=span.is_priced)
        if span.content is not None:
            values["content_bytes"] = pc.binary_length(span.content)
        kinds = {name: kind for name, (_, kind) in SPAN_COLUMNS.items() if name != "part_no"} | {"content": pa.string()}
        columns = {name: as_column(values.get(name), kind, self.count) for name, kind in kinds.items()}
        return pa.table(columns if places is None else {name: found.take(places) for name, found in columns.items()})


def as_column(value: Column, kind: Any, count: int) -> pa.Array:
    """Return a constant, nothing or an array as a column of the store."""
    kind = pa.timestamp("us") if pa.types.is_timestamp(kind) else kind
    if value is None:
        return pa.nulls(count, kind)
    if isinstance(value, np.ndarray):
        return pa.array(value).cast(kind)
    if isinstance(value, pa.Array | pa.ChunkedArray):
        return value.cast(kind)
    return pa.repeat(pa.scalar(value, kind), count)
