"""The cards of a brief: what the customer wrote, what will happen, why it stopped, what speaks for or against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from pages.components import words
from pages.components.approval_choice import select
from pages.components.approval_dialogs import code_words
from pages.components.approval_form import draw_fields, shown
from pages.components.approval_list import due, headline
from pages.components.links import desk_link, trace_link
from pages.components.panel import card_head
from pages.components.policy_words import people
from pages.components.story import Line, story
from pages.components.text import bold, link, plain
from triage.approvals.arguments import ArgumentField, FieldKind
from triage.approvals.brief import Brief
from triage.domain import Account, Approval, ExecutionStatus, Mode, Order, PastDecision, Run, utc_now

_MAX_MESSAGES = 12
_EXCERPT_CHARS = 160


def badges(approval: Approval, *, me: str) -> None:
    """Draw the state with what is left of the time."""
    label = words.approval_status(approval.status)
    now = utc_now()
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.badge(label.text, icon=label.icon, color=label.colour, help=words.exact(approval.created_at))
        if not approval.status.is_open:
            return
        urgency = words.urgency(approval.urgency)
        st.badge(urgency.text, icon=urgency.icon, color=urgency.colour, help="Urgency")
        if approval.due_at is not None:
            text, colour = due(approval, now=now)
            st.badge(text, icon=":material/schedule:", color=colour, help=f"Due {words.exact(approval.due_at)}")
        if approval.escalated_to and approval.escalated_at:
            whom = people(approval.escalated_to)
            at = words.ago(approval.escalated_at, now=now)
            note = (
                f"Nobody decided by the due time, so it is with the {whom} since {words.exact(approval.escalated_at)}."
            )
            st.badge(f"escalated to {whom} {at}", icon=":material/priority_high:", color="orange", help=note)
        if approval.expires_at is not None:
            left = words.duration((approval.expires_at - now).total_seconds() * 1000)
            note = f"Rejected by itself at {words.exact(approval.expires_at)}; never approved."
            st.badge(f"expires in {left}", icon=":material/timer_off:", color="gray", help=note)
        if approval.claimed_by and approval.claimed_until is not None:
            left = plain(words.duration((approval.claimed_until - now).total_seconds() * 1000))
            who = "yours" if approval.claimed_by == me else f"with {plain(approval.claimed_by)}"
            st.badge(f"{who} for {left}", icon=":material/lock:", color="blue", help="Renewed while the page is open.")


def customer_wrote(brief: Brief) -> None:
    """Draw the message of the run, with the conversation before it folded."""
    run = brief.run
    with st.container(border=True):
        who = plain(run.customer_email or "no address given")
        card_head("The customer wrote", f"{who} · {words.ago(run.created_at)}")
        st.text(run.message)
        earlier = [item for item in brief.messages if item.id != run.message_id and item.created_at <= run.created_at]
        if earlier:
            with st.expander(words.count(len(earlier), "earlier message"), icon=":material/forum:"):
                for message in earlier[-_MAX_MESSAGES:]:
                    author = "Customer" if message.author == "customer" else "Team"
                    st.caption(f"{author} · {words.ago(message.created_at)}", help=words.exact(message.created_at))
                    st.text(message.text)


def will_happen(brief: Brief) -> None:
    """Draw the action in one sentence and its arguments: proposed beside what runs, where a person changed them."""
    approval = brief.approval
    with st.container(border=True):
        st.markdown("**What is asked**" if approval.kind == "question" else _what(approval))
        if approval.kind == "question":
            st.markdown(bold(brief.sentence))
            return
        argument_table(brief)
        if approval.endorsed_by and approval.status.is_open:
            st.markdown(two_people(approval))


def _what(approval: Approval) -> str:
    if approval.status.is_open:
        return "**What will happen**"
    done = approval.execution is ExecutionStatus.SUCCEEDED
    return "**What happened**" if done else "**What was asked**"


def two_people(approval: Approval) -> str:
    """Say as Markdown who agreed first and that another person has to."""
    at = f" {words.ago(approval.endorsed_at)}" if approval.endorsed_at else ""
    how = " as edited" if approval.endorsed_arguments not in (None, approval.arguments) else ""
    return (
        f":violet[:material/group: **1 of 2**: approved{how} by {plain(approval.endorsed_by)}{at}; "
        "a second person has to agree.]"
    )


def argument_table(brief: Brief) -> None:
    """Draw the arguments, one below the other; a second column stands there when a person changed something."""
    fields = [field for field in brief.fields if field.proposed is not None or field.current is not None]
    if not any(field.is_changed for field in fields):
        for field in fields:
            left, right = st.columns([1, 3], gap="small")
            left.caption(plain(words.words(field.name)))
            _value(right, field, field.current, brief)
    else:
        ran = brief.approval.execution is ExecutionStatus.SUCCEEDED
        final = "Will run" if brief.approval.status.is_open else "What ran" if ran else "Decided"
        _head("", "The agent proposed", final)
        for field in fields:
            left, middle, right = st.columns([2, 4, 4], gap="small")
            left.caption(plain(words.words(field.name)))
            middle.text(shown(field, field.proposed))
            if field.is_changed:
                right.markdown(f":orange[:material/edit: {plain(shown(field, field.current))}]")
            else:
                right.text(shown(field, field.current))
    if brief.approval.amount_usd and all(field.kind is not FieldKind.MONEY for field in fields):
        left, right = st.columns([1, 3], gap="small")
        left.caption("Amount")
        right.markdown(bold(words.money(brief.approval.amount_usd)))


def _head(*titles: str) -> None:
    for column, title in zip(st.columns([2, 4, 4], gap="small"), titles, strict=True):
        column.caption(title)


def _value(place: st.delta_generator.DeltaGenerator, field: ArgumentField, value: object, brief: Brief) -> None:
    text = shown(field, value)
    if field.kind is FieldKind.ORDER and brief.order is not None:
        order = brief.order
        place.markdown(
            f"[{plain(text)}](#the-customer) :gray[· {plain(order.product)}, {plain(words.money(order.total_usd))}, "
            f"{order.status.value}]"
        )
    elif field.kind in (FieldKind.ACCOUNT, FieldKind.EMAIL):
        with place:
            st.page_link("desk.py", label=plain(text), query_params={"q": text}, help="All messages on the desk")
    else:
        place.text(text)


def form(brief: Brief, *, problems: dict[str, str], answer_key: str) -> None:
    """Draw the form in the place of the arguments."""
    approval = brief.approval
    with st.container(border=True):
        if approval.kind == "question":
            st.markdown("**What is asked**")
            st.markdown(bold(brief.sentence))
            st.text_area("Your answer", key=answer_key, max_chars=4000, help="The agent goes on with it.")
            return
        st.markdown("**What will happen, as you change it**")
        draw_fields(approval.id, brief.fields, problems=problems)
        st.caption("The rules check it again, and the agents are told what you changed.")


def why_it_stopped(brief: Brief) -> None:
    """Draw the rule that stopped the action, what else the run waits for, and what was decided in such cases."""
    approval = brief.approval
    with st.container(border=True):
        version = f"policy version {approval.policy_version}" if approval.policy_version else "built-in policy"
        rule = f"Rule {plain(approval.rule)}, {version}" if approval.rule else "The built-in rules"
        card_head("Why it stopped", rule)
        two = " Two people have to agree." if approval.mode is Mode.TWO_PEOPLE else ""
        asked = f"{plain(approval.agent)} asked for it {words.ago(approval.created_at)}"
        by = f", for a message that {plain(approval.submitted_by)} submitted" if approval.submitted_by else ""
        st.markdown(f"{plain(approval.policy)}{two}  \n:gray[{asked}{by}.]")
        for other in brief.others:
            # No link: on the page itself it would look like an address from before the last choice.
            st.button(
                f"The same message also waits for: {plain(headline(other))}", icon=":material/approval:",
                key=f"other_{other.id}", type="tertiary", on_click=select, args=(other.id,),
            )  # fmt: skip
        if brief.past:
            st.caption("Decided before in such cases")
            for decision in brief.past:
                st.markdown(past_line(decision))


def past_line(past: PastDecision) -> str:
    """Return an earlier decision as one line of Markdown."""
    label = words.approval_status(past.status)
    code = f" ({code_words(past.reason_code).lower()})" if past.reason_code else ""
    reason = f": {plain(words.one_line(past.reason, limit=80))}" if past.reason else ""
    came = ""
    if past.reversed_at is not None:
        came = ", :orange[reversed later]"
    elif past.execution in (ExecutionStatus.FAILED, ExecutionStatus.UNKNOWN):
        came = f", {words.execution_status(past.execution).text.lower()}"
    return (
        f":small[:gray[{words.ago(past.decided_at)}] · {plain(words.one_line(past.summary, limit=70))} · "
        f"{label.text.lower()}{code} by {plain(past.decided_by or 'somebody')}{reason}{came}]"
    )


def decision(approval: Approval) -> None:
    """Say who decided what and when, and what came of it."""
    label = words.approval_status(approval.status)
    at = approval.decided_at or approval.updated_at
    who = f" by {plain(approval.decided_by)}" if approval.decided_by else ""
    first = f", after {plain(approval.endorsed_by)}" if approval.endorsed_by else ""
    came = words.execution_status(approval.execution)
    with st.container(border=True):
        done = (
            f" :{came.colour}[{came.icon} {came.text}.]"
            if approval.execution is not ExecutionStatus.NOT_STARTED
            else ""
        )
        st.markdown(f"{label.icon} **{label.text}{who}**{first}, {words.ago(at)}.{done}", help=words.exact(at))
        if approval.execution is ExecutionStatus.UNKNOWN:
            st.caption(
                "The work was cut off between doing and recording. Look it up in the system that it went to, then say "
                "what you found."
            )
        if approval.reversed_at is not None:
            st.markdown(
                f":orange[:material/undo: Reversed by {plain(approval.reversed_by or 'somebody')} "
                f"{words.ago(approval.reversed_at)}]",
                help=words.exact(approval.reversed_at),
            )
        if approval.reason or approval.reason_code:
            code = code_words(approval.reason_code) if approval.reason_code else "Reason"
            st.caption(plain(code))
            st.text(approval.reason or "No text given.")


def customer_card(brief: Brief) -> None:
    """Draw what speaks for or against the action, and what is known of the customer."""
    account, orders = brief.account, brief.orders
    with st.container(border=True):
        # A heading, because the order's number in the arguments leads here.
        st.markdown("##### The customer")
        with st.container(horizontal=True, gap="xsmall"):
            for check in brief.checks:
                icon, colour = (":material/check:", "green") if check.holds else (":material/warning:", "orange")
                st.badge(check.text, icon=icon, color=colour)  # type: ignore[arg-type]
        if brief.orders_problem:
            st.markdown(f":orange[:material/cloud_off: {plain(brief.orders_problem)}]")
        elif account is None and not orders:
            st.caption("No account and no order has this address.")
        if account is not None:
            st.markdown(
                f"{bold(account.name)} · {plain(account.plan)} plan, {plain(words.words(account.status).lower())} · "
                f"{words.count(account.seats, 'seat')} · since {account.created_at.year} · :gray[{plain(account.id)}]"
            )
            if is_of_another_address(account, brief.run):
                st.caption(f"Account {plain(account.id)} is on record with another address.")
            unpaid = [invoice for invoice in account.invoices if invoice.status != "paid"]
            if unpaid:
                owed = plain(words.money(sum(invoice.amount_usd for invoice in unpaid)))
                st.markdown(f":orange-badge[{words.count(len(unpaid), 'invoice')} not paid, {owed}]")
        if orders:
            _order_table(orders, named=brief.order)
        for refund in brief.refunds:
            st.caption(
                f"{plain(words.money(refund.amount_usd))} refunded {words.ago(refund.created_at)} for order "
                f"{plain(refund.order_id)}: {plain(words.one_line(refund.reason, limit=80))}",
                help=words.exact(refund.created_at),
            )


def is_of_another_address(account: Account, run: Run) -> bool:
    """Whether the account that a message names has another address than the message; colleagues write, too."""
    wrote = (run.customer_email or "").strip().casefold()
    return bool(wrote) and wrote != account.email.strip().casefold()


def _order_table(orders: Sequence[Order], *, named: Order | None) -> None:
    st.table(
        {
            "Order": [bold(order.id) if order is named else plain(order.id) for order in orders],
            "Product": [_product(order) for order in orders],
            "Total": [plain(words.money(order.total_usd)) for order in orders],
            "Status": [_order_state(order) for order in orders],
        },
        border="horizontal", hide_index=True, alt="The orders of this customer",
    )  # fmt: skip


def _product(order: Order) -> str:
    return plain(order.product if order.quantity == 1 else f"{order.product} ({order.quantity} pieces)")


def _order_state(order: Order) -> str:
    at = f" {words.ago(order.delivered_at)}" if order.delivered_at and order.status == "delivered" else ""
    return f"{words.words(order.status.value)}{at}"


def evidence(brief: Brief) -> None:
    """Draw the passages that the run found and what the guardrails said."""
    with st.container(border=True):
        st.markdown("**Knowledge base**")
        if not brief.passages:
            st.caption("The run looked nothing up.")
        for passage in brief.passages[:3]:
            excerpt = plain(words.one_line(passage.excerpt, limit=_EXCERPT_CHARS))
            st.markdown(f"{link(passage.title, passage.url)}  \n:small[:gray[{excerpt}]]")
        if len(passages := brief.passages) > 3:  # noqa: PLR2004
            more = " · ".join(link(passage.title, passage.url) for passage in passages[3:])
            st.markdown(f":small[:gray[Also found:] {more}]")
        if brief.verdicts:
            st.markdown("**Guardrails**")
            with st.container(horizontal=True, gap="xsmall"):
                for verdict in brief.verdicts:
                    icon, colour = ("gpp_bad", "orange") if verdict.tripped else ("verified_user", "green")
                    st.badge(
                        f"{plain(verdict.guardrail)}: {plain(words.words(verdict.verdict).lower())}",
                        icon=f":material/{icon}:", color=colour, help=plain(verdict.reason) or None,  # type: ignore[arg-type]
                    )  # fmt: skip


def run_so_far(brief: Brief) -> None:
    """Draw what the agents did and what it took, and where to read more."""
    run = brief.run
    with st.container(border=True):
        card_head("Run so far", plain(words.count(run.turns, "turn") + f" · {words.duration(run.active_ms)} of work"))
        cost = plain(words.cost(run.cost_usd, unpriced_calls=run.unpriced_calls))
        st.markdown(f"{cost} :gray[· {plain(', '.join(run.models))}]")
        with st.container(horizontal=True, gap="small"):
            trace_link(run.trace_id, label="Read the trace")
            desk_link(run.id, label="Open on the desk")
        with st.expander("What the agents did", icon=":material/history:", type="compact"):
            _steps(story(brief.events))


def _steps(lines: Iterable[Line]) -> None:
    text = [f"{line.icon} :gray[{line.label}]" for line in lines if not line.is_detail]
    st.markdown("  \n".join(text) if text else ":gray[Nothing yet.]")
