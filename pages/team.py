"""Who works here: the agents, their tools, handovers, checks, models and instructions, read from the live objects."""

from __future__ import annotations

import streamlit as st

from pages.components import words
from pages.components.agent_card import agent_card
from pages.components.context import actor, seen, services
from pages.components.panel import card_head
from pages.components.refusal import show_refusal
from pages.components.team_map import team_map
from pages.components.text import plain
from triage.access.actions import Action, may
from triage.errors import TriageError

console, running = seen(), services()
st.title("Team")
if console.team is None or console.models is None or running.knowledge is None:
    st.info("The agents run in another process; its console shows them.", icon=":material/groups:")
    st.stop()
team, roles = console.team.describe(), console.models.describe()
settings = running.settings

tools = {tool.name for agent in team.agents for tool in agent.tools}
guarded = {tool.name for agent in team.agents for tool in agent.tools if tool.approval}
st.markdown(
    f"{words.count(len(team.agents), 'agent')} · {words.count(len(tools), 'tool')}, of which {len(guarded)} can wait "
    f"for a person · {words.count(len(running.knowledge.articles), 'article')} in the knowledge base · "
    f"at most {words.count(settings.max_turns, 'turn')} a run"
)
left, right = st.columns([7, 4], gap="medium")
with left, st.container(border=True):
    card_head("Who hands over to whom", "Every message enters at the top; dashed is what works for others.")
    st.graphviz_chart(
        team_map(team, dark=st.context.theme.type == "dark"), width="stretch",
        alt="; ".join(
            f"{agent.name} hands over to {', '.join(entry.agent for entry in agent.handoffs)}"
            for agent in team.agents if agent.handoffs
        ),
    )  # fmt: skip
with left, st.container(border=True):
    st.markdown("**Sample records**")
    count = console.sample_count()
    if not count:
        st.caption("There are none: every account and order is a real one.")
    else:
        st.caption(f"{count:,} invented accounts and orders to try the console with.")
        allowed = may(actor(), Action.SAMPLES_REMOVE)
        with st.popover(
            "Remove them…", icon=":material/delete:", disabled=not allowed,
            help=None if allowed else "Only a manager or administrator may remove them.",
        ):  # fmt: skip
            st.markdown("Removed sample records do not come back. Conversations and runs stay.")
            if st.button(f"Remove {count:,} sample records", type="primary", key="remove_samples"):
                try:
                    removed = services().samples.remove(actor=actor())
                except TriageError as error:
                    show_refusal(error)
                else:
                    st.toast(f"{removed:,} sample records removed.", icon=":material/delete:")
                    st.rerun()
with right, st.container(border=True):
    card_head("Models", "In the order in which they are asked: the next one steps in for one that fails.")
    for role in roles:
        names = " → ".join(plain(link.model) for link in role.chain)
        st.markdown(f":gray[{words.words(role.role)}] {names}")
    links = {link.model: link for role in roles for link in role.chain}
    for link in links.values():
        colour = {"closed": "green", "open": "red"}.get(link.breaker, "orange")
        state = {"closed": "in use", "open": "paused after failures"}.get(link.breaker, "being tried again")
        place = "on this machine, by written rules" if link.protocol == "offline" else link.host or link.protocol
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(state, color=colour)
            st.markdown(f":small[{plain(link.model)} · {plain(place)}]", width="content")
st.subheader("The agents")
names = [agent.name for agent in team.agents]
chosen = st.segmented_control(
    "Agent", names, default=team.entry, required=True, key="agent_shown", bind="query-params",
    label_visibility="collapsed",
)  # fmt: skip
agent_card(next(agent for agent in team.agents if agent.name == chosen), roles=roles)
