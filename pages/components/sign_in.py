"""The sign-in screen, and in the sidebar who is signed in."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import streamlit as st

from pages.components import words
from pages.components.context import DEFAULT_NAME, DEFAULT_ROLE, NAME_KEY, ROLE_KEY, entrance, services, signed_claims
from pages.components.gate import FIRST, LISTED
from pages.components.text import plain
from triage.access.entrance import Mode
from triage.access.sign_ins import NOBODY, Person
from triage.domain import Role
from triage.errors import NotAllowed, NotSignedIn, TriageError

PRODUCT = "Triage console"
# A file of ours: the browser would fetch the picture of a Material symbol from a font server.
ICON = Path(__file__).parents[1] / "assets" / "icon.png"
_PICTURE = (
    '<img alt="" width="32" height="32" style="display: block" '
    f'src="data:image/png;base64,{b64encode(ICON.read_bytes()).decode()}">'
)
_SENTENCE = "Customer messages, what the agents make of them, and the decisions that wait for a person."
_LONGEST_NAME = 24
_LEAVING = "sign_in_leaving"


def sign_in_screen(reason: TriageError) -> None:
    """Draw all that somebody sees who is not signed in, or has no role: who we are, why, and the way on."""
    # Every address is a page of this one, so that it stays as it is, and nothing of the navigation of before does.
    st.navigation(
        [
            st.Page(_nothing, title=PRODUCT, url_path="" if name == FIRST else name, default=name == FIRST)
            for name in LISTED
        ],
        position="hidden",
    )
    if st.session_state.get(_LEAVING):
        # A run that begins before the browser has gone takes back what sends it away.
        _leave()
    st.space(120)
    with st.container(horizontal_alignment="center"), st.container(width=400, border=True, gap="medium"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            # Not st.image, which gives every picture a button to enlarge it.
            st.html(_PICTURE)
            st.title(PRODUCT, anchor=False, width="content")
        st.text(_SENTENCE)
        if isinstance(reason, NotSignedIn):
            _way_in(reason)
        else:
            _no_way(reason)


def _nothing() -> None:
    """Stand for a page of which nothing is shown."""


def _way_in(reason: NotSignedIn) -> None:
    if str(reason) != NOBODY:
        st.info(plain(reason), icon=":material/schedule:")
    if entrance().mode is Mode.PROXY:
        return
    for number, provider in enumerate(entrance().providers):
        label = "Sign in" if provider is None else f"Sign in with {plain(provider.capitalize())}"
        if st.button(label, type="secondary" if number else "primary", icon=":material/login:", width="stretch"):
            if signed_claims():
                # A sign-in that is over is put away first; the provider is asked for a new one.
                services().sign_ins.end(signed_claims())
            st.login(provider)
    st.caption("With your company account. Your role there, or an administrator here, decides what you see.")


def _no_way(reason: TriageError) -> None:
    if isinstance(reason, NotAllowed):
        st.warning(plain(reason), icon=":material/no_accounts:")
    else:
        st.error(plain(reason), icon=":material/error:")
    if entrance().mode is Mode.SIGN_IN and signed_claims():
        _sign_out_button()


def _sign_out_button() -> None:
    if st.button("Sign out", icon=":material/logout:", width="stretch"):
        st.session_state[_LEAVING] = True
        services().sign_ins.end(signed_claims())
        _leave()


def _leave() -> None:
    """Send the browser to the provider's end of the session; nothing more is drawn, or run for nobody."""
    st.logout()
    st.stop()


def who_is_acting(found: Person | None) -> None:
    """Draw in the sidebar who is acting; in local mode that it is local, and the choice of a role."""
    if found is None:
        _local_mode()
        return
    # Not tertiary: in the dark theme the label of such a popover can hardly be read while it is open.
    with st.popover(plain(_short(found.shown_name)), icon=":material/account_circle:", width="stretch"):
        st.text(found.actor.name)
        st.caption(f"{words.role(found.actor.role)} of the team {plain(found.actor.team)}")
        if found.ends_at is None:
            st.caption("Signed in by the proxy in front of this console; sign out there.")
        else:
            st.caption(f"Signed in until {words.exact(found.ends_at)}")
            _sign_out_button()
    st.caption(f"Acting as **{found.actor.role.value}**")


def _local_mode() -> None:
    with st.popover("Local mode", icon=":material/badge:", width="stretch"):
        st.caption("Nobody signs in here: the console listens on this machine only. Choose who you are acting as.")
        st.text_input("Your name", value=DEFAULT_NAME, key=NAME_KEY, persist_state="session", max_chars=80)
        st.selectbox(
            "Role",
            list(Role),
            index=list(Role).index(DEFAULT_ROLE),
            format_func=lambda role: role.value,
            key=ROLE_KEY,
            persist_state="session",
        )
    st.caption(f"Acting as **{st.session_state[ROLE_KEY].value}**")


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
