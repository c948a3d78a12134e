"""What every page needs: the services of this process and who is acting."""

from __future__ import annotations

import streamlit as st

from triage.access.seen import Seen
from triage.domain import Actor, Role
from triage.services import Services, open_services
from triage.settings import load_settings

NAME_KEY = "actor_name"
ROLE_KEY = "actor_role"
DEFAULT_NAME = "local user"
# In local mode everybody may choose any role; this one shows what there is to see and changes no policy.
DEFAULT_ROLE = Role.MANAGER


@st.cache_resource(show_spinner=False)
def services() -> Services:
    """Return the services of this process; the first call opens the data folder."""
    return open_services(load_settings(), kind="console")


def actor() -> Actor:
    """Return who is acting: in local mode the name and role chosen in the sidebar."""
    name = str(st.session_state.get(NAME_KEY) or DEFAULT_NAME).strip() or DEFAULT_NAME
    try:
        role = Role(st.session_state.get(ROLE_KEY, DEFAULT_ROLE))
    except ValueError:
        role = DEFAULT_ROLE
    return Actor(name=name[:80], role=role)


def seen() -> Seen:
    """Return what whoever is acting may read; pages read through this and nothing else."""
    return services().as_seen_by(actor())
