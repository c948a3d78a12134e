"""The made-up history as a whole: when messages come, whose they are, and which scenario each of them takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bench.history.columns import ids, join, money, pick, times
from bench.history.scenarios import (
    MODEL_SHARES,
    ORDERS,
    SCENARIOS,
    Outcome,
    Scenario,
    Texts,
    after_decision,
    make_pools,
    refund,
)
from bench.history.texts import FIRST, LAST
from bench.history.weave import Weaver, as_column
from storage.traces.schema import RUN_COLUMNS
from storage.traces.store import TraceStore

SPANS_PER_RUN = 19.7
RUNS_AT_ONCE = 10_000
CATEGORIES = ("billing", "technical", "account", "feature_request", "other", None)
URGENCIES = ("low", "medium", "high", "critical")
_HOUR_US = 3_600_000_000
_LONGEST_WAIT_S = 3 * 86_400
# How busy each hour of a day is: quiet at night, busiest before and after noon.
_DAY = np.array([2, 1, 1, 1, 1, 2, 4, 8, 14, 20, 23, 22, 17, 19, 22, 21, 18, 14, 10, 8, 7, 6, 4, 3], dtype=float)
_WEEKEND = 0.35


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much history; ``until`` is its end, which a store that is looked at now wants to be now."""

    runs: int
    days: int = 30
    until: datetime = datetime(2026, 4, 1, tzinfo=UTC)
    seed: int = 1

    @classmethod
    def of_spans(cls, spans: int, **others: Any) -> Plan:
        """Return the plan of about so many spans."""
        return cls(runs=max(1, round(spans / SPANS_PER_RUN)), **others)


@dataclass(frozen=True)
class HistoryPart:
    """A stretch of the history; ``spans`` have their words in ``content``, runs are as they were at the end."""

    runs: pa.Table
    spans: pa.Table


@dataclass(frozen=True)
class _Group:
    """The runs of one scenario in a part, after their spans were woven; ``places`` are theirs in the part."""

    outcome: Outcome
    places: np.ndarray
    created: np.ndarray
    first_event: np.ndarray
    ended: np.ndarray
    message: pa.Array
    sums: dict[str, np.ndarray]


def generate(plan: Plan) -> Iterator[HistoryPart]:
    """Yield the history part by part, its spans in the order of their ends; the same plan gives the same history."""
    chance = np.random.default_rng(plan.seed)
    pools = make_pools(chance)
    created = _arrivals(chance, plan)
    until = _microseconds(plan.until)
    late: pa.Table | None = None
    for start in range(0, plan.runs, RUNS_AT_ONCE):
        arrived = created[start : start + RUNS_AT_ONCE]
        is_last = start + RUNS_AT_ONCE >= plan.runs
        horizon = until if is_last else int(created[start + RUNS_AT_ONCE])
        runs, spans = _part(chance, pools, arrived=arrived, first=start, until=until)
        spans = pa.concat_tables([late, spans]) if late is not None else spans
        spans = spans.sort_by([("ended_at", "ascending")])
        is_due = pc.less(spans["ended_at"].cast(pa.int64()), horizon) if not is_last else pc.is_valid(spans["span_id"])
        late = spans.filter(pc.invert(is_due))
        yield HistoryPart(runs, spans.filter(is_due))


def write(store: TraceStore, plan: Plan) -> tuple[int, int]:
    """Put the history into a store and return how many runs and spans it has."""
    runs = spans = 0
    for part in generate(plan):
        store.append_tables(runs=part.runs, spans=part.spans)
        runs, spans = runs + len(part.runs), spans + len(part.spans)
    return runs, spans


def _arrivals(chance: np.random.Generator, plan: Plan) -> np.ndarray:
    """Return when the messages come, in order."""
    begin = plan.until - timedelta(days=plan.days)
    hours = [begin + timedelta(hours=number) for number in range(plan.days * 24)]
    weights = np.array([_DAY[hour.hour] * (_WEEKEND if hour.weekday() >= 5 else 1.0) for hour in hours])
    counts = chance.multinomial(plan.runs, weights / weights.sum())
    starts = np.repeat(_microseconds(begin) + np.arange(len(hours)) * _HOUR_US, counts)
    return np.sort(starts + chance.integers(0, _HOUR_US, plan.runs))


def _part(
    chance: np.random.Generator, pools: dict[str, pa.Array], *, arrived: np.ndarray, first: int, until: int
) -> tuple[pa.Table, pa.Table]:
    count = len(arrived)
    own = {
        "run_id": ids(chance, count, prefix="run_", digits=24),
        "trace_id": ids(chance, count, prefix="trace_", digits=32),
        **_conversations(chance, count, first=first),
    }
    scenario = chance.choice(len(SCENARIOS), size=count, p=[share for _, share in SCENARIOS])
    groups: list[_Group] = []
    tables: list[pa.Table] = []
    for number, (play, _) in enumerate(SCENARIOS):
        places = np.flatnonzero(scenario == number)
        if len(places):
            found, woven = _play(chance, pools, play, places=places, arrived=arrived[places], own=own, until=until)
            groups.extend(found)
            tables.extend(woven)
    runs = pa.concat_tables([_run_table(chance, group, own=own) for group in groups])
    return runs.sort_by([("created_at", "ascending")]), pa.concat_tables(tables)


def _conversations(chance: np.random.Generator, count: int, *, first: int) -> dict[str, pa.Array]:
    """Return whose messages they are; three in ten go on with a conversation of before."""
    numbers = np.arange(first, first + count)
    goes_on = chance.random(count) < 0.3
    conversation = np.maximum(numbers - np.where(goes_on, chance.integers(1, 400, count), 0), 0)
    # A few customers write much more than the others; which one it is follows from the conversation.
    spread = (conversation * 2_654_435_761 % 2**32) / 2**32
    customer = (4_000 * spread**2).astype(np.int64)
    email = join(
        pick(FIRST, customer % len(FIRST)), ".", pick(LAST, customer % len(LAST)), pa.array(customer).cast(pa.string()),
        "@shop.example",
    )  # fmt: skip
    return {
        "conversation_id": join("conv_", pa.array(conversation).cast(pa.string())),
        "customer_email": email,
    }


def _play(
    chance: np.random.Generator, pools: dict[str, pa.Array], play: Scenario, *, places: np.ndarray, arrived: np.ndarray,
    own: dict[str, pa.Array], until: int,
) -> tuple[list[_Group], list[pa.Table]]:  # fmt: skip
    """Weave the spans of the runs of one scenario; a refund that somebody decides brings a second segment."""
    count = len(places)
    texts = Texts(chance, pa.nulls(count), pools)
    message = join(texts.some("message"), " Order ORD-", texts.number(), ", product ", texts.rare(), ".")
    texts = Texts(chance, message, pools)
    waited = (chance.lognormal(0, 0.8, count) * 400_000).astype(np.int64)
    weaver = _weaver(chance, own, places=places, clock=arrived + waited)
    model = chance.choice(len(MODEL_SHARES), size=count, p=MODEL_SHARES)
    outcome = play(weaver, texts, model=model)
    group = _Group(outcome, places, arrived, arrived + waited, weaver.clock, message, weaver.sums)
    if play is not refund:
        return [group], [weaver.table()]
    decided = weaver.clock + (chance.random(count) ** 3 * _LONGEST_WAIT_S * 1e6).astype(np.int64) + 30_000_000
    # Of the last days half still wait.
    is_late = until - arrived < _LONGEST_WAIT_S * 1_000_000
    goes_on = (decided < until - 60_000_000) & ~(is_late & (chance.random(count) < 0.5))
    later = _some_of(group, goes_on)
    after = _weaver(chance, own, places=later.places, clock=decided[goes_on], segment=1)
    outcome = after_decision(after, Texts(chance, later.message, pools), model=model[goes_on])
    sums = {name: values + after.sums[name] for name, values in later.sums.items()}
    resumed = replace(later, outcome=outcome, ended=after.clock, sums=sums)
    tables = [weaver.table()] + ([after.table()] if goes_on.any() else [])
    return [found for found in (_some_of(group, ~goes_on), resumed) if len(found.places)], tables


def _weaver(
    chance: np.random.Generator, own: dict[str, pa.Array], *, places: np.ndarray, clock: np.ndarray, segment: int = 0
) -> Weaver:
    names = ("run_id", "trace_id", "conversation_id")
    return Weaver(chance, *(own[name].take(pa.array(places)) for name in names), clock=clock, segment=segment)


def _some_of(group: _Group, chosen: np.ndarray) -> _Group:
    return _Group(
        group.outcome,
        group.places[chosen],
        group.created[chosen],
        group.first_event[chosen],
        group.ended[chosen],
        group.message.filter(pa.array(chosen)),
        {name: values[chosen] for name, values in group.sums.items()},
    )


def _run_table(chance: np.random.Generator, group: _Group, *, own: dict[str, pa.Array]) -> pa.Table:
    """Return the rows of the runs; a person corrects the category of one in twenty."""
    count = len(group.places)
    outcome = group.outcome
    has_ended = np.full(count, outcome.status != "awaiting_approval")
    active_ms = group.sums["active_us"] // 1000
    waiting_ms = np.maximum((group.ended - group.first_event) // 1000 - active_ms, 0)
    is_labelled = outcome.status == "completed"
    category = pick(CATEGORIES[:-1], chance.choice(5, size=count, p=(0.34, 0.3, 0.16, 0.08, 0.12)))
    columns: dict[str, Any] = {
        **{name: values.take(pa.array(group.places)) for name, values in own.items()},
        **{name: values for name, values in group.sums.items() if name in RUN_COLUMNS},
        "excerpt": pc.utf8_slice_codeunits(group.message, 0, 160),
        "status": outcome.status,
        "segment": 1 if is_labelled and outcome.agent == ORDERS else 0,
        "category": category if is_labelled else None,
        "urgency": pick(URGENCIES, chance.choice(4, size=count, p=(0.3, 0.45, 0.2, 0.05))) if is_labelled else None,
        "last_agent": outcome.agent,
        "cost_usd": money(group.sums["nano_dollars"]),
        "active_ms": active_ms,
        "waiting_ms": pa.array(waiting_ms, mask=~has_ended),
        "degraded": chance.random(count) < (0.01 if is_labelled else 0.0),
        "is_rerouted": chance.random(count) < (0.05 if is_labelled else 0.0),
        "created_at": times(group.created),
        "started_at": times(group.first_event),
        "first_event_at": times(group.first_event + 20_000),
        "ended_at": times(group.ended, known=has_ended),
        "updated_at": times(group.ended),
        **outcome.columns,
    }
    kinds = {name: kind for name, (_, kind) in RUN_COLUMNS.items() if name != "trace_key"}
    return pa.table({name: as_column(columns.get(name), kind, count) for name, kind in kinds.items()})


def _microseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000
