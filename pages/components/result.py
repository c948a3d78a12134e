"""The right side of the desk: labels, findings, decisions, follow-ups and what it took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from pages.components.context import actor, services
from pages.components.fields import fields_of
from pages.components.guardrail_release import ask_release
from pages.components.refusal import show_refusal, toast_refusal
from pages.components.run_view import RunView
from pages.components.selection import select_run
from pages.components.text import bold, link, plain
from pages.components.words import ago, category, cost, count, duration, exact, one_line, urgency, words
from triage.access.actions import Action, may
from triage.domain import (
    Approval,
    Category,
    Correction,
    EventKind,
    Run,
    RunEvent,
    RunStatus,
    Ticket,
    TriageResult,
    Urgency,
)
from triage.errors import TriageError
from triage.llm.faults import KEY_REFUSED

_LABEL_WIDTH = 140


def result(view: RunView) -> None:
    """Draw everything on the right, what has to be acted on first."""
    run = view.run
    _ending(run, is_released=any(event.kind is EventKind.RUN_RELEASED for event in view.events))
    if run.degraded:
        st.warning(by_rules(view.events), title="Classified by rules", icon=":material/cloud_off:")
    _other_run(view)
    _escalations(view)
    waiting = [approval for approval in view.approvals if approval.status.is_open]
    for at, approval in enumerate(waiting):
        _decision(approval, is_first=at == 0)
    if run.result is not None or run.status.is_final:
        _findings(view)
    elif not waiting:
        with st.container(border=True):
            st.markdown("**Result**")
            st.caption(":material/hourglass_top: Category, urgency and summary appear here when the agents are done.")
    _follow_ups(view)
    _facts(run)


def _ending(run: Run, *, is_released: bool) -> None:
    """Say what is to be done after an end that is not the usual one."""
    if run.status is RunStatus.FAILED and run.failure is not None:
        st.error(plain(run.failure.message), title="The run failed", icon=":material/error:")
        st.caption("Take over and answer by hand, or run it again: that is under “More”. The message is safe.")
    elif run.status is RunStatus.BLOCKED and run.trip is not None:
        trip = run.trip
        with st.container(border=True):
            st.markdown(f":material/block: **Blocked: {plain(words(trip.verdict).lower())}**")
            st.markdown(f"{bold(words(trip.guardrail))} stopped this run. {plain(trip.reason)}")
            if is_released:
                return
            # What the message asked for was refused, or what the agents made of a good message was.
            todo = "If that is wrong, take over" if trip.stage == "input" else "The customer waits: take over"
            st.caption(f"{todo} and answer by hand. The reply beside is what the customer may be told.")
            # Reviewers do not see the guardrails page; whoever may not release is not told of it here.
            if trip.stage == "input" and may(actor(), Action.GUARDRAILS_RELEASE):
                ask_release(run)
    elif run.status is RunStatus.CANCELLED:
        by = f"{plain(run.assigned_to)} took over." if run.assigned_to else "The run was cancelled."
        st.info(
            f"{by} What the agents found until then is here.",
            icon=":material/back_hand:" if run.assigned_to else ":material/cancel:",
        )


def by_rules(events: Sequence[RunEvent]) -> str:
    """Say as Markdown that no model answered, and why, as far as whoever runs the console can do something about it."""
    reasons = (event.payload.get("reason") for event in events if event.kind is EventKind.MODEL_FELL_BACK)
    reason = str(next(reasons, "") or "")
    why = f": {plain(reason)}" if reason else ""
    todo = " Whoever runs the console has to check the model's key." if reason.startswith(KEY_REFUSED) else ""
    return (
        f"No model answered{why}.{todo} Written rules classified this message; check labels and reply before you use "
        "them."
    )


def _other_run(view: RunView) -> None:
    """Lead from a blocked run that a person released to the run that it became, and back."""
    for event in view.events:
        if event.kind is not EventKind.RUN_RELEASED:
            continue
        by = bold(event.payload.get("by") or "somebody")
        released, blocked = (event.payload.get(name) for name in ("released_run_id", "blocked_run_id"))
        with st.container(border=True, gap="xsmall"):
            if released:
                st.markdown(f":material/lock_open: {by} released this message, and it runs again.")
            else:
                st.markdown(f":material/lock_open: This message was blocked, and {by} released it.")
            st.button(
                "Open the new run" if released else "Open the blocked run",
                icon=":material/arrow_forward:" if released else ":material/arrow_back:",
                type="tertiary",
                key="desk_other_run",
                on_click=select_run,
                args=(str(released or blocked),),
            )


def _escalations(view: RunView) -> None:
    """Draw why the conversation was handed to a person."""
    for escalation in view.escalations:
        label = urgency(escalation.urgency)
        with st.container(border=True):
            st.markdown(f":material/priority_high: **Escalated to a person** :{label.colour}-badge[{label.text}]")
            st.markdown(plain(escalation.reason))
            st.caption(
                f"By {plain(escalation.created_by)} {ago(escalation.created_at)}", help=exact(escalation.created_at)
            )


def _decision(approval: Approval, *, is_first: bool) -> None:
    with st.container(border=True):
        st.markdown(":orange[:material/approval:] **Waiting for a decision**")
        st.markdown(plain(approval.summary))
        st.caption(f"{plain(approval.policy)} · asked {ago(approval.created_at)}", help=exact(approval.created_at))
        with st.expander("What exactly will happen", type="compact", key=f"arguments_{approval.id}"):
            st.markdown(
                "\n\n".join(
                    f":gray[{plain(name)}]  \n{plain(value)}" for _, name, value in fields_of(approval.arguments)
                )
            )
        allowed = may(actor(), Action.APPROVALS_DECIDE)
        reason = st.text_input(
            "Reason",
            key=f"reason_{approval.id}",
            placeholder="Reason, needed to reject",
            label_visibility="collapsed",
            disabled=not allowed,
            max_chars=1000,
        )
        with st.container(horizontal=True, wrap=False):
            approved = st.button(
                "Approve",
                type="primary",
                key=f"approve_{approval.id}",
                disabled=not allowed,
                shortcut="a" if is_first else None,
            )
            rejected = st.button(
                "Reject",
                key=f"reject_{approval.id}",
                disabled=not allowed,
                shortcut="x" if is_first else None,
            )
        if not allowed:
            st.caption(f"A reviewer decides this; you are acting as {actor().role.value}.")
        try:
            if approved:
                services().approvals.approve(approval.id, actor=actor())
            elif rejected:
                services().approvals.reject(approval.id, actor=actor(), reason=reason or "")
        except TriageError as error:
            show_refusal(error)
            return
    if approved or rejected:
        st.rerun()


def _findings(view: RunView) -> None:
    run = view.run
    with st.container(border=True):
        # Side by side where both words have room, one below the other in a narrow window.
        labels = st.grid(2, min_column_width=_LABEL_WIDTH)
        with labels.cell():
            _label(view, "category", list(Category))
        with labels.cell():
            _label(view, "urgency", list(Urgency))
        if run.result is not None:
            _result(run.result, is_sent=run.reply_sent_at is not None)


def _label(view: RunView, field: Literal["category", "urgency"], options: Sequence[Category | Urgency]) -> None:
    """Draw a label; choosing another value is the correction."""
    run, key = view.run, f"{field}_{view.run.id}"
    now = getattr(run, field)
    st.session_state[key] = now
    st.selectbox(
        words(field),
        options,
        index=None if now is None else 0,
        key=key,
        on_change=_correct,
        args=(run.id, field, key),
        placeholder="Not set",
        format_func=lambda value: (category(value) if field == "category" else urgency(value)).text,
    )
    last = _last_correction(view.corrections, field)
    if last is not None:
        was = f", was {words(last.before).lower()}" if last.before else ""
        st.caption(f"By {plain(last.corrected_by)} {ago(last.corrected_at)}{was}", help=exact(last.corrected_at))


def _last_correction(corrections: Sequence[Correction], field: str) -> Correction | None:
    return max((item for item in corrections if item.field == field), key=lambda item: item.corrected_at, default=None)


def _correct(run_id: str, field: Literal["category", "urgency"], key: str) -> None:
    chosen = st.session_state[key]
    if chosen is None:
        return
    try:
        services().runs.correct(run_id, field=field, value=chosen, actor=actor())
    except TriageError as error:
        toast_refusal(error)


def _result(found: TriageResult, *, is_sent: bool) -> None:
    st.progress(min(max(found.confidence, 0.0), 1.0), text=f"Confidence {found.confidence:.0%}".replace("%", " %"))
    if found.requires_human and not is_sent:
        st.badge("A person has to look", icon=":material/person_alert:", color="orange")
    for title, text in (("Summary", found.summary), ("Recommended action", found.recommended_action)):
        if text:
            st.markdown(f":gray[{title}]  \n{plain(text)}")
    if found.citations:
        st.markdown(
            "\n".join([":gray[Based on]", "", *(f"- {link(item.title, item.url)}" for item in found.citations)])
        )


def _follow_ups(view: RunView) -> None:
    if not view.tickets:
        return
    with st.container(border=True):
        for ticket in view.tickets:
            label = urgency(ticket.priority)
            st.markdown(f":material/confirmation_number: {bold(ticket.title)} :{label.colour}-badge[{label.text}]")
            st.caption(
                f"Ticket {plain(ticket.id)} · {ticket.status} · {ago(ticket.created_at)}{_at_help_desk(ticket)}",
                help=exact(ticket.created_at),
            )


def _at_help_desk(ticket: Ticket) -> str:
    """Say where the help desk keeps a ticket; its address is opened only where it is one of the web."""
    if ticket.external_id is None:
        return ""
    name = f"{one_line(ticket.external_id, limit=40)} at the help desk"
    return f" · {link(name, ticket.external_url) if ticket.external_url else plain(name)}"


def _facts(run: Run) -> None:
    with st.container(border=True):
        figures = {
            "Cost": cost(run.cost_usd, unpriced_calls=run.unpriced_calls),
            "Time": duration(run.active_ms) if run.active_ms else "…",
            "Turns": f"{run.turns:,}",
        }
        for column, (name, value) in zip(st.columns([2, 1.4, 1]), figures.items(), strict=True):
            column.markdown(f":gray[{name}]  \n{bold(value)}")
        said = [plain(", ".join(run.models))] if run.models else []
        said.append(count(run.usage.total_tokens, "token"))
        said.append(f"{approval_or_submitter(run)}")
        st.caption(" · ".join(said))


def approval_or_submitter(run: Run) -> str:
    """Say who gave the message in and whether it is another try."""
    again = ", run again" if run.retry_of else ""
    return f"from {plain(run.submitted_by)}{again}"
