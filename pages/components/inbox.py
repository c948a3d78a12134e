"""The inbox: every run, newest first, as a person's work list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import streamlit as st

from pages.components import address, held
from pages.components.context import seen
from pages.components.dialogs import open_dialog
from pages.components.selection import select_run, selected_run
from pages.components.text import heard, plain, typed
from pages.components.words import category, one_line, run_state, run_status, short_ago, short_status, urgency
from triage.domain import Category, Run, RunFilter, RunStatus, Urgency, utc_now

SEARCH_LABEL = "Search the inbox"
PAGE = 20

# One line in a window of 1920, two in one of 1280: a radio button breaks its text and cannot cut it at its width.
_ROW_CHARS = 80
# What fits below the text of a row in a window of 1280, with the room that a badge takes besides its word.
_CAPTION_CHARS = 40
_BADGE_CHARS = 4
# The few letters of "now" are wide ones.
_AGE_CHARS = 5
_LEAST_CUSTOMER_CHARS = 6
_ROWS = "desk_rows"
_SHOW = "desk_show"
_LIMIT = "desk_limit"
_SHOW_PARAMETER = "show"
_SEARCH = "q"
_BROWSING_S = 2.0
_SEARCHING_S = 5.0
_VIEWS: Mapping[str, tuple[str, tuple[RunStatus, ...]]] = {
    "all": ("All", ()),
    "running": ("Running", (RunStatus.QUEUED, RunStatus.RUNNING)),
    "waits": ("Waits", (RunStatus.AWAITING_APPROVAL,)),
    "needs": ("Needs you", ()),
    "done": ("Done", (RunStatus.COMPLETED,)),
    "blocked": ("Blocked", (RunStatus.BLOCKED,)),
    "failed": ("Failed", (RunStatus.FAILED,)),
    "cancelled": ("Cancelled", (RunStatus.CANCELLED,)),
}


def inbox_pace() -> float:
    """Return the seconds after which the inbox is read again: less often with a search, which reads every text."""
    # Before the field is drawn for the first time, what it will hold stands in the address.
    text = st.session_state.get(_SEARCH, st.query_params.get(_SEARCH, ""))
    return _SEARCHING_S if str(text).strip() else _BROWSING_S


def inbox(*, every: float) -> None:
    """Draw the inbox; made to be run as a fragment, ``every`` so many seconds."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        st.subheader("Inbox", anchor=False)
        steps = st.container(horizontal=True, width="content", gap="medium", wrap=False)
        st.button(
            "New",
            icon=":material/edit_square:",
            type="primary",
            shortcut="n",
            key="desk_new",
            on_click=open_dialog,
            args=("new",),
            help="New message, or a file of messages",
        )
    query = _filters()
    if inbox_pace() != every:
        # Only the page can change the pace of its fragment.
        st.rerun()
    counts = seen().runs.counts(query)
    query = _choose_view(query, counts)
    limit = int(st.session_state.setdefault(_LIMIT, PAGE))
    runs = seen().runs.list(query, limit=limit + 1)
    listed, has_more = runs[:limit], len(runs) > limit
    with steps:
        _steps([run.id for run in listed])
    if not listed:
        _say_empty(counts)
        return
    _rows(listed)
    if has_more:
        st.button(
            f"Show {PAGE} more", type="tertiary", icon=":material/expand_more:", on_click=_show_more, key="desk_more"
        )


def _filters() -> RunFilter:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        text = st.text_input(
            SEARCH_LABEL,
            key=_SEARCH,
            bind="query-params",
            type="search",
            live="300ms",
            icon=":material/search:",
            placeholder="Text, customer, id  ( / )",
            label_visibility="collapsed",
            max_chars=200,
        )
        kept = bool(st.session_state.get("category") or st.session_state.get("urgency"))
        with st.popover(
            heard("Filter by category and urgency"),
            icon=":material/filter_alt:",
            help="Filter by category and urgency",
            type="primary" if kept else "secondary",
        ):
            categories = st.pills(
                "Category",
                list(Category),
                selection_mode="multi",
                key="category",
                bind="query-params",
                format_func=lambda value: category(value).text,
            )
            urgencies = st.pills(
                "Urgency",
                list(Urgency),
                selection_mode="multi",
                key="urgency",
                bind="query-params",
                format_func=lambda value: urgency(value).text,
            )
    return RunFilter(text=typed(text), categories=tuple(categories or ()), urgencies=tuple(urgencies or ()))


def _choose_view(query: RunFilter, counts: Mapping[str, int]) -> RunFilter:
    shown = address.chosen(_SHOW_PARAMETER) or "all"
    shown = shown if shown in _VIEWS else "all"
    labels = {name: f"{label} {_count(name, counts):,}" for name, (label, _) in _VIEWS.items()}
    st.pills(
        "Status",
        list(_VIEWS),
        key=held.key_of(_SHOW, shown),
        required=True,
        format_func=lambda name: labels[name],
        on_change=_keep_view,
        label_visibility="collapsed",
        wrap=True,
    )
    if shown == "needs":
        return query.model_copy(update={"needs_person": True})
    return query.model_copy(update={"statuses": _VIEWS[shown][1]})


def _count(name: str, counts: Mapping[str, int]) -> int:
    if name == "all":
        return counts["all"]
    if name == "needs":
        return counts["needs_person"]
    return sum(counts.get(status.value, 0) for status in _VIEWS[name][1])


def _keep_view() -> None:
    chosen = held.value_in(_SHOW)
    # A click on a label whose count has just changed arrives as the old label.
    name = next(
        (name for name, (label, _) in _VIEWS.items() if chosen == name or chosen.startswith(f"{label} ")), "all"
    )
    held.correct(_SHOW, name)
    if name != (address.chosen(_SHOW_PARAMETER) or "all"):
        address.choose(_SHOW_PARAMETER, name)
        st.session_state[_LIMIT] = PAGE


def _show_more() -> None:
    st.session_state[_LIMIT] += PAGE


def _steps(ids: Sequence[str]) -> None:
    """Draw the two buttons that go through the list."""
    current = selected_run()
    at = ids.index(current) if current in ids else None
    before = ids[at - 1] if at else None
    after = ids[0 if at is None else at + 1 : None if at is None else at + 2]
    for key, icon, words, target in (
        ("k", ":material/keyboard_arrow_up:", "Previous message", before),
        ("j", ":material/keyboard_arrow_down:", "Next message", after[0] if after else None),
    ):
        st.button(
            heard(words),
            icon=icon,
            type="tertiary",
            shortcut=key,
            key=f"desk_{key}",
            help=words,
            disabled=target is None,
            on_click=_go,
            args=(target,),
        )


def _go(run_id: str) -> None:
    select_run(run_id)
    st.rerun()


def _rows(runs: Sequence[Run]) -> None:
    ids = [run.id for run in runs]
    labels = row_labels(runs)
    now = utc_now()
    current = selected_run()
    shown = current if current in ids else None
    st.radio(
        "Messages",
        ids,
        index=None,
        key=held.key_of(_ROWS, shown),
        format_func=lambda run_id: labels.get(run_id, str(run_id)),
        captions=[caption(run, now=now) for run in runs],
        on_change=_pick,
        args=(labels,),
        label_visibility="collapsed",
        width="stretch",
    )


def _pick(labels: Mapping[str, str]) -> None:
    chosen = held.value_in(_ROWS)
    run_id = chosen if chosen in labels else next((key for key, label in labels.items() if label == chosen), None)
    if run_id is not None:
        _go(run_id)


def row_labels(runs: Sequence[Run]) -> dict[str, str]:
    """Return the first line of each row by run id; rows of equal text get the end of their id, so that they differ."""
    texts = {run.id: one_line(run.message, limit=_ROW_CHARS) for run in runs}
    often = Counter(texts.values())
    return {
        run_id: f"{plain(text)} :gray[{plain('#' + run_id[-4:])}]" if often[text] > 1 else plain(text)
        for run_id, text in texts.items()
    }


def caption(run: Run, *, now: datetime) -> str:
    """Return the second line of a row: state, urgency, age and as much of the customer as there is room for."""
    state = run_state(run)
    badges = [(state, short_status(run.status) if state == run_status(run.status) else state.text)]
    if run.urgency in (Urgency.HIGH, Urgency.CRITICAL):
        label = urgency(run.urgency)
        badges.append((label, label.text))
    age = short_ago(run.created_at, now=now)
    parts = [f":{label.colour}-badge[{label.icon} {text}]" for label, text in badges]
    parts.append(plain(age))
    room = _CAPTION_CHARS - sum(len(text) + _BADGE_CHARS for _, text in badges) - max(len(age), _AGE_CHARS) - len(" · ")
    if run.customer_email and room >= _LEAST_CUSTOMER_CHARS:
        parts.append(f"· {plain(one_line(run.customer_email, limit=room))}")
    return " ".join(parts)


def _say_empty(counts: Mapping[str, int]) -> None:
    is_narrowed = any(st.session_state.get(name) for name in (_SEARCH, "category", "urgency"))
    with st.container(border=True):
        if counts["all"]:
            st.markdown("**Nothing in this view.**")
            st.caption(
                "Choose another status above" + (", or change the search or the filters." if is_narrowed else ".")
            )
        elif is_narrowed:
            st.markdown("**Nothing found.**")
            st.caption("Change the search or the filters. The search looks at the text, the customer and the ids.")
        else:
            st.markdown("**No messages yet.**")
            st.caption("Press N for a new message or for a file of them.")
