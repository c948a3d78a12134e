"""The tokens of programs: what each may do, a new one with its secret to copy once, and the end of one."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from pages.components.context import actor, services
from pages.components.dialogs import close_dialog, form_id, open_dialog
from pages.components.panel import action_head
from pages.components.refusal import show_refusal
from pages.components.text import bold, plain
from pages.components.words import ago, exact
from pages.components.words import role as role_words
from triage.access.actions import RULES, Action, has_role
from triage.domain import DEFAULT_TEAM, Actor, Role, Token, utc_now
from triage.errors import TriageError

DIALOG = "new_token"
_MADE = "token_to_copy"
_LIFE = {"30 days": 30, "90 days": 90, "A year": 365, "No end": None}
_FEW_SCOPES = 4


def token_table() -> None:
    """Draw the tokens: those in use, and below them those that are over."""
    now = utc_now()
    tokens = services().tokens.list(actor=actor())
    live = [token for token in tokens if token.is_live(now)]
    over = [token for token in tokens if not token.is_live(now)]
    with st.container(border=True):
        if action_head(
            "Tokens", "A program sends its token with each request to the API.", button="New token…", icon="add",
            key="token_new", why_not=None,
        ):  # fmt: skip
            open_dialog(DIALOG)
        if not live:
            st.caption("No program has access. Make a token for each one that needs it, with what it needs only.")
        for token in live:
            _row(token, now=now)
    if over:
        with st.expander(f"{len(over):,} revoked or expired", icon=":material/key_off:"):
            for token in over:
                st.markdown(f"{bold(token.name)} :gray[{plain(_end_of(token))}]", help=plain(token.id))


def _row(token: Token, *, now: datetime) -> None:
    used = f"last used {ago(token.last_used_at, now=now)}" if token.last_used_at else "never used"
    until = f"until {exact(token.expires_at)}" if token.expires_at else "no end"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"{bold(token.name)} :gray[{role_words(token.role)} · {plain(token.team)} · {plain(_scopes_of(token))}]  \n"
            f":small[{plain(used)} · {plain(until)}]",
            width="stretch",
            help=f"{plain(token.id)}, made by {plain(token.created_by)}, {exact(token.created_at)}",
        )
        with st.popover("Revoke…", icon=":material/key_off:", key=f"revoke_{token.id}"):
            st.markdown(f"{bold(token.name)} is refused from its next request on. This cannot be taken back.")
            if st.button("Revoke it", type="primary", key=f"revoke_now_{token.id}"):
                _revoke(token)


def _revoke(token: Token) -> None:
    try:
        services().tokens.revoke(token.id, actor=actor())
    except TriageError as error:
        show_refusal(error)
    else:
        st.toast(f"{plain(token.name)} is revoked.", icon=":material/key_off:")
        st.rerun()


def _close() -> None:
    st.session_state.pop(_MADE, None)
    close_dialog()


@st.dialog("New token", width="medium", on_dismiss=_close)
def new_token() -> None:
    """Ask what the token may do, and show its secret once."""
    if made := st.session_state.get(_MADE):
        _show(*made)
        return
    name = st.text_input("Name of the program", key=f"token_name_{form_id()}", max_chars=60, placeholder="crm-sync")
    left, middle, right = st.columns(3)
    role = left.selectbox("Role", list(Role), format_func=role_words, key=f"token_role_{form_id()}")
    team = middle.text_input(
        "Team", value=DEFAULT_TEAM, key=f"token_team_{form_id()}", max_chars=40,
        help="Whose runs an operator or a reviewer sees, and to whom what it submits belongs.",
    )  # fmt: skip
    life = right.selectbox("Valid for", list(_LIFE), index=1, key=f"token_life_{form_id()}")
    able = [action.value for action in Action if has_role(Actor(name="", role=role), RULES[action].role)]
    scopes = st.multiselect(
        "Scopes", able, key=f"token_scopes_{form_id()}_{role}", placeholder="Everything that the role may do",
        help="Choose what the program needs; without a choice it may do all that its role may.",
    )  # fmt: skip
    st.caption("The token counts as you: nobody decides with it what you submitted, or agrees a second time after you.")
    if st.button("Make the token", type="primary", key="token_make"):
        days = _LIFE[life]
        try:
            st.session_state[_MADE] = services().tokens.create(
                name=name or "",
                role=role,
                scopes=scopes or None,
                team=team or "",
                expires_at=utc_now() + timedelta(days=days) if days else None,
                actor=actor(),
            )
        except TriageError as error:
            show_refusal(error)
        else:
            st.rerun()


def _show(token: Token, secret: str) -> None:
    st.success("Copy the token now, it is not shown again.", title=plain(token.name), icon=":material/key:")
    # The element has a copy button of its own.
    st.code(secret, language=None, wrap_lines=True)
    st.caption("The program sends it as Authorization: Bearer, followed by the token; docs/access.md says more.")
    if st.button("I have copied it", type="primary", key="token_done"):
        _close()
        st.rerun()


def _scopes_of(token: Token) -> str:
    if token.scopes is None:
        return "all that the role may do"
    shown = ", ".join(token.scopes[:_FEW_SCOPES])
    return shown if len(token.scopes) <= _FEW_SCOPES else f"{shown} and {len(token.scopes) - _FEW_SCOPES} more"


def _end_of(token: Token) -> str:
    if token.revoked_at is not None:
        return f"revoked by {token.revoked_by}, {exact(token.revoked_at)}"
    return f"expired, {exact(token.expires_at)}" if token.expires_at else ""
