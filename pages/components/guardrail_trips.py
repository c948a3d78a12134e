"""The list of trips: its filters, which live in the address, and its rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import streamlit as st

from pages.components import words
from pages.components.table_choice import SELECTION, chosen_at_first, chosen_row
from triage.domain import Judgement, TripMark, utc_now
from triage.domain.measures import TripRow

PARAM = "trip"
PAGE_SIZE = 15
# Not the names that the traces page has in its address.
CHECK, KIND, MARK = "check", "kind", "mark"
_NAMES = {CHECK: "guardrail", KIND: "kind of trip", MARK: "mark"}
_MARKS = {Judgement.RIGHT: "Right", Judgement.WRONG: "Wrong"}
_MARK_CHOICES: dict[str, Judgement | None] = {
    "Unmarked": None, "Right": Judgement.RIGHT, "Wrong": Judgement.WRONG,
}  # fmt: skip


class WantedTrips(NamedTuple):
    """The guardrails, verdicts and marks that are shown, None for trips without a mark; empty ones show all."""

    guardrails: tuple[str, ...]
    verdicts: tuple[str, ...]
    judged: tuple[Judgement | None, ...]


def trip_filters(guardrails: Collection[str], verdicts: Collection[str]) -> WantedTrips:
    """Draw the filters and return what they ask for."""
    checks = st.multiselect(
        "Guardrail", sorted(guardrails), key=CHECK, bind="query-params", placeholder="Any guardrail",
        format_func=words.words, label_visibility="collapsed", width=155,
    )  # fmt: skip
    kinds = st.multiselect(
        "Kind", sorted(verdicts), key=KIND, bind="query-params", placeholder="Any kind",
        format_func=words.words, label_visibility="collapsed", width=155,
    )  # fmt: skip
    marks = st.multiselect(
        "Mark", list(_MARK_CHOICES), key=MARK, bind="query-params", placeholder="Any mark",
        label_visibility="collapsed", width=150,
    )  # fmt: skip
    return WantedTrips(tuple(checks), tuple(kinds), tuple(_MARK_CHOICES[mark] for mark in marks))


def broken_trip_filters(
    address: Mapping[str, Sequence[str]], *, guardrails: Collection[str], verdicts: Collection[str]
) -> list[str]:
    """Return a sentence for each filter in an address that names something unknown."""
    known = {
        CHECK: {*guardrails, *map(words.words, guardrails)},
        KIND: {*verdicts, *map(words.words, verdicts)},
        MARK: set(_MARK_CHOICES),
    }
    return [
        f"No {_NAMES[name]} is called “{words.one_line(value, limit=60)}”; this filter is left out."
        for name, allowed in known.items()
        for value in address.get(name, ())
        if value and value not in allowed
    ]


def trip_rows(trips: Sequence[TripRow], marks: Mapping[str, TripMark], *, selected: str | None) -> None:
    """Draw the rows; choosing one puts its trip into the address."""
    ids = [trip.span_id for trip in trips]
    now = utc_now()
    # The key names the rows, so that a row which moved does not leave its mark on another one.
    key = f"trips_{hash(tuple(ids))}"

    def choose() -> None:
        row = chosen_row(st.session_state[key])
        if row is not None:
            st.query_params[PARAM] = ids[row]

    st.dataframe(
        {
            "When": [words.short_ago(trip.at, now=now) for trip in trips],
            "Message": [words.one_line(trip.excerpt or "no longer kept", limit=80) for trip in trips],
            "Guardrail": [words.words(trip.guardrail) for trip in trips],
            "Kind": [words.words(trip.verdict or "no verdict") for trip in trips],
            "Marked": [_MARKS[marks[trip.span_id].judgement] if trip.span_id in marks else "" for trip in trips],
        },
        key=key,
        on_select=choose,
        selection_mode=SELECTION,
        selection_default=chosen_at_first(ids.index(selected) if selected in ids else None, column="Message"),
        hide_index=True,
        row_height=32,
        height="content",
        column_config={
            "When": st.column_config.TextColumn(width=46),
            "Message": st.column_config.TextColumn(width=164),
            "Guardrail": st.column_config.TextColumn(width=86),
            "Kind": st.column_config.TextColumn(width=100),
            "Marked": st.column_config.TextColumn(width=58),
        },
        alt="The trips that the filters find, newest first; choose a row to read one.",
    )
