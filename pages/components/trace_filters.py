"""The filters of the list of traces, and what is in force as chips that can be taken away one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import streamlit as st

from pages.components import words
from pages.components.text import plain, typed
from pages.components.trace_address import CHOICES, CUSTOM, PERIODS, Asked
from pages.components.trace_columns import COLUMNS, DEFAULT_COLUMNS
from pages.components.trace_state import asked_now, go, narrow
from triage.domain import Category, RunStatus
from triage.domain.traces import TraceChoices, TraceFilter, TraceSort

SEARCH_LABEL = "Search the traces"
_PERIOD_WORDS = {name: name.replace("h", " h").replace("d", " d") for name in PERIODS} | {
    "all": "All",
    CUSTOM: "Custom",
}
_SORT_WORDS: dict[TraceSort, str] = {
    "created_at": "Time",
    "active_ms": "Active time",
    "cost_usd": "Cost",
    "turns": "Turns",
    "input_tokens": "Tokens read",
    "output_tokens": "Tokens written",
}
_ERRORS = {"Any": None, "With errors": True, "Without errors": False}


@dataclass(frozen=True)
class Chip:
    """One filter that is in force: what it says and what takes it away."""

    text: str
    remove: Callable[[], None]


def search_and_time(asked: Asked) -> None:
    """Draw the search field and the time range."""
    _shown("traces_text", asked.wanted.text)
    st.text_input(
        SEARCH_LABEL, key="traces_text", placeholder="Search messages, results, customers, ids",
        icon=":material/search:", label_visibility="collapsed", width=270, max_chars=300,
        on_change=lambda: narrow(text=typed(_value("traces_text"))),
    )  # fmt: skip
    _shown("traces_time", asked.period)
    st.segmented_control(
        "Time range", [*PERIODS, CUSTOM], format_func=_PERIOD_WORDS.__getitem__, required=True, key="traces_time",
        label_visibility="collapsed", on_change=_choose_period,
    )  # fmt: skip


def filter_popover(asked: Asked, choices: TraceChoices) -> None:
    """Draw the other filters in a popover that says how many are in force."""
    active = len(chips(asked))
    with st.popover(f"Filters · {active}" if active else "Filters", icon=":material/tune:", width="content"):
        left, right = st.columns(2, gap="medium")
        with left:
            _several("statuses", "Status", asked, [status.value for status in RunStatus], said=_status)
            _several("categories", "Category", asked, [category.value for category in Category], said=_category)
            _several("agents", "Agent", asked, choices.agents)
            _several("models", "Model", asked, choices.models)
            _several("tools", "Tool", asked, choices.tools, said=words.words)
            _several("guardrails", "Guardrail", asked, choices.guardrails, said=words.words)
        with right:
            _text("customer", "Customer", asked, placeholder="Whole e-mail address")
            _text("conversation_id", "Conversation", asked, placeholder="Its id")
            _shown("traces_has_error", _error_words(asked.wanted.has_error))
            st.segmented_control(
                "Errors", list(_ERRORS), key="traces_has_error", required=True,
                on_change=lambda: narrow(has_error=_ERRORS[_value("traces_has_error")]),
            )  # fmt: skip
            _bounds("cost_usd", "Cost, USD", asked, step=0.01, shape="%.4f")
            _bounds("active_ms", "Active time, seconds", asked, step=1.0, shape="%.1f", unit=1000)


def order_and_columns(asked: Asked) -> None:
    """Draw the choice of the order and of the columns."""
    with st.popover("View", icon=":material/view_column:", width="content"):
        _shown("traces_sort", asked.sort)
        st.selectbox(
            "Sort by", get_args(TraceSort), format_func=_SORT_WORDS.__getitem__, key="traces_sort",
            on_change=lambda: go(sort=_value("traces_sort"), page=1),
            help="A click on the head of a column does so, too.",
        )  # fmt: skip
        _shown("traces_descending", asked.descending)
        st.segmented_control(
            "Order", [True, False], format_func=lambda down: "Highest first" if down else "Lowest first",
            required=True, key="traces_descending", label_visibility="collapsed",
            on_change=lambda: go(descending=_value("traces_descending"), page=1),
        )  # fmt: skip
        _shown("traces_columns", list(asked.columns))
        st.multiselect(
            "Columns", list(COLUMNS), format_func=lambda name: COLUMNS[name].title, key="traces_columns", width=340,
            on_change=lambda: go(columns=tuple(_value("traces_columns")) or DEFAULT_COLUMNS),
        )  # fmt: skip
        st.button(
            "Usual columns", icon=":material/restart_alt:", key="traces_usual_columns",
            disabled=asked.columns == DEFAULT_COLUMNS, on_click=lambda: go(columns=DEFAULT_COLUMNS),
        )  # fmt: skip


def custom_range(asked: Asked) -> None:
    """Ask from when to when, where the time range is one of one's own."""
    if asked.period != CUSTOM or not asked.start or not asked.end:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for name, label, at in (("start", "From (UTC)", asked.start), ("end", "To (UTC)", asked.end)):
            _shown(f"traces_{name}", at.replace(tzinfo=None, second=0, microsecond=0))
            st.datetime_input(
                label, key=f"traces_{name}", step=300, width=230, on_change=_choose_bound, args=(name,)
            )  # fmt: skip
        if problem := st.session_state.pop("traces_range_problem", None):
            st.caption(f":orange[{problem}]")


def chips(asked: Asked) -> list[Chip]:
    """Return the filters in force, apart from the time range."""
    wanted = asked.wanted
    found = [Chip(f"Text: {words.one_line(wanted.text, limit=40)}", lambda: narrow(text=""))] if wanted.text else []
    for name, noun in CHOICES.items():
        said = {"statuses": _status, "categories": _category, "tools": words.words, "guardrails": words.words}.get(name)
        for value in getattr(wanted, name):
            text = f"{noun.capitalize()}: {words.one_line(said(value) if said else value, limit=40)}"
            found.append(Chip(text, lambda name=name, value=value: _drop(name, value)))  # type: ignore[misc]
    if wanted.customer:
        found.append(Chip(f"Customer: {wanted.customer}", lambda: narrow(customer=None)))
    if wanted.conversation_id:
        found.append(Chip(f"Conversation: {wanted.conversation_id}", lambda: narrow(conversation_id=None)))
    if wanted.has_error is not None:
        found.append(Chip(_error_words(wanted.has_error), lambda: narrow(has_error=None)))
    for name, noun, say in (("cost_usd", "Cost", words.money), ("active_ms", "Active time", words.duration)):
        for prefix, sign in (("min", "at least"), ("max", "at most")):
            value = getattr(wanted, f"{prefix}_{name}")
            if value is not None:
                field = f"{prefix}_{name}"
                found.append(Chip(f"{noun} {sign} {say(value) or '0 s'}", lambda field=field: narrow(**{field: None})))  # type: ignore[misc]
    return found


def show_chips(asked: Asked) -> None:
    """Draw the filters in force; a click takes one away."""
    found = chips(asked)
    if not found:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        for number, chip in enumerate(found):
            st.button(
                plain(chip.text), icon=":material/close:", icon_position="right", key=f"traces_chip_{number}",
                on_click=chip.remove, help="Take this filter away",
            )  # fmt: skip
        st.button("Clear all", type="tertiary", key="traces_clear", on_click=clear_filters)


def clear_filters() -> None:
    """Take all filters away; the time range stays."""
    go(wanted=TraceFilter(), page=1)


def period_words(asked: Asked) -> str:
    """Return the time range as the end of a sentence: "in the last 7 d"."""
    if asked.period == CUSTOM and asked.start and asked.end:
        return f"from {asked.start:%Y-%m-%d %H:%M} to {asked.end:%Y-%m-%d %H:%M} UTC"
    return "at any time" if asked.period == "all" else f"in the last {_PERIOD_WORDS[asked.period]}"


def _choose_period() -> None:
    period = _value("traces_time")
    if period != CUSTOM:
        go(period=period, start=None, end=None, page=1)
        return
    now = asked_now()
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    go(period=CUSTOM, start=until - (PERIODS.get(now.period) or timedelta(days=30)), end=until, page=1)


def _choose_bound(name: str) -> None:
    at = _value(f"traces_{name}")
    now = asked_now()
    bounds = {"start": now.start, "end": now.end, name: at.replace(tzinfo=UTC) if at else None}
    if not bounds["start"] or not bounds["end"] or bounds["start"] >= bounds["end"]:
        st.session_state["traces_range_problem"] = "The time range has to start before it ends; nothing was changed."
        return
    go(**bounds, page=1)


def _several(name: str, label: str, asked: Asked, options: Sequence[str], *, said: Callable[[str], str] = str) -> None:
    """Ask for any of the options; one that only the address names is offered as well."""
    chosen = list(getattr(asked.wanted, name))
    key = f"traces_{name}"
    _shown(key, chosen)
    st.multiselect(
        label, [*options, *(value for value in chosen if value not in options)], format_func=said, key=key,
        placeholder="Any", on_change=lambda: narrow(**{name: tuple(_value(key))}),
    )  # fmt: skip


def _text(name: str, label: str, asked: Asked, *, placeholder: str) -> None:
    key = f"traces_{name}"
    _shown(key, getattr(asked.wanted, name) or "")
    st.text_input(
        label, key=key, placeholder=placeholder, max_chars=254,
        on_change=lambda: narrow(**{name: typed(_value(key)) or None}),
    )  # fmt: skip


def _bounds(name: str, label: str, asked: Asked, *, step: float, shape: str, unit: int = 1) -> None:
    """Ask for the least and the most of an amount; the filter has it ``unit`` times as large."""
    for column, prefix, sign in zip(st.columns(2, gap="small"), ("min", "max"), ("at least", "at most"), strict=True):
        field, key = f"{prefix}_{name}", f"traces_{prefix}_{name}"
        value = getattr(asked.wanted, field)
        _shown(key, None if value is None else float(value) / unit)
        column.number_input(
            f"{label} {sign}" if prefix == "min" else sign, 0.0, value=None, step=step, format=shape, key=key,
            on_change=lambda field=field, key=key: narrow(**{field: _amount(_value(key), unit=unit)}),
        )  # fmt: skip


def _amount(value: float | None, *, unit: int) -> Decimal | int | None:
    if value is None:
        return None
    return round(value * unit) if unit > 1 else Decimal(str(value))


def _drop(name: str, value: str) -> None:
    narrow(**{name: tuple(kept for kept in getattr(asked_now().wanted, name) if kept != value)})


def _error_words(has_error: bool | None) -> str:  # noqa: FBT001 - a value, not a switch.
    return next(text for text, value in _ERRORS.items() if value is has_error)


def _status(value: str) -> str:
    return words.run_status(RunStatus(value)).text


def _category(value: str) -> str:
    return words.category(Category(value)).text


def _shown(key: str, value: Any) -> None:
    """Let a widget show what the address says."""
    st.session_state[key] = value


def _value(key: str) -> Any:
    return st.session_state[key]
