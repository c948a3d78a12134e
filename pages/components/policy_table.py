"""The policy in force as tables: rules, times, limits and hours."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.components import policy_words as say
from pages.components.panel import card_head
from pages.components.text import plain
from triage.approvals.policies import PolicyDocument, Rule


def rule_table(document: PolicyDocument) -> None:
    """Draw the rules in the order in which they are asked."""
    with st.container(border=True):
        card_head("Rules", "From the top: the first rule that is for an action decides. What no rule is for waits.")
        if not document.rules:
            st.caption("There are no rules, so every action waits for a person.")
            return
        rows = [
            {
                "": str(number),
                "Action": f"**{plain(say.tool(rule.tool))}**{_when(rule)}",
                "Decision": _badge(rule),
                "Why": f"{plain(rule.because)}  \n:gray[:small[{plain(rule.name)}]]",
            }
            for number, rule in enumerate(document.rules, start=1)
        ]
        st.table(pd.DataFrame(rows), border="horizontal", hide_index=True, alt="The rules in their order")


def time_table(document: PolicyDocument) -> None:
    """Draw how long actions wait."""
    with st.container(border=True):
        card_head("Times", "What nobody decides in time is rejected, never approved.")
        rows = [
            {
                "Urgency": plain(say.time_rule(rule)),
                "Due after": say.duration(rule.due),
                "Then escalates to": say.people(rule.escalate),
                "Expires after": say.duration(rule.expires),
            }
            for rule in document.all_times
        ]
        st.table(pd.DataFrame(rows), border="horizontal", hide_index=True, alt="How long actions may wait")
        for sentence in say.hours(document.hours):
            st.caption(plain(sentence))


def limit_table(document: PolicyDocument) -> None:
    """Draw who may approve how much."""
    with st.container(border=True):
        card_head("Money limits", "In US dollars; a day is one in UTC.")
        rows = say.limits(document.limits)
        if not rows:
            st.caption("None: who may decide may decide every amount.")
            return
        frame = pd.DataFrame(
            [
                {"Who": plain(who), "At once": plain(once) or "any", "A day": plain(day) or "any"}
                for who, once, day in rows
            ]
        )
        st.table(frame, border="horizontal", hide_index=True, alt="Who may approve how much")


def _when(rule: Rule) -> str:
    words = say.when(rule)
    return f"  \n{plain(words)}" if words else ""


def _badge(rule: Rule) -> str:
    label = say.decision(rule.decide)
    return f":{label.colour}-badge[{label.icon} {label.text}]"
