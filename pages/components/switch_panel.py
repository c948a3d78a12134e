"""The switches for the policies page: what is off, and for administrators how to switch off and on again."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components.banner import switch_effect
from pages.components.context import actor, seen, services
from pages.components.dialogs import close_dialog, open_dialog, open_name
from pages.components.panel import action_head
from pages.components.refusal import show_refusal, toast_refusal
from pages.components.text import bold, plain
from pages.components.words import ago, exact, words
from triage.access.actions import Action, may
from triage.approvals.policy_tools import QUESTION, READING_TOOLS
from triage.approvals.switches import MAX_REASON_CHARS, switch_names
from triage.domain import AGENT_SWITCH, EVERYTHING_SWITCH, TOOL_SWITCH, WRITES_SWITCH, Switch
from triage.errors import TriageError

_DIALOG = "pause"
_PERSON_DOES_IT = "the agents tell the customer that a person will do it."


def switch_panel() -> None:
    """Draw the card."""
    allowed = may(actor(), Action.SWITCHES_SET)
    with st.container(border=True):
        if action_head(
            "Switches", "They hold at once for everybody, runs in flight included, until they are cleared.",
            button="Pause something…", icon="pause_circle", key="switch_set",
            why_not=None if allowed else "Only an administrator sets and clears switches.",
        ):  # fmt: skip
            open_dialog(_DIALOG)
        switches = seen().switches()
        if not switches:
            st.caption("Nothing is paused.")
        for switch in switches:
            _row(switch, allowed=allowed)
    if allowed and open_name() == _DIALOG:
        _set_dialog()


def switch_choices(team: object | None, *, but: Sequence[str] = ()) -> list[str]:
    """Return the names that can be set: the wide ones first, then the team's tools and agents; not those in ``but``."""
    names = [WRITES_SWITCH, EVERYTHING_SWITCH, *(switch_names(team) if team is not None else [])]
    return [name for name in names if name not in but]


def choice_words(name: str) -> str:
    """Return a switch's name as a person chooses it: "Tool: process refund"."""
    if name == WRITES_SWITCH:
        return "Every write: refunds, tickets"
    if name == EVERYTHING_SWITCH:
        return "Let everything wait for approval"
    if name.startswith(TOOL_SWITCH):
        return f"Tool: {words(name.removeprefix(TOOL_SWITCH)).lower()}"
    return f"Agent: {name.removeprefix(AGENT_SWITCH)}"


def consequence(name: str) -> str:
    """Say what setting a switch does."""
    if name == WRITES_SWITCH:
        return f"No tool that changes something is used any more; {_PERSON_DOES_IT}"
    if name == EVERYTHING_SWITCH:
        return "Every action that a policy would let pass waits for a person, so more comes to the approvals page."
    if name.removeprefix(TOOL_SWITCH) in {*READING_TOOLS, QUESTION}:
        return "No agent uses this tool any more; they go on without it, and a person looks at what they make of it."
    if name.startswith(TOOL_SWITCH):
        return f"No agent uses this tool any more; {_PERSON_DOES_IT}"
    return "This agent does nothing any more, also in runs that it has begun; their messages are left to a person."


def _row(switch: Switch, *, allowed: bool) -> None:
    effect = switch_effect(switch)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":orange[:material/pause_circle:] {bold(effect)} by {plain(switch.set_by)} "
            f"{ago(switch.set_at)}: {plain(switch.reason)}",
            help=exact(switch.set_at),
            width="stretch",
        )
        with st.popover("Clear…", icon=":material/play_circle:", disabled=not allowed, key=f"clear_{switch.name}"):
            st.markdown(f"{bold(effect)}. Once cleared, the agents go on with it at the next call.")
            st.button(
                "Clear it", type="primary", key=f"clear_now_{switch.name}", on_click=_clear, args=(switch.name, effect)
            )


def _clear(name: str, effect: str) -> None:
    try:
        services().switches.clear(name, actor=actor())
    except TriageError as error:
        toast_refusal(error)
    else:
        st.toast(f"Cleared: {plain(effect)}.", icon=":material/play_circle:")


@st.dialog("Pause something", on_dismiss=close_dialog)
def _set_dialog() -> None:
    agents = seen().team
    team = agents.describe() if agents is not None else None
    already = [switch.name for switch in seen().switches()]
    choices = switch_choices(team, but=already)
    name = st.selectbox("What", choices, index=None, format_func=choice_words, placeholder="Choose", key="switch_what")
    if team is None:
        st.caption("The agents run in another process; its console offers their tools and names too.")
    reason = st.text_area(
        "Why", key="switch_why", max_chars=MAX_REASON_CHARS, height=80,
        help="Everybody reads it on every page, the agents too; the customer does not.",
        placeholder="Refunds were paid twice since this morning",
    )  # fmt: skip
    st.info(consequence(name) if name else "Choose what to pause.", icon=":material/info:")
    if st.button("Pause it now", type="primary", key="switch_confirm", disabled=name is None):
        try:
            services().switches.set(str(name), actor=actor(), reason=reason)
        except TriageError as error:
            show_refusal(error)
        else:
            close_dialog()
            st.rerun()
