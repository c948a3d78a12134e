"""Which actions wait for whom, for how long and up to which amount: read, tried out, changed, and brought back."""

from __future__ import annotations

import streamlit as st

from pages.components import policy_editor, policy_evidence, words
from pages.components.context import seen
from pages.components.dialogs import open_name
from pages.components.policy_history import history
from pages.components.policy_table import limit_table, rule_table, time_table
from pages.components.switch_panel import switch_panel
from pages.components.text import plain
from pages.components.webhook_panel import webhook_panel

IN_FORCE, TEXT, EVIDENCE, HISTORY = "In force", "Text", "Past decisions", "History"
SWITCHES, WEBHOOKS = "Switches", "Webhooks"
VIEW = "policy_view"

policies = seen().policies
current = policies.current()


def use_again(version: int) -> None:
    """Put an older version into the editor, where it is tried on the last calls before it is saved."""
    name = f"version {version}" if version else "the built-in policy"
    policy_editor.draft(policies.text_of(version), based_on=current.version, note=f"Back to {name}")
    st.session_state[VIEW] = TEXT


st.title("Policies")
with st.container(horizontal=True, vertical_alignment="center"):
    view = st.segmented_control(
        "View", [IN_FORCE, TEXT, EVIDENCE, HISTORY, SWITCHES, WEBHOOKS], default=IN_FORCE, required=True, key=VIEW,
        bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    if current.created_at is None:
        st.caption("The built-in policy is in force; nobody has changed it yet.")
    else:
        note = f": {plain(current.note)}" if current.note else ""
        st.caption(
            f"Version {current.version} is in force, saved by {plain(current.created_by)} "
            f"{words.ago(current.created_at)}{note}", help=words.exact(current.created_at),
        )  # fmt: skip
if current.problem is not None:
    st.error(
        f"This version of the console cannot read the saved policy, so every action waits for two people. "
        f"{plain(current.problem)} Mend the text and save it.", icon=":material/error:",
    )  # fmt: skip

if view == TEXT:
    policy_editor.editor(current)
elif view == EVIDENCE:
    policy_evidence.evidence_table()
elif view == HISTORY:
    history(current, use_again=use_again)
elif view == SWITCHES:
    switch_panel()
elif view == WEBHOOKS:
    webhook_panel()
else:
    left, right = st.columns([7, 4], gap="medium")
    with left:
        rule_table(current.document)
    with right:
        time_table(current.document)
        limit_table(current.document)

if open_name() == policy_editor.SAVE:
    policy_editor.save()
elif open_name() == policy_evidence.PROMOTE:
    policy_evidence.promote()
