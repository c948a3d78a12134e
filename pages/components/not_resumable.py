"""The waiting runs that another build paused and this one cannot go on with: why, and a button that runs them again."""

from __future__ import annotations

import streamlit as st

from pages.components import words
from pages.components.context import actor, seen, services
from pages.components.links import desk_link
from pages.components.refusal import toast_refusal
from pages.components.text import plain
from triage.approvals.resumable import NotResumable
from triage.errors import TriageError

MAX_SHOWN = 20


def not_resumable() -> None:
    """Draw nothing where all that waits can go on; else a line that unfolds to what cannot, with a way out for each."""
    items = seen().not_resumable(limit=MAX_SHOWN)
    if not items:
        return
    total = len(items) if len(items) < MAX_SHOWN else seen().count_not_resumable()
    is_one = total == 1
    said = f"{words.count(total, 'waiting run')} {'was' if is_one else 'were'} paused by another version"
    with st.expander(f":orange[**{said} and cannot go on**]", icon=":material/deployed_code_history:"):
        st.markdown(
            "This version of the console does not go on with what it did not pause itself; a decision would end the "
            "run as failed. Run it again from the message: the agents start anew, nothing of what waited is done, and "
            "what needs a decision comes back here."
        )
        for item in items:
            _row(item)
        if total > MAX_SHOWN:
            st.caption(f"And {total - MAX_SHOWN:,} more, which follow when these are done.")


def _row(item: NotResumable) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        asked = ", ".join(approval.summary for approval in item.approvals) or "Nothing to decide"
        with st.container(gap=None, width="stretch"):
            st.markdown(f"**{plain(words.one_line(asked, limit=120))}** · {words.ago(item.run.created_at)}")
            st.caption(plain(item.reason))
        with st.container(horizontal=True, width="content", gap="small", vertical_alignment="center"):
            desk_link(item.run.id)
            st.button(
                "Run again from the message", icon=":material/restart_alt:", key=f"again_{item.run.id}",
                on_click=_run_again, args=(item.run.id,),
            )  # fmt: skip


def _run_again(run_id: str) -> None:
    try:
        services().start_over(run_id, actor=actor())
    except TriageError as error:
        toast_refusal(error)
    else:
        st.toast("Run again from the message; the actions that waited were cancelled.", icon=":material/restart_alt:")
