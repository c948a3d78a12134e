"""Which part of the work a page counts: models, agents, categories and a customer, all of it in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.components import words
from pages.components.text import typed
from triage.domain import Category
from triage.domain.traces import MeasureFilter

CATEGORIES = {words.category(category).text: category.value for category in Category}
"""The categories by what they are called here and in the address."""
PREFIX = "only_"
"""Sets these names in the address apart from those of other pages, which would take over each other's values."""
_NAMES = ("model", "agent", "category")
_CUSTOMER = f"{PREFIX}customer"


def measure_filters(choices: Any, *, usual: MeasureFilter | None = None) -> MeasureFilter:
    """Draw the filters in a popover that says how many are set, and return what they ask for.

    What the address does not say is as in ``usual``.
    """
    usual = usual or MeasureFilter()
    names = {value: name for name, value in CATEGORIES.items()}
    offered = {
        "model": (choices.models, usual.models),
        "agent": (choices.agents, usual.agents),
        "category": (list(CATEGORIES), [names[value] for value in usual.categories]),
    }
    # On the first run the address has the filters and the session does not know them yet.
    keys = (*(PREFIX + name for name in _NAMES), _CUSTOMER)
    active = sum(bool(st.session_state.get(key, st.query_params.get(key))) for key in keys)
    with st.popover(f"Filters · {active}" if active else "Filters", icon=":material/tune:"):
        models, agents, categories = (
            st.multiselect(
                name.capitalize(), options, [value for value in chosen if value in options], key=PREFIX + name,
                bind="query-params", placeholder="Any",
            )
            for name, (options, chosen) in offered.items()
        )  # fmt: skip
        customer = st.text_input(
            "Customer", usual.customer or "", key=_CUSTOMER, bind="query-params", placeholder="Whole e-mail address",
            max_chars=254,
        )  # fmt: skip
        st.button("Clear filters", icon=":material/filter_alt_off:", on_click=_clear, disabled=not active)
    return MeasureFilter(
        models=tuple(models),
        agents=tuple(agents),
        categories=tuple(CATEGORIES[name] for name in categories if name in CATEGORIES),
        customer=typed(customer).lower() or None,
    )


def filter_words(chosen: MeasureFilter) -> str:
    """Return the filters as part of a sentence, empty where none is set; it repeats names, so it is data."""
    names = {value: name for name, value in CATEGORIES.items()}
    parts = [*chosen.models, *chosen.agents, *(names[value] for value in chosen.categories), chosen.customer]
    return ", ".join(part for part in parts if part)


def broken_filters(address: Mapping[str, Sequence[str]], choices: Any) -> list[str]:
    """Return a sentence for each filter in an address that names something unknown."""
    known = {"model": choices.models, "agent": choices.agents, "category": list(CATEGORIES)}
    return [
        f"No {name} is called “{words.one_line(value, limit=60)}”; this filter is left out."
        for name, allowed in known.items()
        for value in address.get(PREFIX + name, ())
        if value and value not in allowed
    ]


def _clear() -> None:
    for name in _NAMES:
        st.session_state[PREFIX + name] = []
    st.session_state[_CUSTOMER] = ""
