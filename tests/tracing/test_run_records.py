"""What the store knows of a run is its latest version."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.tracing.examples import NOW, run_with
from triage.domain import Category, RunFailure, RunStatus, Urgency, Usage


def _run(tracing: Any) -> dict[str, Any]:
    assert tracing.processor.flush()
    found = tracing.store.records("select * from runs")
    assert len(found) == 1
    return found[0]


def test_a_run_has_its_figures(tracing: Any) -> None:
    tracing.processor.record_run(
        run_with(
            status=RunStatus.FAILED,
            category=Category.BILLING,
            urgency=Urgency.HIGH,
            failure=RunFailure(code="turn_limit", message="Too many turns."),
            usage=Usage(requests=3, input_tokens=100, cached_tokens=40, output_tokens=20, reasoning_tokens=5),
            cost_usd=Decimal("0.0123456789"),
            unpriced_calls=1,
            turns=3,
            active_ms=1_500,
            last_agent="Billing specialist",
            started_at=NOW,
            ended_at=NOW + timedelta(seconds=10),
        )
    )

    run = _run(tracing)
    assert run["cost_usd"] == Decimal("0.012345679"), "Nine digits are kept."
    expected = {"status": "failed", "category": "billing", "urgency": "high", "failure_code": "turn_limit", "turns": 3}
    assert {name: run[name] for name in expected} == expected
    assert (run["requests"], run["input_tokens"], run["reasoning_tokens"]) == (3, 100, 5)
    assert run["waiting_ms"] == 8_500
    assert (run["created_at"], run["ended_at"]) == (NOW, NOW + timedelta(seconds=10))


def test_the_latest_version_wins_in_one_batch_and_over_several(tracing: Any) -> None:
    later = run_with(status=RunStatus.COMPLETED, updated_at=NOW + timedelta(seconds=5))
    tracing.processor.record_run(run_with(status=RunStatus.QUEUED))
    tracing.processor.record_run(later)
    tracing.processor.record_run(run_with(status=RunStatus.RUNNING, updated_at=NOW + timedelta(seconds=1)))
    assert _run(tracing)["status"] == "completed"

    tracing.processor.record_run(run_with(status=RunStatus.RUNNING, updated_at=NOW + timedelta(seconds=2)))
    assert _run(tracing)["status"] == "completed"

    tracing.processor.record_run(run_with(status=RunStatus.CANCELLED, updated_at=NOW + timedelta(seconds=6)))
    assert _run(tracing)["status"] == "cancelled"


def test_a_value_that_goes_away_goes_away(tracing: Any) -> None:
    tracing.processor.record_run(run_with(category=Category.BILLING))
    assert _run(tracing)["category"] == "billing"
    tracing.processor.record_run(run_with(updated_at=NOW + timedelta(seconds=1)))
    assert _run(tracing)["category"] is None


def test_of_two_versions_of_the_same_moment_the_later_line_wins(tracing: Any) -> None:
    tracing.processor.record_run(run_with(status=RunStatus.RUNNING))
    tracing.processor.record_run(run_with(status=RunStatus.FAILED))
    assert _run(tracing)["status"] == "failed"
