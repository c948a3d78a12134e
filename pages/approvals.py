"""What waits for a person: the queue by due time, and the brief of one action with what can be done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import streamlit as st

from pages.components import words
from pages.components.approval_actions import ANSWER, action_row, edit_row, is_editing, problems_of, show_error
from pages.components.approval_brief import (
    badges,
    customer_card,
    customer_wrote,
    decision,
    evidence,
    form,
    run_so_far,
    why_it_stopped,
    will_happen,
)
from pages.components.approval_choice import selected
from pages.components.approval_dialogs import DIALOGS
from pages.components.approval_list import lane, narrowing, queue, steps
from pages.components.context import actor, seen, services
from pages.components.dialogs import open_name
from pages.components.keys import listen_to_keys
from pages.components.not_resumable import not_resumable
from pages.components.text import plain
from triage.domain import Approval, Lane, utc_now
from triage.errors import InvalidInput, NotFound, TriageError

SHOWN = "approval_shown"
RENEW_BEFORE = timedelta(minutes=5)


def signature(approval: Approval) -> tuple[Any, ...]:
    """Return what of an action changes the page."""
    names = ("id", "status", "claimed_by", "endorsed_by", "escalated_to", "execution", "reversed_at")
    return tuple(getattr(approval, name) for name in names)


@st.fragment(run_every=2)
def watch() -> None:
    """Draw the queue anew every two seconds; what became of the open action elsewhere draws the whole page."""
    shown, current = st.session_state.get(SHOWN), selected()
    if shown is not None:
        now = seen().approvals.get(shown[0]) if shown[0] else None
        if current != shown[0] or (now is not None and signature(now) != shown):
            st.rerun(scope="app")
    queue()
    if shown is not None and selected() != shown[0]:
        st.rerun(scope="app")


@st.fragment(run_every=20)
def time_left(approval: Approval) -> None:
    """Draw the state and the time left, and renew the claim of whoever has this page open."""
    current = seen().approvals.get(approval.id)
    is_mine = current.claimed_by == actor().name and current.status.is_open
    if is_mine and current.claimed_until and current.claimed_until - utc_now() < RENEW_BEFORE:
        try:
            current = services().approvals.renew(approval.id, actor=actor())
        except TriageError:
            # It was taken back or decided this very moment; the next look at the queue says so.
            current = seen().approvals.get(approval.id)
    badges(current, me=actor().name)


if cut_off := seen().count_not_resumable():
    title = f":orange[{words.count(cut_off, 'waiting run')} cannot go on after an upgrade]"
    with st.expander(title, icon=":material/deployed_code_history:"):
        not_resumable()
left, work = st.columns([1, 2], gap="medium")
st.session_state[SHOWN] = None
with left:
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.title("Approvals", anchor=False)
        buttons = st.container(horizontal=True, width="content", gap="xsmall", wrap=False)
    watch()
    with buttons:
        narrowing()
        steps()
    st.caption("A approve, E edit, X reject, L claim or release, J and K next and previous.")

try:
    brief = seen().approvals.brief(selected() or "") if selected() else None
except (NotFound, InvalidInput):
    brief = None
    work.warning("There is no action with this id. Choose one from the list.", icon=":material/search_off:")
st.session_state[SHOWN] = signature(brief.approval) if brief else (selected(),)

if brief is None:
    if not selected() and lane() is Lane.WAITING:
        work.success(
            "Nothing waits for a decision. What the policies hold back comes here before it happens; this page notices "
            "by itself.",
            title="All decided",
            icon=":material/task_alt:",
        )
    st.stop()

approval = brief.approval
is_form = is_editing(approval.id) and approval.status.is_open
with work, st.form(f"form_{approval.id}", border=False) if is_form else st.container():
    if is_form:
        edit_row(brief)
    else:
        why_not = seen().approvals.refusal(approval) if approval.status.is_open else None
        action_row(brief, why_not=why_not)
    st.subheader(plain(words.one_line(brief.sentence, limit=120)), anchor=False)
    time_left(approval)
    show_error(approval.id)
    middle, right = st.columns([7, 6], gap="medium")
    with middle:
        if not approval.status.is_open:
            decision(approval)
        customer_wrote(brief)
        if is_form:
            form(brief, problems=problems_of(approval.id), answer_key=ANSWER)
        else:
            will_happen(brief)
        why_it_stopped(brief)
    with right:
        customer_card(brief)
        evidence(brief)
        run_so_far(brief)

if (name := open_name()) in DIALOGS:
    DIALOGS[name]()
listen_to_keys()
