"""What past decisions say of each rule, and letting a rule go ahead by itself."""

from __future__ import annotations

import streamlit as st

from pages.components import policy_words as say
from pages.components.context import actor, seen, services
from pages.components.dialogs import close_dialog, form_id, open_dialog
from pages.components.panel import card_head
from pages.components.refusal import show_refusal
from pages.components.text import plain
from triage.access.actions import Action, may
from triage.approvals.evidence import LOOKED_AT, MIN_DECISIONS, MIN_UNCHANGED, Evidence
from triage.domain import Mode
from triage.errors import TriageError

PROMOTE = "policy_promote"
_CHOSEN = "policy_promoted_rule"
_WIDTHS = (4, 2.2, 1.8, 2, 3, 1.9, 1.8, 1.8, 4)
_HEADS = ("Action and rule", "Decides", "Decisions", "Unchanged", "Otherwise", "Automatic", "Reversed", "Largest",
          "By itself?")  # fmt: skip
_WHO = {Mode.AUTO: "Nobody", Mode.APPROVAL: "A person", Mode.TWO_PEOPLE: "Two people", Mode.DENY: "Never"}


def evidence_table() -> None:
    """Draw what became of the last decisions of each rule."""
    found = seen().policies.suggestions()
    with st.container(border=True, gap="small"):
        card_head(
            "What past decisions say",
            f"The last {LOOKED_AT} decided actions of each rule, as far back as it has been for the same actions. A "
            f"rule is suggested for going ahead by itself from {MIN_DECISIONS} decisions on, when "
            f"{MIN_UNCHANGED:.0%} were approved unchanged and none was reversed. A reversal sends it back to a person.",
        )
        if not found:
            st.caption("No action has been decided yet.")
            return
        for column, head in zip(st.columns(_WIDTHS, gap="small"), _HEADS, strict=True):
            column.caption(head)
        for item in found:
            _row(item)


def _row(item: Evidence) -> None:
    columns = st.columns(_WIDTHS, gap="small", vertical_alignment="center")
    columns[0].markdown(f"**{plain(say.tool(item.tool))}**  \n:gray[:small[{plain(item.rule)}]]")
    columns[1].badge(_WHO[item.mode], color=say.decision(item.mode).colour, help=say.decision(item.mode).text)
    share = f" :gray[{_percent(item)}]" if item.decisions else ""
    figures = (
        f"{item.decisions:,}",
        f"{item.unchanged:,}{share}",
        _otherwise(item),
        f"{item.automatic:,}",
        f":red[**{item.reversed:,}**]" if item.reversed else "0",
        plain(say.dollars(item.largest_usd)) if item.largest_usd is not None else ":gray[none]",
    )
    for column, figure in zip(columns[2:8], figures, strict=True):
        column.markdown(figure)
    with columns[8]:
        if item.obstacle is not None:
            st.caption(plain(item.obstacle))
        elif not may(actor(), Action.POLICIES_CHANGE):
            st.caption("Suggested. An administrator can let it go ahead by itself.")
        elif st.button("Let it go ahead…", icon=":material/bolt:", key=f"promote_{item.tool}_{item.rule}"):
            st.session_state[_CHOSEN] = (item.tool, item.rule)
            open_dialog(PROMOTE)


def _percent(item: Evidence) -> str:
    """Return the share that was approved unchanged; only all of them are 100 %."""
    return f"{item.unchanged * 100 // item.decisions} %"


def _otherwise(item: Evidence) -> str:
    parts = {"edited": item.edited, "rejected": item.rejected, "expired": item.expired}
    return ", ".join(f"{number:,} {word}" for word, number in parts.items() if number) or ":gray[none]"


@st.dialog("Let it go ahead by itself", icon=":material/bolt:", on_dismiss=close_dialog)
def promote() -> None:
    """Ask once more and make a new version in which the rule decides auto."""
    tool, rule = st.session_state[_CHOSEN]
    st.markdown(
        f"{plain(say.tool(tool))}: actions of the rule **{plain(rule)}** will happen without a person, from the next "
        "one on. The first one that is marked as reversed sends the rule back to a person."
    )
    note = st.text_input("Note", key=f"promote_note_{form_id()}", placeholder="Left empty, the figures are noted")
    if st.button("Let it go ahead", type="primary", key="promote_confirm"):
        try:
            saved = services().policies.promote(tool, rule, actor=actor(), note=note or "")
        except TriageError as error:
            show_refusal(error)
            return
        st.toast(f"Version {saved.version} is in force.", icon=":material/task_alt:")
        close_dialog()
        st.rerun()
