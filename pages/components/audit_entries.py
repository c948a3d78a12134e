"""The entries of the audit log: the list, and one of them with what was before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from pages.components import words
from pages.components.audit_words import action_words, short_subject, subject_words
from pages.components.fields import fields_of
from pages.components.links import approval_link, desk_link
from pages.components.table_choice import SELECTION, chosen_at_first, chosen_row
from pages.components.text import plain
from triage.domain import AuditEntry, utc_now

PARAM = "entry"
NOTHING = "none"


class Change(NamedTuple):
    """One field of what changed, as text before and after."""

    name: str
    before: str
    after: str


def changes_of(entry: AuditEntry) -> list[Change]:
    """Return what an entry says has changed, one field each; a missing side is none."""
    before = {field.name: field.value for field in fields_of(entry.before or {})}
    after = {field.name: field.value for field in fields_of(entry.after or {})}
    names = dict.fromkeys([*before, *after])
    return [Change(name, before.get(name, NOTHING), after.get(name, NOTHING)) for name in names]


def entry_rows(entries: Sequence[AuditEntry], *, selected: int | None) -> None:
    """Draw the rows; choosing one puts its number into the URL."""
    numbers = [entry.seq for entry in entries]
    now = utc_now()
    key = f"audit_rows_{hash(tuple(numbers))}"

    def choose() -> None:
        row = chosen_row(st.session_state[key])
        if row is not None:
            st.query_params[PARAM] = str(numbers[row])

    st.dataframe(
        {
            "No.": numbers,
            "When": [words.short_ago(entry.at, now=now) for entry in entries],
            "Who": [entry.actor for entry in entries],
            "What": [action_words(entry.action).text for entry in entries],
            "On": [short_subject(entry.subject_kind, entry.subject_id) for entry in entries],
        },
        key=key,
        on_select=choose,
        selection_mode=SELECTION,
        selection_default=chosen_at_first(numbers.index(selected) if selected in numbers else None, column="What"),
        hide_index=True,
        row_height=32,
        height="content",
        column_config={
            "No.": st.column_config.NumberColumn(width=46, format="%d"),
            "When": st.column_config.TextColumn(width=54),
            "Who": st.column_config.TextColumn(width=96),
            "What": st.column_config.TextColumn(width=163),
            "On": st.column_config.TextColumn(width=167),
        },
        alt="The entries of the audit log that the filters find, newest first; choose a row to read one.",
    )


def entry_view(entry: AuditEntry) -> None:
    """Draw one entry: who did what to what and when, what it was before and after, its place in the chain."""
    said = action_words(entry.action)
    with st.container(border=True):
        st.subheader(f"{said.icon} {plain(said.text)}")
        role = words.role(entry.role).lower()
        st.markdown(f"**{plain(entry.actor)}** ({role}) · {words.exact(entry.at)} · {words.ago(entry.at)}")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(plain(subject_words(entry.subject_kind, entry.subject_id)), width="content")
            if entry.subject_kind == "run":
                desk_link(entry.subject_id)
            elif entry.subject_kind == "approval":
                approval_link(entry.subject_id, label="Approvals")
        _change_table(changes_of(entry))
        with st.expander("Place in the chain", icon=":material/link:"):
            st.caption(f"Line {entry.seq} of the log, action {plain(entry.action)}. Its hash covers the hash before.")
            st.code(f"before {entry.previous_hash}\nhash   {entry.hash}", language=None, wrap_lines=True)


def _change_table(changes: Sequence[Change]) -> None:
    if not changes:
        st.caption("Nothing besides the action itself was noted.")
        return
    has_before = any(change.before != NOTHING for change in changes)
    head, *columns = st.columns([2, 3, 3] if has_before else [2, 6], gap="small")
    head.caption("Field")
    for column, title in zip(columns, ("Before", "After") if has_before else ("Noted",), strict=True):
        column.caption(title)
    for change in changes:
        name, *sides = st.columns([2, 3, 3] if has_before else [2, 6], gap="small")
        name.markdown(plain(change.name))
        shown = (change.before, change.after) if has_before else (change.after,)
        for side, text in zip(sides, shown, strict=True):
            side.text(text)
