"""What a policy would have made of the last calls, and where a text has its mistake."""

from __future__ import annotations

import streamlit as st

from pages.components import policy_words as say
from pages.components.refusal import show_refusal
from pages.components.text import plain
from pages.components.words import count
from triage.approvals.policies import PolicyError
from triage.approvals.policy_service import Preview
from triage.domain import Mode

_AROUND = 3
_SHOWN = 8


def show_mistake(error: PolicyError, text: str) -> None:
    """Say what is wrong and show the line with those around it, numbered."""
    show_refusal(error)
    lines = text.splitlines() or [""]
    first = max(error.line - 1 - _AROUND, 0)
    shown = [
        f"{'▸' if number == error.line else ' '} {number:>4}  {line}"
        for number, line in enumerate(lines[first : error.line + _AROUND], start=first + 1)
    ]
    st.code("\n".join(shown), language=None)


def show_preview(preview: Preview, *, examples: bool = True) -> None:
    """Say what would have become of the last calls, and give examples of what changes."""
    if not preview.calls:
        st.caption("No action has been judged by a policy yet, so there is nothing to try it on.")
        return
    st.markdown(f"**{headline(preview)}**")
    for mode in Mode:
        after, before = preview.after[mode], preview.before[mode]
        if after or before:
            label = say.decision(mode)
            moved = "as now" if after == before else f"now {before:,}"
            st.markdown(f":{label.colour}-badge[{label.icon} {label.text}] **{after:,}** :gray[{moved}]")
    if not preview.changed:
        st.caption("Nothing goes another way than with the policy in force.")
        return
    changed = f"{count(preview.changed, 'call')} would have gone another way"
    st.caption(f"{changed}, for example:" if examples else f"{changed}.")
    for item in preview.examples[: _SHOWN if examples else 0]:
        st.markdown(
            f"{plain(item.summary)}  \n:gray[:small[{say.decision(item.before).text} → {say.decision(item.after).text} "
            f"by {plain(item.after_rule)}]]"
        )


def headline(preview: Preview) -> str:
    """Return the sentence of a preview: "Of the last 200 calls, 37 would have waited."."""
    waits = preview.after[Mode.APPROVAL] + preview.after[Mode.TWO_PEOPLE]
    rest = [
        f"{preview.after[mode]:,} would have {say.would_have(mode)}"
        for mode in (Mode.TWO_PEOPLE, Mode.DENY)
        if preview.after[mode]
    ]
    more = (
        f", {' and '.join(rest)}".replace("would have waited for two people", "of them for two people") if rest else ""
    )
    calls = "the last call" if preview.calls == 1 else f"the last {preview.calls:,} calls"
    return f"Of {calls}, {waits:,} would have waited{more}."
