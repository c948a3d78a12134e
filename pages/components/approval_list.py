"""The list of actions that wait, or waited, for a decision: one button each, the one that waits longest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.components import words
from pages.components.text import plain
from triage.domain import OPEN_APPROVAL_STATUSES, Approval, ApprovalStatus, Run

VIEWS: dict[str, frozenset[ApprovalStatus]] = {
    "Open": OPEN_APPROVAL_STATUSES,
    "Decided": frozenset(ApprovalStatus) - OPEN_APPROVAL_STATUSES,
    "All": frozenset(ApprovalStatus),
}
PARAM = "approval"
_ICONS = {"process_refund": ":material/payments:", "create_support_ticket": ":material/confirmation_number:"}


def select(approval_id: str | None) -> None:
    """Make an action the shown one."""
    if approval_id is None:
        st.query_params.pop(PARAM, None)
    else:
        st.query_params[PARAM] = approval_id


def neighbour(approvals: Sequence[Approval], approval_id: str | None, *, by: int) -> str | None:
    """Return the action ``by`` places after this one, the first one where this one is not in the list."""
    ids = [approval.id for approval in approvals]
    if not ids:
        return None
    if approval_id not in ids:
        return ids[0]
    return ids[min(max(ids.index(approval_id) + by, 0), len(ids) - 1)]


def after_decision(approvals: Sequence[Approval], approval_id: str) -> str | None:
    """Return the open action to show when this one is decided: the next one in the list, else the one before."""
    ids = [approval.id for approval in approvals if approval.status.is_open or approval.id == approval_id]
    if approval_id not in ids:
        return ids[0] if ids else None
    place = ids.index(approval_id)
    others = [*ids[place + 1 :], *reversed(ids[:place])]
    return others[0] if others else None


def approval_rows(approvals: Sequence[Approval], runs: Mapping[str, Run], *, selected: str | None) -> None:
    """Draw the rows."""
    for approval in approvals:
        run = runs.get(approval.run_id)
        is_shown = approval.id == selected
        title = plain(headline(approval))
        with st.container(border=True, gap=None):
            st.button(
                f":primary[**{title}**]" if is_shown else title,
                key=f"row_{approval.id}",
                icon=":material/chevron_right:" if is_shown else _ICONS.get(approval.tool, ":material/build:"),
                type="tertiary",
                on_click=select,
                args=(approval.id,),
                help=plain(words.one_line(run.message, limit=300)) if run else None,
            )
            st.caption(_facts(approval, run))


def headline(approval: Approval) -> str:
    """Return what an action is in a few words; what else there is to say stands in its brief."""
    said = approval.arguments
    if approval.tool == "process_refund":
        return f"Refund order {words.one_line(str(said.get('order_id', '(no number)')), limit=20)}"
    if approval.tool == "create_support_ticket":
        priority = words.words(words.one_line(str(said.get("priority", "unclear")), limit=20))
        return f"{priority} ticket: {words.one_line(str(said.get('title', '')), limit=36)}"
    return words.one_line(approval.summary, limit=60)


def _facts(approval: Approval, run: Run | None) -> str:
    customer = plain(run.customer_email or "no address") if run else "unknown customer"
    if approval.status.is_open:
        state = f":orange[waits {plain(words.ago(approval.created_at).removesuffix(' ago'))}]"
    else:
        label = words.approval_status(approval.status)
        state = f"{label.text.lower()} {plain(words.ago(approval.decided_at or approval.updated_at))}"
    return f"{state} · {plain(approval.agent)}  \n{customer}"
