"""Which rows a figure counts, as SQL, and the SQL that several figures share.

Every condition is made of constants; whatever somebody chose travels as a parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from storage.traces.store import TraceStore
from triage.domain.measures import Percentiles
from triage.domain.traces import MeasureFilter, TimeRange

EVERYTHING = MeasureFilter()
UNPRICED = "(cost_usd is null and is_answered)"
"""Whether a model call was answered, at least in part, and has no price."""
DURATION_US = "(duration_ms * 1000)::bigint"
"""How long a span took, as the whole number that it was measured as."""

_EPOCH = datetime(1970, 1, 5, tzinfo=UTC)
"""Where buckets of time begin to count; a Monday, so that weeks begin as people expect."""
_EPOCH_US = int(_EPOCH.timestamp()) * 1_000_000
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


def by_bucket(
    store: TraceStore, sql: str, parameters: dict[str, Any], *, column: str, step: timedelta
) -> list[dict[str, Any]]:
    """Return what a query finds that has ``{bucket}`` where the bucket of a time goes, which it has to name ``at``.

    The database groups by the number of the bucket, which takes a third of what the times themselves would.
    """
    bucket = f"(epoch_us({column}) - {_EPOCH_US}) // $step_us"
    found = store.records(sql.format(bucket=bucket), {**parameters, "step_us": step // timedelta(microseconds=1)})
    return [{**record, "at": _EPOCH + record["at"] * step} for record in found]


def bucket_starts(time_range: TimeRange, step: timedelta) -> Iterator[datetime]:
    """Yield the start of every bucket that the range touches, aligned to UTC."""
    at = _EPOCH + (time_range.start - _EPOCH) // step * step
    while at < time_range.end:
        yield at
        at += step


def quantiles_of(microseconds: str, condition: str, *, name: str) -> str:
    """Return the SQL of a count and three percentiles of a whole number, to be read by ``percentiles``.

    Among whole numbers a percentile is found in half the time that it takes among others.
    """
    return (
        f"count({microseconds}) filter ({condition}) as {name}_count,"
        f" quantile_cont({microseconds}, [0.5, 0.95, 0.99]) filter ({condition}) as {name}_quantiles"
    )


def percentiles(record: dict[str, Any], *, name: str) -> Percentiles:
    """Take count and percentiles out of a record that was read with ``quantiles_of``."""
    count, found = record.pop(f"{name}_count"), record.pop(f"{name}_quantiles")
    if not count:
        return Percentiles()
    p50, p95, p99 = (microseconds / 1000 for microseconds in found)
    return Percentiles(count=count, p50_ms=p50, p95_ms=p95, p99_ms=p99)
