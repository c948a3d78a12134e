"""One webhook: where it leads, what it is told, what became of that, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.components.context import actor, services
from pages.components.refusal import toast_refusal
from pages.components.text import bold, plain
from pages.components.webhook_secret import renew_button
from pages.components.words import ago, count, exact
from triage.domain import Delivery, DeliveryStatus, NoticeTopic, Webhook, WebhookFormat
from triage.errors import TriageError
from triage.notices.webhooks import WebhookState, host_of

FORMATS = {WebhookFormat.JSON: "JSON", WebhookFormat.SLACK: "Slack message"}
# As they end the sentence "Tell it when …".
TOPICS = {
    NoticeTopic.APPROVAL_NEW: "an action waits",
    NoticeTopic.APPROVAL_DUE_SOON: "an action is due soon",
    NoticeTopic.APPROVAL_OVERDUE: "an action is overdue",
    NoticeTopic.APPROVAL_EXPIRED: "an action expired",
    NoticeTopic.APPROVAL_DECIDED: "an action was decided",
    NoticeTopic.ALERT_WARNING: "a figure is at warning",
    NoticeTopic.ALERT_ALERT: "a figure is at alert",
    NoticeTopic.ALERT_OK: "a figure is back to normal",
    NoticeTopic.RUN_COMPLETED: "a message was worked",
    NoticeTopic.RUN_BLOCKED: "a guardrail stopped a message",
    NoticeTopic.RUN_FAILED: "a run failed",
    NoticeTopic.REPLY_SENT: "a reply was sent",
    NoticeTopic.TICKET_CREATED: "a ticket was created",
    NoticeTopic.REFUND_APPROVED: "a refund was agreed to",
    NoticeTopic.WEBHOOK_TEST: "test",
}
_NEWEST = 10
_MOST_DEAD = 50


def webhook_row(state: WebhookState) -> None:
    """Draw the row."""
    webhook, all_webhooks = state.webhook, services().webhooks
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        told = ", ".join(TOPICS[topic] for topic in webhook.topics)
        told += " · with replies" if webhook.carries_text else ""
        st.markdown(
            f"{bold(host_of(webhook))} :gray[{FORMATS[webhook.format]} · {told}]  \n:small[{numbers(state)}]",
            width="stretch",
            help=f"Added by {plain(webhook.created_by)}, {exact(webhook.created_at)}",
        )
        if webhook.is_active:
            _button("Send a test", "send", webhook.id, lambda: all_webhooks.test(webhook.id, actor=actor()))
        renew_button(webhook)
        _switch_button(webhook)
        with st.popover("Delete…", icon=":material/delete:", key=f"delete_{webhook.id}"):
            st.markdown(f"{bold(host_of(webhook))} gets no more notices, and those that did not arrive are forgotten.")
            _button("Delete it", "delete", webhook.id, lambda: all_webhooks.delete(webhook.id, actor=actor()))
    dead = all_webhooks.deliveries(webhook.id, actor=actor(), statuses=[DeliveryStatus.DEAD], limit=_MOST_DEAD)
    if dead:
        st.markdown(f":red[:material/error:] {count(state.dead, 'notice')} did not arrive:")
    for delivery in dead:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(delivery_line(delivery), width="stretch", help=f"Kept {exact(delivery.created_at)}")
            if webhook.is_active:
                _button(
                    "Send again", "replay", delivery.id,
                    lambda kept=delivery: all_webhooks.send_again(kept.id, actor=actor()),
                )  # fmt: skip
    with st.expander("The newest notices", icon=":material/history:", key=f"newest_{webhook.id}"):
        newest = all_webhooks.deliveries(webhook.id, actor=actor(), limit=_NEWEST)
        for delivery in newest:
            st.markdown(delivery_line(delivery), help=exact(delivery.created_at))
        if not newest:
            st.caption("None yet. Send a test.")


def numbers(state: WebhookState) -> str:
    """Return what became of a webhook's notices, as one line."""
    if not state.webhook.is_active:
        return f"Switched off: gets nothing · {state.delivered:,} delivered"
    parts = [f"{state.delivered:,} delivered"]
    if state.waiting:
        parts.append(f"{state.waiting:,} on the way")
    return " · ".join(parts)


def delivery_line(delivery: Delivery) -> str:
    """Return one notice as a line of Markdown."""
    what = TOPICS[delivery.topic][:1].upper() + TOPICS[delivery.topic][1:]
    error = f": {plain(delivery.last_error)}" if delivery.last_error else ""
    tries = f" after {count(delivery.attempts, 'try', plural='tries')}" if delivery.attempts else ""
    state = {
        DeliveryStatus.DELIVERED: ":green[delivered]",
        DeliveryStatus.DEAD: f":red[given up]{tries}{error}",
        DeliveryStatus.PENDING: f":orange[tried again {_soon(delivery)}]{tries}{error}" if error else "on the way",
    }[delivery.status]
    return f"{what} · {ago(delivery.created_at)} · {state}"


def _soon(delivery: Delivery) -> str:
    return f"at {delivery.next_at:%H:%M:%S} UTC"


def _switch_button(webhook: Webhook) -> None:
    def switch() -> None:
        services().webhooks.switch(webhook.id, active=not webhook.is_active, actor=actor())

    if webhook.is_active:
        _button("Switch off", "notifications_off", webhook.id, switch)
    else:
        _button("Switch on", "notifications_active", webhook.id, switch)


def _button(label: str, icon: str, target: str, act: Callable[[], object]) -> None:
    st.button(label, icon=f":material/{icon}:", key=f"{label}_{target}", on_click=_try, args=(act,))


def _try(act: Callable[[], object]) -> None:
    try:
        act()
    except TriageError as error:
        toast_refusal(error)
