"""What is asked before something is done that needs a reason or touches several actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.components import words
from pages.components.approval_actions import rejection_refusal, tell
from pages.components.approval_choice import following, listed, select, selected, several, untick
from pages.components.approval_list import headline
from pages.components.context import actor, seen, services
from pages.components.dialogs import close_dialog, form_id
from pages.components.refusal import show_refusal
from pages.components.text import plain
from triage.domain import Approval, Mode, RejectCode
from triage.errors import TriageError
from triage.stable_ids import action_key

_OUTCOMES = "approval_outcomes"
_CODES = {
    RejectCode.WRONG_FACTS: "Wrong facts",
    RejectCode.AGAINST_POLICY: "Against policy",
    RejectCode.NOT_NEEDED: "Not needed",
    RejectCode.DONE_ALREADY: "Done already",
    RejectCode.OTHER: "Other",
}


def code_words(code: RejectCode) -> str:
    """Return the words of a reason code."""
    return _CODES[code]


@st.dialog("Reject this action", icon=":material/close:", on_dismiss=close_dialog)
def reject() -> None:
    """Ask for the reason and reject; the typed reason stays where the rejection is refused."""
    approval = _approval()
    if approval is None:
        return
    st.markdown(plain(headline(approval)))
    code, reason = _ask_reason()
    if not _confirmed("Reject", back="Keep waiting"):
        return
    done = _attempt(lambda: services().approvals.reject(approval.id, actor=actor(), reason=reason, code=code))
    if done is not None:
        tell(done)
        select(following(listed(), approval.id))
        _leave()


@st.dialog("It happened", icon=":material/task_alt:", on_dismiss=close_dialog)
def happened() -> None:
    """Settle an unknown outcome: it happened."""
    _reconcile(is_done=True)


@st.dialog("It did not happen", icon=":material/block:", on_dismiss=close_dialog)
def not_happened() -> None:
    """Settle an unknown outcome: it did not happen."""
    _reconcile(is_done=False)


def _reconcile(*, is_done: bool) -> None:
    approval = _approval()
    if approval is None:
        return
    st.markdown(plain(headline(approval)))
    what = (
        "The action counts as carried out."
        if is_done
        else "The action counts as not carried out. Nothing is tried again."
    )
    key = action_key(approval.run_id, approval.call_id)
    st.caption(f"{what} Your name and note are kept. Other systems know the action by its key {key}.")
    note = st.text_area(
        "How do you know?", key=f"note_{form_id()}", placeholder="For example: seen in the payment system."
    )
    if not _confirmed("It happened" if is_done else "It did not happen"):
        return
    settled = _attempt(
        lambda: services().aftermath.reconcile(approval.id, actor=actor(), happened=is_done, note=note or "")
    )
    if settled is not None:
        st.toast("Settled.", icon=":material/task_alt:")
        select(following(listed(), approval.id))
        _leave()


@st.dialog("Mark as reversed", icon=":material/undo:", on_dismiss=close_dialog)
def reverse() -> None:
    """Record that an action was undone outside of the console."""
    approval = _approval()
    if approval is None:
        return
    st.markdown(plain(headline(approval)))
    st.caption("This records that somebody undid the action; it undoes nothing. Such calls wait for a person again.")
    reason = st.text_area("Reason", key=f"reverse_{form_id()}")
    if not _confirmed("Mark as reversed"):
        return
    if (
        _attempt(lambda: services().aftermath.mark_reversed(approval.id, actor=actor(), reason=reason or ""))
        is not None
    ):
        st.toast("Marked as reversed.", icon=":material/undo:")
        _leave()


@st.dialog("Approve several", icon=":material/check:", width="medium", on_dismiss=close_dialog)
def approve_several() -> None:
    """Say what approving the chosen ones does, approve them, and say what came of each."""
    _several("approve")


@st.dialog("Reject several", icon=":material/close:", width="medium", on_dismiss=close_dialog)
def reject_several() -> None:
    """Say what rejecting the chosen ones does, reject them, and say what came of each."""
    _several("reject")


def _several(decision: str) -> None:
    of, outcomes = st.session_state.get(_OUTCOMES, ("", []))
    if of == form_id():
        _report(outcomes)
        return
    chosen = [seen().approvals.get(approval_id) for approval_id in several()]
    refused = {item.id: _refused(item, decision) for item in chosen}
    able = [item for item in chosen if refused[item.id] is None]
    will = "These happen" if decision == "approve" else "These are refused, and the agents go on without them"
    st.markdown(f"{will}:" if able else "**None of the chosen ones can be decided by you.**")
    for item in able:
        st.markdown(f":material/chevron_right: {plain(_whole(item))}{_share(item, decision)}")
    for item in chosen:
        if refused[item.id] is not None:
            st.markdown(f":gray[:material/lock: {plain(_whole(item))}: {plain(refused[item.id])}]")
    code, reason = _ask_reason() if decision == "reject" and able else (RejectCode.OTHER, "")
    if not _confirmed(f"{decision.capitalize()} {len(able)}", disabled=not able):
        return
    titles = {item.id: _whole(item) for item in chosen}
    found = _attempt(
        lambda: services().approvals.decide_many(
            [item.id for item in able], actor=actor(), decision=decision, reason=reason, code=code
        )
    )
    if found is not None:
        st.session_state[_OUTCOMES] = (form_id(), [(titles[outcome.id], outcome.problem) for outcome in found])
        # The page calls the dialog again, which then reports.
        st.rerun()


def _refused(item: Approval, decision: str) -> str | None:
    """Return why an action is left out."""
    if decision == "reject":
        return rejection_refusal(item, actor=actor())
    if item.kind == "question":
        return "A question needs an answer of its own."
    return seen().approvals.refusal(item)


def _whole(item: Approval) -> str:
    return f"{words.one_line(item.summary, limit=120)} ({item.customer_email or 'no address'})"


def _share(item: Approval, decision: str) -> str:
    if decision != "approve" or item.mode is not Mode.TWO_PEOPLE:
        return ""
    return " :violet[as the second of two]" if item.endorsed_by else " :violet[as the first of two, so it still waits]"


def _report(outcomes: list[tuple[str, str | None]]) -> None:
    failed = [title for title, sentence in outcomes if sentence]
    done = len(outcomes) - len(failed)
    st.markdown(f"**{done} done**" + (f", {len(failed)} not." if failed else "."))
    for title, sentence in outcomes:
        icon = ":orange[:material/error:]" if sentence else ":green[:material/check:]"
        st.markdown(f"{icon} {plain(title)}" + (f": {plain(sentence)}" if sentence else ""))
    if st.button("Close", type="primary", key="several_close", on_click=_forget):
        _leave()


def _forget() -> None:
    untick(listed())
    st.session_state.pop(_OUTCOMES, None)
    select(None)


def _ask_reason() -> tuple[RejectCode, str]:
    opened = form_id()
    code = st.pills(
        "Why", list(RejectCode), default=RejectCode.OTHER, required=True, key=f"code_{opened}", format_func=code_words
    )
    reason = st.text_area(
        "Reason", key=f"reason_{opened}", max_chars=2000, placeholder="For example: outside the 30 days.",
        help="The agent takes it into account, and the customer's reply rests on it.",
    )  # fmt: skip
    return code or RejectCode.OTHER, reason or ""


def _approval() -> Approval | None:
    try:
        return seen().approvals.get(selected() or "")
    except TriageError as error:
        show_refusal(error)
        return None


def _confirmed(label: str, *, back: str = "Back", disabled: bool = False) -> bool:
    opened = form_id()
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(back, key=f"back_{opened}"):
            _leave()
        return st.button(label, type="primary", key=f"go_{opened}", shortcut="Ctrl+Enter", disabled=disabled)


def _attempt(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except TriageError as error:
        show_refusal(error)
        return None


def _leave() -> None:
    close_dialog()
    st.rerun()


DIALOGS: dict[str, Callable[[], None]] = {
    "reject": reject,
    "happened": happened,
    "not_happened": not_happened,
    "reverse": reverse,
    "approve_several": approve_several,
    "reject_several": reject_several,
}
"""The dialogs of this page by the name under which a button opens them."""
