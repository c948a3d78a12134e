"""What a tool call does, in words: "Searched the knowledge base for export fails"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from pages.components.text import bold
from pages.components.words import one_line, words

Tense = Literal["doing", "done", "wants", "failed"]

_QUOTE_CHARS = 90


class _Action(NamedTuple):
    """A tool's verb in three forms, what it is done to ({} is the argument ``argument``), and its icon."""

    verb: str
    doing: str
    done: str
    what: str
    argument: str
    icon: str


_ACTIONS: Mapping[str, _Action] = {
    "search_knowledge_base": _Action(
        "search", "Searching", "Searched", "the knowledge base for {}", "query", ":material/search:"
    ),
    "get_account_status": _Action(
        "look up", "Looking up", "Looked up", "account {}", "account_id", ":material/manage_accounts:"
    ),
    "create_support_ticket": _Action(
        "create", "Creating", "Created", "a ticket: {}", "title", ":material/confirmation_number:"
    ),
    "find_orders": _Action("look for", "Looking for", "Looked for", "orders of {}", "email", ":material/shopping_bag:"),
    "order_details": _Action("look up", "Looking up", "Looked up", "order {}", "order_id", ":material/receipt_long:"),
    "shipping_status": _Action(
        "check", "Checking", "Checked", "the shipping of order {}", "order_id", ":material/local_shipping:"
    ),
    "process_refund": _Action("refund", "Refunding", "Refunded", "order {}", "order_id", ":material/payments:"),
    "draft_reply": _Action("write", "Writing", "Wrote", "the reply", "", ":material/edit_note:"),
}

_LOOK_UPS = {"search_knowledge_base", "get_account_status", "find_orders", "order_details", "shipping_status"}


def action(tool: str, arguments: Any, *, tense: Tense) -> str:
    """Say as Markdown what a call is doing, did, wants to do or could not do; data in it is escaped."""
    known = _ACTIONS.get(tool)
    if known is None:
        known = _Action("use", "Using", "Used", bold(words(tool).lower() or "a tool"), "", "")
    said = arguments if isinstance(arguments, Mapping) else {}
    verb = {
        "doing": known.doing,
        "done": known.done,
        "wants": f"Wants to {known.verb}",
        "failed": f"Could not {known.verb}",
    }[tense]
    subject = bold(one_line(str(said.get(known.argument) or "…"), limit=_QUOTE_CHARS))
    text = f"{verb} {known.what.replace('{}', subject)}"
    if tool == "create_support_ticket" and said.get("priority"):
        text += f", priority {bold(one_line(str(said['priority']), limit=_QUOTE_CHARS))}"
    return text


def is_look_up(tool: str) -> bool:
    """Whether a tool only reads, so that nothing is left undone when it finds nothing."""
    return tool in _LOOK_UPS


def action_icon(tool: str) -> str:
    """Return the icon of a tool."""
    known = _ACTIONS.get(tool)
    return known.icon if known else ":material/build:"
