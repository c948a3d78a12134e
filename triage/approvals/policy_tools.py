"""What policies know of the team's tools; a test holds this beside the live team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from triage.domain import Category, Urgency

REFUND = "process_refund"
TICKET = "create_support_ticket"
QUESTION = "ask_teammate"


@dataclass(frozen=True)
class WritingTool:
    """A tool whose calls have consequences.

    ``arguments`` gives the words that an argument can have, none where it can be anything; ``moves_money`` says that a
    call of it has an amount; ``asks`` says that it wants an answer instead of leave to act.
    """

    arguments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    moves_money: bool = False
    asks: bool = False


WRITING_TOOLS: Mapping[str, WritingTool] = {
    REFUND: WritingTool({"order_id": (), "reason": ()}, moves_money=True),
    TICKET: WritingTool({"title": (), "description": (), "priority": tuple(Urgency), "category": tuple(Category)}),
    QUESTION: WritingTool({"question": ()}, asks=True),
}
# These only look something up or write a draft, so they never wait.
READING_TOOLS = frozenset(
    {"search_knowledge_base", "get_account_status", "find_orders", "order_details", "shipping_status", "draft_reply"}
)
