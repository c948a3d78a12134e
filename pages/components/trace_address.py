"""What the traces page shows, as its address says it: filters, order, page, columns, one trace or two.

The address is the only place where this is kept. It is read anew at each run of the page and every control writes to
it, so a link shows the same to whoever opens it. What cannot be read is left out with a sentence; the rest counts.
The names differ from those that other pages bind widgets to, because Streamlit drops such a name on the way to a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from pages.components import words
from pages.components.trace_columns import COLUMNS, DEFAULT_COLUMNS
from triage.domain import Category, RunStatus
from triage.domain.traces import TimeRange, TraceFilter, TraceSort

PERIODS: dict[str, timedelta | None] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
    "all": None,
}
USUAL_PERIOD = "7d"
CUSTOM = "custom"
CHOICES = {"statuses": "status", "agents": "agent", "models": "model", "tools": "tool", "guardrails": "guardrail",
           "categories": "category"}  # fmt: skip
"""The filters that take several values, by their name in the address, and what one value is called."""
BOUNDS = ("min_cost", "max_cost", "min_seconds", "max_seconds")
_MAX_VALUES, _MAX_CHARS = 20, 300
_FRESH_S = 30
_ID = re.compile(r"[\w.:-]{1,200}")
_WORDS = {"statuses": [status.value for status in RunStatus], "categories": [category.value for category in Category]}
_SAID = {words.run_status(status).text.lower(): status.value for status in RunStatus}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the address asks for; ``problems`` are sentences about what it says and cannot be read.

    ``start`` and ``end`` count when ``period`` is custom. ``wanted`` has no time range: ``filter_at`` adds it.
    """

    period: str = USUAL_PERIOD
    start: datetime | None = None
    end: datetime | None = None
    wanted: TraceFilter = field(default_factory=TraceFilter)
    sort: TraceSort = "created_at"
    descending: bool = True
    page: int = 1
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    trace: str | None = None
    span: str | None = None
    other: str | None = None
    problems: tuple[str, ...] = ()

    def filter_at(self, now: datetime) -> TraceFilter:
        """Return the filter with its time range; it ends at the next half minute, so that a short while asks alike."""
        if self.period == CUSTOM and self.start and self.end:
            return replace(self.wanted, time_range=TimeRange(start=self.start, end=self.end))
        length = PERIODS.get(self.period)
        if length is None:
            return self.wanted
        until = datetime.fromtimestamp(-(-now.timestamp() // _FRESH_S) * _FRESH_S, tz=UTC)
        return replace(self.wanted, time_range=TimeRange.last(length, until=until))


def read_address(address: Mapping[str, Sequence[str]]) -> Asked:
    """Return what an address asks for, given all values of each of its names."""
    reader = _Reader(address)
    period, start, end = reader.time()
    chosen: dict[str, Any] = {name: reader.several(name) for name in CHOICES}
    bounds = {name: reader.one(name, _amount, "no number that an amount can be") for name in BOUNDS}
    wanted = TraceFilter(
        **chosen,
        customer=reader.one("email", _text, ""),
        conversation_id=reader.one("conversation", _id, "no id of a conversation"),
        min_cost_usd=bounds["min_cost"],
        max_cost_usd=bounds["max_cost"],
        min_active_ms=_ms(bounds["min_seconds"]),
        max_active_ms=_ms(bounds["max_seconds"]),
        has_error=reader.one("errors", _yes_no, "neither yes nor no"),
        text=reader.one("text", _text, "") or "",
    )
    sorts = ", ".join(get_args(TraceSort))
    return Asked(
        period=period,
        start=start,
        end=end,
        wanted=wanted,
        sort=reader.one("sort", _one_of(get_args(TraceSort)), f"nothing to sort by; use one of {sorts}")
        or "created_at",
        descending=reader.one("order", _one_of(("asc", "desc")), "no order; use asc or desc") != "asc",
        page=reader.one("page", _page, "no number of a page") or 1,
        columns=reader.columns() or DEFAULT_COLUMNS,
        trace=reader.one("trace", _id, "no id of a trace"),
        span=reader.one("span", _id, "no id of a step"),
        other=reader.one("with", _id, "no id of a trace to compare with"),
        problems=tuple(reader.problems),
    )


def to_params(asked: Asked) -> dict[str, str | list[str]]:
    """Return the address that asks for the same; what is usual is left out."""
    wanted = asked.wanted
    seconds = {name: None if ms is None else Decimal(ms) / 1000 for name, ms in
               (("min_seconds", wanted.min_active_ms), ("max_seconds", wanted.max_active_ms))}  # fmt: skip
    params: dict[str, Any] = {
        "text": wanted.text.strip(),
        "time": asked.period if asked.period not in (USUAL_PERIOD, CUSTOM) else None,
        "start": _minute(asked.start) if asked.period == CUSTOM else None,
        "end": _minute(asked.end) if asked.period == CUSTOM else None,
        **{name: list(getattr(wanted, name)) for name in CHOICES},
        "email": wanted.customer,
        "conversation": wanted.conversation_id,
        "min_cost": _number(wanted.min_cost_usd),
        "max_cost": _number(wanted.max_cost_usd),
        **{name: _number(value) for name, value in seconds.items()},
        "errors": None if wanted.has_error is None else "yes" if wanted.has_error else "no",
        "sort": asked.sort if asked.sort != "created_at" else None,
        "order": None if asked.descending else "asc",
        "page": str(asked.page) if asked.page > 1 else None,
        "columns": ",".join(asked.columns) if asked.columns != DEFAULT_COLUMNS else None,
        "trace": asked.trace,
        "span": asked.span,
        "with": asked.other,
    }
    return {name: value for name, value in params.items() if value}


def traces_address(
    wanted: TraceFilter, *, period: str | None = None, sort: TraceSort = "created_at", descending: bool = True
) -> dict[str, str | list[str]]:
    """Return the address of the list for a filter, for a link from another page.

    ``period`` is one of ``PERIODS``, written "7 d" or "7d"; without one the filter's own time range counts, else all
    time.
    """
    named = _squeezed(period or "")
    given = wanted.time_range
    asked = Asked(
        period=named if named in PERIODS else CUSTOM if given else "all",
        start=given.start if given else None,
        end=given.end if given else None,
        wanted=replace(wanted, time_range=None),
        sort=sort,
        descending=descending,
    )
    return to_params(asked)


class _Reader:
    """Reads one name after the other and collects what is wrong."""

    def __init__(self, address: Mapping[str, Sequence[str]]) -> None:
        self._address = address
        self.problems: list[str] = []

    def values(self, name: str) -> list[str]:
        return [value for value in self._address.get(name, ()) if value.strip()]

    def refuse(self, value: str, why: str) -> None:
        self.problems.append(f"“{words.one_line(value, limit=60)}” was left out: it is {why}.")

    def one(self, name: str, read: Callable[[str], Any], why: str) -> Any:
        """Return the last value of a name as ``read`` takes it, None where there is none or it cannot be read."""
        given = self.values(name)
        if not given:
            return None
        try:
            return read(given[-1])
        except (ValueError, ArithmeticError):
            self.refuse(given[-1], why)
            return None

    def several(self, name: str) -> tuple[str, ...]:
        found: list[str] = []
        for value in self.values(name)[:_MAX_VALUES]:
            known = _WORDS.get(name)
            taken = value[:_MAX_CHARS] if known is None else _word(value)
            if known is not None and taken not in known:
                self.refuse(value, f"no {CHOICES[name]}; use one of {', '.join(known)}")
            elif taken not in found:
                found.append(taken)
        return tuple(found)

    def columns(self) -> tuple[str, ...]:
        names = [name.strip() for value in self.values("columns") for name in value.split(",") if name.strip()]
        for name in names:
            if name not in COLUMNS:
                self.refuse(name, "no column of this list")
        return tuple(dict.fromkeys(name for name in names if name in COLUMNS))

    def time(self) -> tuple[str, datetime | None, datetime | None]:
        """Return the period and, for a custom one, from when to when."""
        start, end = (self.one(name, _time, "no time; write it as 2026-03-01T09:00") for name in ("start", "end"))
        if start and end and start < end:
            return CUSTOM, start, end
        if start and end:
            self.problems.append("The time range ends before it starts; the last 7 days are shown.")
        elif start or end:
            self.problems.append("A time range needs both start and end; the last 7 days are shown.")
        periods = ", ".join(PERIODS)
        named = self.one("time", _one_of(tuple(PERIODS), clean=_squeezed), f"no time range; use one of {periods}")
        return named or USUAL_PERIOD, None, None


def _one_of(known: Iterable[str], *, clean: Callable[[str], str] = str.strip) -> Callable[[str], str]:
    def read(text: str) -> str:
        if clean(text) not in known:
            raise ValueError
        return clean(text)

    return read


def _squeezed(text: str) -> str:
    return "".join(text.split()).lower()


def _word(text: str) -> str:
    """Return a status or category as the store has it, also where the address has it as people read it."""
    return _SAID.get(text.strip().lower(), "_".join(text.split()).lower())


def _text(text: str) -> str:
    return text.strip()[:_MAX_CHARS]


def _id(text: str) -> str:
    if not _ID.fullmatch(text.strip()):
        raise ValueError
    return text.strip()


def _page(text: str) -> int:
    return max(1, min(int(text), 10_000_000))


def _amount(text: str) -> Decimal:
    amount = Decimal(text.strip())
    if not amount.is_finite() or not 0 <= amount <= 1_000_000_000:  # noqa: PLR2004 - more than anything costs or takes.
        raise InvalidOperation
    return amount


def _yes_no(text: str) -> bool:
    said = text.strip().lower()
    if said not in ("yes", "no", "true", "false"):
        raise ValueError
    return said in ("yes", "true")


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _ms(seconds: Decimal | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _minute(at: datetime | None) -> str | None:
    if at is None:
        return None
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}".removesuffix(":00")


def _number(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
