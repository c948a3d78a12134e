"""Who may do what: the tokens of programs, the people who sign in, and the roles."""

from __future__ import annotations

import streamlit as st

from pages.components import access_tokens, words
from pages.components.context import actor, services
from pages.components.dialogs import open_name
from pages.components.refusal import show_refusal
from pages.components.text import plain
from triage.access.actions import RULES, has_role
from triage.domain import Actor, Role
from triage.errors import TriageError

TOKENS, PEOPLE, ROLES = "Tokens", "People", "Roles"


def people_table() -> None:
    """Draw who has which role, as the settings say now."""
    people = services().people.listed(actor=actor())
    claim, groups = services().people.groups(actor=actor())
    if not people and not groups:
        st.info(
            "No people are set up, so nobody can sign in: the console answers on this machine only, and whoever is at "
            "it chooses the role. TRIAGE_PEOPLE names a file of people, TRIAGE_ROLE_CLAIM and TRIAGE_ROLE_MAP the "
            "groups of your sign-in; docs/access.md has an example of each.",
            icon=":material/group_off:",
        )
    if people:
        st.caption("From the file that TRIAGE_PEOPLE names; a change counts at the next thing that a person does.")
        st.dataframe(
            [{"Address": email, "Role": grant.role.value, "Team": grant.team} for email, grant in people.items()],
            hide_index=True,
        )  # fmt: skip
    if groups:
        named = f"the claim {plain(claim)}" if claim else "a claim that TRIAGE_ROLE_CLAIM has to name"
        st.caption(f"Groups in {named} of the sign-in. The file counts first.")
        st.dataframe(
            [{"Group": name, "Role": grant.role.value, "Team": grant.team} for name, grant in groups.items()],
            hide_index=True,
        )  # fmt: skip


def role_table() -> None:
    """Draw the actions by role."""
    st.caption(
        "Operators and reviewers see what belongs to their team, managers and administrators what belongs to any."
    )
    rows = [
        {"Action": rule.words.capitalize(), "Scope": action.value}
        | {words.role(role): has_role(Actor(name="", role=role), rule.role) for role in Role}
        for action, rule in RULES.items()
    ]
    st.dataframe(rows, hide_index=True, height="content")


st.title("Access")
view = st.segmented_control(
    "View", [TOKENS, PEOPLE, ROLES], default=TOKENS, required=True, key="access_view", bind="query-params",
    label_visibility="collapsed",
)  # fmt: skip
try:
    if view == TOKENS:
        access_tokens.token_table()
    elif view == PEOPLE:
        people_table()
    else:
        role_table()
except TriageError as error:
    show_refusal(error)
if open_name() == access_tokens.DIALOG:
    access_tokens.new_token()
