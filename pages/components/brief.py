"""The brief of one action: what the customer wrote, what will happen, why it stopped, what speaks for or against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

from pages.components import words
from pages.components.links import desk_link, trace_link
from pages.components.panel import card_head
from pages.components.story import Line, action
from pages.components.text import bold, plain
from triage.customers import Check
from triage.domain import Account, Approval, ExecutionStatus, Message, Order, Run

_MAX_MESSAGES = 6
_MAX_SIMILAR = 4


def what_will_happen(approval: Approval, orders: Sequence[Order]) -> str:
    """Say as Markdown in one sentence what an approval sets going, with the money it moves."""
    named = order_of(approval, orders)
    if approval.tool == "process_refund" and named is not None:
        money, to = plain(words.money(named.total_usd)), plain(named.customer_email)
        return f"**{money}** goes back to **{to}** for order **{plain(named.id)}**, {plain(named.product)}."
    if approval.tool == "create_support_ticket":
        return f"A ticket with priority **{plain(approval.arguments.get('priority', 'unknown'))}** is created."
    return f"{action(approval.tool, approval.arguments, tense='wants')}."


def order_of(approval: Approval, orders: Sequence[Order]) -> Order | None:
    """Return the customer's order that the action names, or None."""
    wanted = str(approval.arguments.get("order_id", "")).strip().removeprefix("#").strip()
    return next((order for order in orders if order.id == wanted), None)


def argument_rows(approval: Approval, orders: Sequence[Order]) -> list[tuple[str, str]]:
    """Return the arguments in words, with the amount of a refund, which is no argument but the order's total."""
    arguments = approval.decided_arguments or approval.arguments
    rows = [(words.words(name), _value(name, value)) for name, value in arguments.items()]
    named = order_of(approval, orders)
    if approval.tool == "process_refund":
        rows.append(("Amount", words.money(named.total_usd) if named else "unknown: no such order of this customer"))
    return rows


def _value(name: str, value: Any) -> str:
    if name in ("priority", "category") and isinstance(value, str):
        return words.words(value)
    return "(empty)" if value in (None, "") else str(value)


def customer_wrote(run: Run, messages: Sequence[Message]) -> None:
    """Draw the message of the run, with the conversation before it folded."""
    earlier = [message for message in messages if message.id != run.message_id and message.created_at <= run.created_at]
    if earlier:
        with st.expander(f"{words.count(len(earlier), 'earlier message')}", icon=":material/forum:"):
            for message in earlier[-_MAX_MESSAGES:]:
                who = "Customer" if message.author == "customer" else "Team"
                st.caption(f"{who} · {words.ago(message.created_at)}", help=words.exact(message.created_at))
                st.text(message.text)
    st.caption(
        f"{plain(run.customer_email or 'No address given')} · {words.ago(run.created_at)}",
        help=words.exact(run.created_at),
    )
    st.text(run.message)


def argument_table(rows: Iterable[tuple[str, str]]) -> None:
    """Draw names and values, one below the other; values are data."""
    for name, value in rows:
        left, right = st.columns([1, 3], gap="small")
        left.caption(plain(name))
        right.text(value)


def decision_line(approval: Approval) -> None:
    """Say who decided what and when, and what came of it."""
    label = words.approval_status(approval.status)
    at = approval.decided_at or approval.updated_at
    who = f" by {plain(approval.decided_by)}" if approval.decided_by else " with its run"
    came = words.execution_status(approval.execution).text.lower()
    done = f" · {came}" if approval.execution is not ExecutionStatus.NOT_STARTED else ""
    st.markdown(f"{label.icon} **{label.text}{who}**, {words.ago(at)}{done}.", help=words.exact(at))
    if approval.reason:
        st.caption("Reason")
        st.text(approval.reason)


def steps_so_far(lines: Sequence[Line]) -> None:
    """Draw the story up to now, one line each; fields unfold."""
    shown = [line for line in lines if not line.is_detail]
    if not shown:
        st.caption("Nothing yet.")
    for line in shown:
        if line.fields:
            with st.expander(line.label, icon=line.icon, type="compact"):
                argument_table((field.name, field.value) for field in line.fields)
        else:
            st.markdown(f"{line.icon} :gray[{line.label}]")


def customer_card(account: Account | None, orders: Sequence[Order], *, named: Order | None) -> None:
    """Draw what is known of the customer: the account, and the orders with the one in question marked."""
    if account is None and not orders:
        st.caption("No account and no order has this address.")
        return
    if account is not None:
        st.markdown(
            f"**{plain(account.name)}** · {plain(account.plan)} plan, {plain(words.words(account.status).lower())} · "
            f"{words.count(account.seats, 'seat')} · since {account.created_at.year} · :gray[{plain(account.id)}]"
        )
        unpaid = [invoice for invoice in account.invoices if invoice.status != "paid"]
        if unpaid:
            owed = plain(words.money(sum(invoice.amount_usd for invoice in unpaid)))
            st.markdown(f":orange-badge[{words.count(len(unpaid), 'invoice')} not paid, {owed}]")
    if orders:
        st.table(
            {
                "Order": [bold(order.id) if order is named else plain(order.id) for order in orders],
                "Product": [f"{plain(order.product)}, {order.quantity}" for order in orders],
                "Total": [plain(words.money(order.total_usd)) for order in orders],
                "Status": [_order_state(order) for order in orders],
            },
            border="horizontal", hide_index=True, alt="The orders of this customer",
        )  # fmt: skip


def _order_state(order: Order) -> str:
    at = f" {words.ago(order.delivered_at)}" if order.delivered_at and order.status == "delivered" else ""
    return f"{words.words(order.status.value)}{at}"


def run_facts(run: Run) -> None:
    """Draw what the run took so far and where to read more."""
    card_head("Run so far", plain(words.count(run.turns, "turn") + f" · {words.duration(run.active_ms)} of work"))
    cost = plain(words.cost(run.cost_usd, unpriced_calls=run.unpriced_calls))
    st.markdown(f"{cost} :gray[· {plain(', '.join(run.models))}]")
    with st.container(horizontal=True, gap="small"):
        trace_link(run.trace_id, label="Read the trace")
        desk_link(run.id, label="Open on the desk")


def check_badges(checks: Sequence[Check]) -> None:
    """Draw what speaks for the action and what against it."""
    with st.container(horizontal=True, gap="xsmall"):
        for check in checks:
            icon, colour = (":material/check:", "green") if check.holds else (":material/warning:", "orange")
            st.badge(check.text, icon=icon, color=colour)


def similar_decisions(approval: Approval, decided: Sequence[Approval]) -> None:
    """Draw the last decisions on the same kind of action."""
    same = [other for other in decided if other.tool == approval.tool and other.id != approval.id]
    if not same:
        return
    st.caption("Decided before in such cases")
    for other in sorted(same, key=lambda item: item.decided_at or item.updated_at, reverse=True)[:_MAX_SIMILAR]:
        label = words.approval_status(other.status)
        reason = f": {plain(words.one_line(other.reason, limit=80))}" if other.reason else ""
        st.markdown(
            f":small[:gray[{words.ago(other.decided_at or other.updated_at)}] · "
            f"{plain(words.one_line(other.summary, limit=60))} · {label.text.lower()}{reason}]"
        )
