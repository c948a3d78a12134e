"""The queue on the left: lanes, filters, one row for each action, and boxes to decide on several at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from pages.components import address, held, words
from pages.components.actions import action_icon
from pages.components.approval_choice import (
    LISTED,
    choose_several,
    go_page,
    listed,
    page_number,
    picked,
    select,
    selected,
    step,
)
from pages.components.context import actor, seen
from pages.components.dialogs import open_dialog
from pages.components.policy_words import people
from pages.components.text import heard, hidden, plain
from triage.access.actions import roles_of
from triage.approvals.brief import QueueView
from triage.approvals.policy_limits import ESCALATION_ROLES
from triage.domain import Approval, Lane, QueueCounts, QueueFilter, Role, Urgency, utc_now

PAGE = 25
_LANES = {Lane.WAITING: "Waiting", Lane.UNKNOWN: "Unknown outcome", Lane.DECIDED: "Decided"}
_LANE, _LANE_PARAMETER = "approval_lane", "lane"
_MINE, _OVERDUE, _ESCALATED, _TOOLS, _URGENCIES = "mine", "overdue", "escalated", "tool", "urgency"
_WAITING_TOOLS = "approval_tools"
_UNTICKED = "check_box_outline_blank"
# More than a window of 1920 has room for; each line of a row ends with an ellipsis where its column does.
_TITLE_CHARS = 90
_SOON_MS = 30 * 60_000


def lane() -> Lane:
    """Return the lane that is shown, which stands in the address."""
    named = address.chosen(_LANE_PARAMETER) or Lane.WAITING.value
    return Lane(named) if named in list(Lane) else Lane.WAITING


def queue() -> None:
    """Draw the queue; made to be run as a fragment. The first action of a list is opened where none is."""
    asked = _filter()
    view = seen().approvals.queue(asked, limit=PAGE, offset=page_number() * PAGE)
    st.session_state[LISTED] = [approval.id for approval in view.approvals]
    if selected() is None and view.approvals:
        select(view.approvals[0].id)
    st.session_state[_WAITING_TOOLS] = tuple(view.counts.tools)
    _choose_lane(view.counts)
    _choose_filters(view.counts)
    if not view.approvals:
        _say_empty(view.counts)
        return
    if lane() is Lane.WAITING:
        _batch_bar()
    rows(view.approvals, now=utc_now(), me=actor().name)
    _paging(view)


def _filter() -> QueueFilter:
    state = st.session_state
    return QueueFilter(
        lane=lane(),
        tools=tuple(state.get(_TOOLS) or ()),
        urgencies=tuple(state.get(_URGENCIES) or ()),
        person=actor().name if state.get(_MINE) else None,
        due_before=utc_now() if state.get(_OVERDUE) and lane() is Lane.WAITING else None,
        escalated_to=_own_roles() if state.get(_ESCALATED) and lane() is Lane.WAITING else (),
    )


def _own_roles() -> tuple[Role, ...]:
    """Return the roles to which something escalates and that the person has; none for reviewers."""
    return tuple(role for role in roles_of(actor()) if role in ESCALATION_ROLES)


def _choose_lane(counts: QueueCounts) -> None:
    numbers = {Lane.WAITING: f" {counts.waiting:,}", Lane.UNKNOWN: f" {counts.unknown:,}" if counts.unknown else ""}
    labels = {name.value: _LANES[name] + numbers.get(name, "") for name in Lane}
    st.pills(
        "Lane",
        list(labels),
        key=held.key_of(_LANE, lane().value),
        required=True,
        format_func=lambda name: labels[name],
        on_change=_keep_lane,
        label_visibility="collapsed",
    )


def _keep_lane() -> None:
    chosen = held.value_in(_LANE)
    # A click on a label whose count has just changed arrives as the old label.
    name = next((name for name in Lane if chosen == name or chosen.startswith(_LANES[name])), Lane.WAITING)
    held.correct(_LANE, name.value)
    if name is not lane():
        address.choose(_LANE_PARAMETER, name.value)
        go_page(0)


def _choose_filters(counts: QueueCounts) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        mine = f"Mine {counts.mine}" if counts.mine and lane() is Lane.WAITING else "Mine"
        st.toggle(mine, key=_MINE, bind="query-params", on_change=go_page, args=(0,))
        if lane() is Lane.WAITING:
            late = f"Overdue {counts.overdue}" if counts.overdue else "Overdue"
            st.toggle(late, key=_OVERDUE, bind="query-params", on_change=go_page, args=(0,))
        if lane() is Lane.WAITING and _own_roles():
            up = f"Escalated {counts.escalated}" if counts.escalated else "Escalated"
            st.toggle(up, key=_ESCALATED, bind="query-params", on_change=go_page, args=(0,))


def narrowing() -> None:
    """Draw the filters by tool and urgency; made for the head of the page, where no number of the list moves them."""
    narrowed = bool(st.session_state.get(_TOOLS) or st.session_state.get(_URGENCIES))
    with st.popover(
        heard("Filter by tool and urgency"),
        icon=":material/filter_alt:",
        help="Filter by tool and urgency",
        type="primary" if narrowed else "secondary",
    ):
        tools = sorted({*st.session_state.get(_WAITING_TOOLS, ()), *(st.session_state.get(_TOOLS) or ())}) or [
            "process_refund"
        ]
        st.pills(
            "Tool", tools, selection_mode="multi", key=_TOOLS, bind="query-params", format_func=words.words,
            on_change=go_page, args=(0,),
        )  # fmt: skip
        st.pills(
            "Urgency", list(Urgency), selection_mode="multi", key=_URGENCIES, bind="query-params",
            format_func=lambda value: words.urgency(value).text, on_change=go_page, args=(0,),
        )  # fmt: skip


def _batch_bar() -> None:
    """Draw the line for several at once; it is always there, so that no row moves."""
    ids = listed()
    count = len(picked(ids))
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, height=40, border=False):
        # A button, for a box would have to be set from here: the browser's next regular look then carries the value
        # from before, which reads like a click on the box and takes the person's ticks away.
        is_all = bool(ids) and count == len(ids)
        st.button(
            f"{count} chosen" if count else "Choose all",
            icon=f":material/{'check_box' if is_all else 'indeterminate_check_box' if count else _UNTICKED}:",
            key="approval_pick_all", type="tertiary", on_click=_pick_all, kwargs={"is_picked": not is_all},
            help="Choose none" if is_all else "Choose all",
        )  # fmt: skip
        if count:
            st.space("stretch")
            for name, text, icon in (("approve_several", "Approve", "check"), ("reject_several", "Reject", "close")):
                st.button(
                    text, icon=f":material/{icon}:", key=name, on_click=_open_several, args=(name,), type="tertiary",
                    help=f"{text} the chosen ones; you see what will happen first.",
                )  # fmt: skip


def _open_several(name: str) -> None:
    choose_several()
    open_dialog(name)


def _pick_all(*, is_picked: bool) -> None:
    for approval_id in listed():
        st.session_state[f"pick_{approval_id}"] = is_picked


def rows(approvals: Sequence[Approval], *, now: datetime, me: str) -> None:
    """Draw one row for each action: a box, what it is, and below it the time left and the state."""
    has_boxes = lane() is Lane.WAITING
    shown = selected()
    with st.container(border=True, gap="small"):
        for approval in approvals:
            is_shown = approval.id == shown
            said = headline(approval)
            title = plain(said)
            with st.container(gap=None):
                with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", wrap=False):
                    if has_boxes:
                        st.checkbox(hidden(f"Choose {said}"), key=f"pick_{approval.id}", label_visibility="collapsed")
                    # In the row itself a button is as wide as its text and cut off; in a box it ends with an ellipsis.
                    with st.container():
                        st.button(
                            f":primary[**{title}**]" if is_shown else title,
                            key=f"row_{approval.id}",
                            icon=":material/chevron_right:" if is_shown else _icon(approval),
                            type="tertiary",
                            wrap=False,
                            on_click=_open,
                            args=(approval.id,),
                        )
                st.caption(facts(approval, now=now, me=me), wrap=False)


def _icon(approval: Approval) -> str:
    return ":material/help:" if approval.kind == "question" else action_icon(approval.tool)


def _open(approval_id: str) -> None:
    select(approval_id)
    st.rerun()


def _paging(view: QueueView) -> None:
    page = page_number()
    if not page and not view.has_more:
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="center"):
        st.button(
            heard("The page before"), icon=":material/chevron_left:", key="page_before", help="The page before",
            type="tertiary", disabled=not page, on_click=_turn, args=(page - 1,),
        )  # fmt: skip
        first = page * PAGE + 1
        st.caption(f"{first:,} to {first + len(view.approvals) - 1:,}")
        st.button(
            heard("The next page"), icon=":material/chevron_right:", key="page_after", help="The next page",
            type="tertiary", disabled=not view.has_more, on_click=_turn, args=(page + 1,),
        )  # fmt: skip


def _turn(page: int) -> None:
    go_page(page)
    st.rerun()


def headline(approval: Approval) -> str:
    """Return what an action is in a few words; what else there is to say stands in its brief."""
    said = approval.decided_arguments or approval.endorsed_arguments or approval.arguments
    if approval.kind == "question":
        return f"Question: {words.one_line(str(said.get('question') or approval.summary), limit=_TITLE_CHARS)}"
    if approval.tool == "process_refund":
        order = f"order {words.one_line(str(said.get('order_id', '(no number)')), limit=20)}"
        return f"Refund {words.money(approval.amount_usd)}, {order}" if approval.amount_usd else f"Refund {order}"
    if approval.tool == "create_support_ticket":
        priority = words.words(words.one_line(str(said.get("priority", "unclear")), limit=20))
        return f"{priority}: {words.one_line(str(said.get('title', '')), limit=_TITLE_CHARS)}"
    return words.one_line(approval.summary, limit=60)


def facts(approval: Approval, *, now: datetime, me: str) -> str:
    """Return the second line of a row as Markdown: the time left or the outcome, the state, the customer."""
    first = due_words(approval, now=now) if approval.status.is_open else _outcome(approval, now=now)
    line = f"{first} · {plain(words.one_line(approval.customer_email or 'no address', limit=_TITLE_CHARS))}"
    states = []
    if approval.status.is_open and approval.escalated_to:
        states.append(f":orange[:material/priority_high: escalated to {people(approval.escalated_to)}]")
    if approval.status.is_open and approval.endorsed_by:
        states.append(":violet[:material/group: 1 of 2]")
    if approval.status.is_open and approval.claimed_by:
        who = "you" if approval.claimed_by == me else plain(words.one_line(approval.claimed_by, limit=20))
        states.append(f":blue[:material/lock: {who}]")
    return f"{line}  \n{' · '.join(states)}" if states else line


def due_words(approval: Approval, *, now: datetime) -> str:
    """Say as Markdown when an open approval is due, for a row."""
    text, colour = due(approval, now=now)
    return plain(text) if colour == "gray" else f":{colour}[{plain(text)}]"


def due(approval: Approval, *, now: datetime) -> tuple[str, words.Colour]:
    """Say when an open approval is due, and in which colour; without a due time, how long it waits."""
    if approval.due_at is None:
        return f"waits {words.ago(approval.created_at, now=now).removesuffix(' ago')}", "orange"
    left = (approval.due_at - now).total_seconds() * 1000
    if left < 0:
        return f"overdue by {words.duration(-left)}", "red"
    return f"due in {words.duration(left)}", "orange" if left < _SOON_MS else "gray"


def _outcome(approval: Approval, *, now: datetime) -> str:
    label = words.approval_status(approval.status)
    at = approval.decided_at or approval.updated_at
    back = ", :orange[reversed]" if approval.reversed_at else ""
    return f"{label.text.lower()} {plain(words.ago(at, now=now))}{back}"


def _say_empty(counts: QueueCounts) -> None:
    state = st.session_state
    narrowed = any(state.get(name) for name in (_MINE, _OVERDUE, _ESCALATED, _TOOLS, _URGENCIES))
    with st.container(border=True):
        if page_number():
            st.markdown("**Nothing more.**")
            st.button("Back to the first page", key="first_page", on_click=_turn, args=(0,))
        elif narrowed:
            st.markdown("**Nothing with these filters.**")
            waits = "waits" if counts.waiting == 1 else "wait"
            st.caption(f"{counts.waiting:,} {waits} without them. Take a filter away above.")
        elif lane() is Lane.WAITING:
            st.markdown("**Nothing waits.**")
            st.caption("What needs a decision appears here by itself.")
        elif lane() is Lane.UNKNOWN:
            st.markdown("**No unknown outcome.**")
            st.caption("An action lands here when it was cut off between doing and recording.")
        else:
            st.markdown("**Nothing was decided yet.**")


def steps() -> None:
    """Draw the buttons for the next and the previous action."""
    alone = len(listed()) < 2 and not page_number()  # noqa: PLR2004
    # Far enough apart that each key stands by its own arrow.
    with st.container(horizontal=True, width="content", gap="medium", wrap=False):
        for text, key, icon, by in (("Next", "j", "arrow_downward", 1), ("Previous", "k", "arrow_upward", -1)):
            st.button(
                heard(f"{text} action"), icon=f":material/{icon}:", shortcut=key, type="tertiary", key=f"go_{key}",
                help=f"{text} action", on_click=step, kwargs={"by": by, "page": PAGE}, disabled=alone,
            )  # fmt: skip
