"""A made-up history of runs and spans as plain values, and the same written into a trace store."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from storage.traces.store import TraceStore

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 6
MODELS = {"gpt-5.4": Decimal("0.00125"), "gpt-5.4-nano": Decimal("0.0001"), "house-model": None}
STATUSES = ("completed", "completed", "completed", "blocked", "failed", "cancelled", "awaiting_approval", "running")
COUNTED: dict[str, Any] = {"input_tokens": 100, "cached_tokens": 10, "output_tokens": 20}
UNCOUNTED: dict[str, Any] = {}
FAILED_CALL: dict[str, Any] = {"error": "Error streaming response: 500", "error_kind": "Error streaming response"}
GUARDRAILS = (
    ("Input check", "input", "off_topic"),
    ("Input check", "input", "harmful"),
    ("Promises", "output", "refund"),
)


class History:
    """The rows that were written; the tests compute from them in plain Python what the store computes in SQL."""

    def __init__(self, *, runs: int, seed: int = 1) -> None:
        self._chance = random.Random(seed)
        self.runs = [self._run(number) for number in range(runs)]
        self.spans = [span for run in self.runs for span in self._spans(run)]

    def write(self, store: TraceStore) -> None:
        """Write all of it as one batch, the costs as they are given here."""
        lines = [orjson.dumps({**span, "cost_usd": None}, default=str) + b"\n" for span in self.spans]
        costs = iter(span["cost_usd"] for span in self.spans if span.get("is_model_call"))

        def price(calls: list[dict[str, Any]]) -> None:
            for call in calls:
                call["cost_usd"] = next(costs)

        store.insert_batch(span_lines=lines, runs=self.runs, price=price, segment="history", offset=1)

    def _run(self, number: int) -> dict[str, Any]:
        chance = self._chance
        created_at = START + timedelta(seconds=chance.randrange(DAYS * 86_400))
        status = chance.choice(STATUSES)
        ended = status in ("completed", "blocked", "failed", "cancelled")
        active_ms = chance.randrange(200, 30_000)
        guardrail = chance.choice(GUARDRAILS) if status == "blocked" else (None, None, None)
        return {
            "run_id": f"run_{number}",
            "trace_id": f"trace_{number:05d}",
            "conversation_id": f"conv_{number // 2}",
            "customer_email": f"customer{number % 50}@shop.example",
            "excerpt": f"Message {number}: 50% off_or not",
            "status": status,
            "category": chance.choice(("billing", "technical", None)),
            "cost_usd": Decimal(chance.randrange(1, 90_000)) / 1_000_000,
            "unpriced_calls": chance.choice((0, 0, 0, 2)),
            "input_tokens": chance.randrange(10_000),
            "cached_tokens": chance.randrange(100),
            "output_tokens": chance.randrange(1_000),
            "reasoning_tokens": 0,
            "turns": chance.randrange(1, 9),
            "active_ms": active_ms,
            "trip_guardrail": guardrail[0],
            "trip_stage": guardrail[1],
            "trip_verdict": guardrail[2],
            "failure_code": "turn_limit" if status == "failed" else None,
            "degraded": chance.random() < 0.1,
            "created_at": created_at,
            "updated_at": created_at,
            "ended_at": created_at + timedelta(milliseconds=active_ms) if ended else None,
        }

    def _spans(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        at = run["created_at"]
        root = self._span(run, number=0, kind="agent", name="Triage agent", at=at, agent="Triage agent")
        spans = [root]
        for number in range(1, 4):
            model = self._chance.choice(list(MODELS))
            said = self._chance.choice((COUNTED, COUNTED, UNCOUNTED, FAILED_CALL))
            row = self._span(run, number=number, kind="model", name=model, at=at + timedelta(seconds=number))
            cost = MODELS[model] if said is COUNTED else None
            spans.append({**row, **said, "model": model, "is_model_call": True, "cost_usd": cost})
        tool = self._span(run, number=4, kind="tool", name="find_orders", at=at + timedelta(seconds=5))
        tool |= {"tool": "find_orders", "is_paused": run["status"] == "awaiting_approval"}
        if self._chance.random() < 0.1:
            tool |= {"error": "Error running tool: Shelf Empty", "error_kind": "Error running tool"}
        check = self._span(run, number=5, kind="guardrail", name="Input check", at=at)
        tripped = run["trip_guardrail"] == "Input check"
        return [*spans, tool, {**check, "guardrail": "Input check", "triggered": tripped}]

    def _span(
        self, run: dict[str, Any], *, number: int, kind: str, name: str, at: datetime, **columns: Any
    ) -> dict[str, Any]:
        trace_id = run["trace_id"]
        return {
            "type": "span",
            "trace_id": trace_id,
            "span_id": f"{trace_id}_{number}",
            "parent_id": f"{trace_id}_0" if number else None,
            "run_id": run["run_id"],
            "kind": kind,
            "name": name,
            "agent": "Triage agent",
            "started_at": at.isoformat(),
            "ended_at": (at + timedelta(milliseconds=self._chance.randrange(10, 900))).isoformat(),
            "content": orjson.dumps({"note": f"Needle {run['run_id']}!"}).decode(),
            **columns,
        }
