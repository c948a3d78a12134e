"""What every page needs: the services of this process and who is acting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit import config

from triage.access.entrance import Entrance, Mode, read_entrance, require_no_secrets
from triage.access.seen import Seen
from triage.access.sign_ins import Person
from triage.domain import Actor, Role
from triage.errors import NotAllowed, NotSignedIn, SettingsError
from triage.services import Services, open_services
from triage.settings import Settings, load_settings

NAME_KEY = "actor_name"
ROLE_KEY = "actor_role"
DEFAULT_NAME = "local user"
# In local mode everybody may choose any role; this one shows what there is to see and changes no policy.
DEFAULT_ROLE = Role.MANAGER


@st.cache_resource(show_spinner=False)
def services() -> Services:
    """Return the services of this process; the first call opens the data folder."""
    return open_services(load_settings(), kind="console")


def configured_entrance(settings: Settings) -> Entrance:
    """Return how people come in, as Streamlit's secrets and options say now.

    Raises:
        SettingsError: what is configured would let nobody in, or somebody who should not be.
    """
    auth: Mapping[str, Any] = {}
    if st.secrets.load_if_toml_exists():
        auth = st.secrets.get("auth", {})
    else:
        # Whoever wrote a file that cannot be read wanted sign-in, and must not get a console without it.
        files = [str(file) for file in st.get_option("secrets.files")]
        require_no_secrets(files, is_named=config.is_manually_set("secrets.files"))
    headers: Mapping[str, str] = st.get_option("server.trustedUserHeaders") or {}
    return read_entrance(auth, headers=headers, settings=settings)


@st.cache_resource(show_spinner=False)
def entrance() -> Entrance:
    """Return how people come in, as it was when it was first asked."""
    return configured_entrance(services().settings)


def person() -> Person | None:
    """Return who is signed in, None in local mode, where nobody is.

    Raises:
        NotSignedIn: nobody is signed in, or the sign-in is over.
        NotAllowed: whoever is signed in has no role.
        SettingsError: the file of people cannot be used.
    """
    mode = entrance().mode
    if mode is Mode.LOCAL:
        return None
    claims = signed_claims()
    return services().sign_ins.person_behind(claims) if mode is Mode.PROXY else services().sign_ins.person(claims)


def signed_claims() -> dict[str, Any]:
    """Return what the provider said of whoever is signed in, or the proxy in its headers; empty for nobody."""
    said: dict[str, Any] = dict(st.user.to_dict())
    if entrance().mode is Mode.SIGN_IN and said.pop("is_logged_in", None) is not True:
        return {}
    return said


def actor() -> Actor:
    """Return who is acting: who is signed in, in local mode the name and role chosen in the sidebar.

    Whoever lost access since the page was drawn gets the whole page anew, which says so.

    Raises:
        NotSignedIn: nobody is signed in any more.
        NotAllowed: whoever is signed in has no role any more.
        SettingsError: the file of people cannot be used any more.
    """
    try:
        found = person()
    except (NotSignedIn, NotAllowed, SettingsError):
        st.rerun()
        raise
    return _chosen() if found is None else found.actor


def seen() -> Seen:
    """Return what whoever is acting may read; pages read through this and nothing else."""
    return services().as_seen_by(actor())


def _chosen() -> Actor:
    name = str(st.session_state.get(NAME_KEY) or DEFAULT_NAME).strip() or DEFAULT_NAME
    try:
        role = Role(st.session_state.get(ROLE_KEY, DEFAULT_ROLE))
    except ValueError:
        role = DEFAULT_ROLE
    return Actor(name=name[:80], role=role)
