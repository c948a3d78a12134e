"""Which rows a figure counts, as SQL, and the SQL that several figures share.

Every condition is made of constants; whatever somebody chose travels as a parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from triage.domain.measures import Percentiles
from triage.domain.traces import MeasureFilter, TimeRange

EVERYTHING = MeasureFilter()
UNPRICED = "(cost_usd is null and is_answered)"
"""Whether a model call was answered, at least in part, and has no price."""

_EPOCH = datetime(2000, 1, 3, tzinfo=UTC)
"""Where DuckDB's ``time_bucket`` starts to count; a Monday, so that weeks begin as people expect."""
_CLOCKS_DIFFER = "interval 1 hour"

Condition = tuple[str, dict[str, Any]]


def runs_where(time_range: TimeRange, chosen: MeasureFilter) -> Condition:
    """Return the condition on ``runs`` that were submitted in the range."""
    conditions = ["created_at >= $start", "created_at < $end"]
    parameters: dict[str, Any] = dict(time_range.parameters)
    _of_run(chosen, conditions, parameters)
    if chosen.models or chosen.agents:
        calls = [f"started_at >= $start - {_CLOCKS_DIFFER}"]
        _of_call(chosen, calls, parameters)
        conditions.append(f"trace_key in (select trace_key from model_calls where {' and '.join(calls)})")
    return " and ".join(conditions), parameters


def calls_where(time_range: TimeRange, chosen: MeasureFilter) -> Condition:
    """Return the condition on ``model_calls`` that began in the range."""
    conditions: list[str] = []
    parameters: dict[str, Any] = {}
    _of_call(chosen, conditions, parameters)
    more, found = events_where(time_range, MeasureFilter(categories=chosen.categories, customer=chosen.customer))
    return " and ".join([*conditions, more]), {**parameters, **found}


def events_where(time_range: TimeRange, chosen: MeasureFilter) -> Condition:
    """Return the condition on ``tool_calls``, ``handoffs`` or ``checks`` that began in the range.

    None of them has a model of its own: with ``models`` those count whose run called one of them.
    """
    conditions = ["started_at >= $start", "started_at < $end"]
    parameters: dict[str, Any] = dict(time_range.parameters)
    if chosen.agents:
        conditions.append("list_contains($agents, agent)")
        parameters["agents"] = list(chosen.agents)
    if chosen.models:
        conditions.append(
            "trace_key in (select trace_key from model_calls"
            f" where list_contains($models, model) and started_at >= $start - {_CLOCKS_DIFFER})"
        )
        parameters["models"] = list(chosen.models)
    runs: list[str] = []
    _of_run(chosen, runs, parameters)
    if runs:
        conditions.append(f"trace_key in (select trace_key from runs where {' and '.join(runs)})")
    return " and ".join(conditions), parameters


def _of_run(chosen: MeasureFilter, conditions: list[str], parameters: dict[str, Any]) -> None:
    if chosen.categories:
        conditions.append("list_contains($categories, category)")
        parameters["categories"] = list(chosen.categories)
    if chosen.customer:
        conditions.append("lower(customer_email) = $customer")
        parameters["customer"] = chosen.customer.strip().lower()


def _of_call(chosen: MeasureFilter, conditions: list[str], parameters: dict[str, Any]) -> None:
    if chosen.models:
        conditions.append("list_contains($models, model)")
        parameters["models"] = list(chosen.models)
    if chosen.agents:
        conditions.append("list_contains($agents, agent)")
        parameters["agents"] = list(chosen.agents)


def bucket_of(column: str) -> str:
    """Return the SQL of the start of the bucket that a time falls into; needs ``$step_s``."""
    return f"time_bucket(to_seconds($step_s), {column})"


def bucket_starts(time_range: TimeRange, step: timedelta) -> Iterator[datetime]:
    """Yield the start of every bucket that the range touches, aligned to UTC."""
    at = _EPOCH + (time_range.start - _EPOCH) // step * step
    while at < time_range.end:
        yield at
        at += step


def quantiles_of(column: str, condition: str, *, name: str) -> str:
    """Return the SQL of a count and a list of three percentiles of a column, to be read by ``percentiles``."""
    return (
        f"count({column}) filter ({condition}) as {name}_count,"
        f" quantile_cont({column}, [0.5, 0.95, 0.99]) filter ({condition}) as {name}_quantiles"
    )


def percentiles(record: dict[str, Any], *, name: str) -> Percentiles:
    """Take count and percentiles out of a record that was read with ``quantiles_of``."""
    count, found = record.pop(f"{name}_count"), record.pop(f"{name}_quantiles")
    if not count:
        return Percentiles()
    return Percentiles(count=count, p50_ms=found[0], p95_ms=found[1], p99_ms=found[2])
