"""What waits for a person: the list, the brief of one action, and what is known of its customer."""

from __future__ import annotations

import streamlit as st

from pages.components import words
from pages.components.approval_list import PARAM, after_decision, approval_rows, headline, neighbour, select
from pages.components.approval_view import approve_now, reject_dialog, show_error, view_of
from pages.components.brief import (
    argument_rows,
    argument_table,
    check_badges,
    customer_card,
    customer_wrote,
    decision_line,
    order_of,
    run_facts,
    similar_decisions,
    steps_so_far,
    what_will_happen,
)
from pages.components.context import actor, services
from pages.components.story import story
from pages.components.text import plain
from triage.customers import refund_checks
from triage.domain import ApprovalStatus, Role, utc_now
from triage.errors import NotFound
from triage.roles import may

approvals, runs = services().approvals, services().runs
st.title("Approvals")
left, middle, right = st.columns([4, 7, 6], gap="medium")

with left:
    listed = view_of(approvals)
asked_for = st.query_params.get(PARAM)
selected = asked_for or (listed[0].id if listed else None)
try:
    approval = approvals.get(selected) if selected else None
except NotFound:
    approval = None
    middle.warning("There is no action with this id. Choose one from the list.", icon=":material/search_off:")


@st.fragment(run_every=2)
def watch_list() -> None:
    """Draw the list anew every two seconds; when the shown action was decided elsewhere, draw the whole page."""
    now = view_of(approvals, with_control=False)
    shown = {item.run_id: runs.get(item.run_id) for item in now}
    approval_rows(now, shown, selected=selected)
    if not now:
        st.caption("Nothing here.")
    is_decided_elsewhere = approval is not None and approvals.get(approval.id).status is not approval.status
    is_first_to_come = selected is None and bool(now)
    if is_decided_elsewhere or is_first_to_come or st.query_params.get(PARAM) != asked_for:
        st.rerun(scope="app")


with left:
    watch_list()
    st.caption("A approve, X reject, J and K next and previous.")

if approval is None:
    if not selected:
        middle.success(
            "Nothing waits for a decision. Critical and high tickets and every refund come here before they happen; "
            "this page notices by itself.",
            title="All decided",
            icon=":material/task_alt:",
        )
    st.stop()

run = runs.get(approval.run_id)
customer = services().customers.of_run(run)
named = order_of(approval, customer.orders)
allowed = may(actor(), Role.REVIEWER)
can_decide = allowed and approval.status.is_open

with middle:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="decide"):
        following = after_decision(listed, approval.id)
        st.button(
            "Approve", type="primary", icon=":material/check:", shortcut="a", disabled=not can_decide, key="approve",
            on_click=approve_now, args=(approval.id, following),
        )  # fmt: skip
        if st.button("Reject…", icon=":material/close:", shortcut="x", disabled=not can_decide, key="reject"):
            reject_dialog(approval, following)
        for text, key, icon, by in (("Next", "j", "arrow_downward", 1), ("Previous", "k", "arrow_upward", -1)):
            st.button(
                f":material/{icon}:", shortcut=key, type="tertiary", key=f"go_{key}", help=f"{text} action",
                on_click=select, args=(neighbour(listed, approval.id, by=by),), disabled=len(listed) < 2,  # noqa: PLR2004
            )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(headline(approval)), width="stretch")
        label = words.approval_status(approval.status)
        age = f" {words.ago(approval.created_at).removesuffix(' ago')}" if approval.status.is_open else ""
        st.badge(f"{label.text}{age}", icon=label.icon, color=label.colour, help=words.exact(approval.created_at))
    show_error(approval.id)
    if not allowed and approval.status.is_open:
        st.info(
            f"You may read this but not decide it: a decision needs the role reviewer, and you are acting as "
            f"{actor().role.value}. The role is chosen at the bottom of the sidebar.",
            icon=":material/lock:",
        )
    if not approval.status.is_open:
        with st.container(border=True):
            decision_line(approval)
    with st.container(border=True):
        st.markdown("**The customer wrote**")
        customer_wrote(run, runs.messages(run.conversation_id))
    with st.container(border=True):
        st.markdown("**What will happen**" if approval.status.is_open else "**What was asked**")
        st.markdown(what_will_happen(approval, customer.orders))
        argument_table(argument_rows(approval, customer.orders))
    with st.container(border=True):
        st.markdown("**Why it stopped**")
        st.markdown(f"{plain(approval.policy)} {plain(approval.agent)} asked for it {words.ago(approval.created_at)}.")
        decided = (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED)
        similar_decisions(approval, approvals.list(statuses=decided, newest_first=True, limit=500))
with right:
    with st.container(border=True):
        st.markdown("**The customer**")
        if approval.tool == "process_refund" and approval.status.is_open:
            check_badges(refund_checks(named, refunds=customer.refunds, today=utc_now().date()))
        customer_card(customer.account, customer.orders, named=named)
    with st.container(border=True):
        st.markdown("**What the agents did**")
        steps_so_far(story(runs.events(run.id)))
    with st.container(border=True):
        run_facts(run)
