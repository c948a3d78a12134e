"""Conversations: find them, and read one with its messages."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from triage.access.seen import Seen
from triage.api.access import Asking
from triage.api.document import problems
from triage.api.paging import cursor_of, place_in_time
from triage.api.requests import NO_CONTROLS, AccountIdFilter, ConversationId, Cursor, PageLimit, search_text
from triage.api.schemas import ConversationHead, ConversationOut, ConversationPage, MessageOut
from triage.domain import ConversationFilter
from triage.runs.intake import MAX_ID_CHARS

router = APIRouter(prefix="/conversations", tags=["conversations"])

_LIST = "conversations"


@router.get(
    "",
    operation_id="listConversations",
    summary="List conversations, the one that began last first",
    response_model=ConversationPage,
    responses=problems("not_allowed"),
)
async def list_conversations(
    *,
    caller: Asking,
    customer_email: Annotated[
        str | None,
        Query(description="Only those of this customer.", min_length=1, max_length=MAX_ID_CHARS, pattern=NO_CONTROLS),
    ] = None,
    account_id: AccountIdFilter = None,
    text: Annotated[str, search_text("Only those whose subject, customer or id has this text.")] = "",
    limit: PageLimit = 50,
    cursor: Cursor = None,
) -> ConversationPage:
    """Return one page. The cursor keeps its place: what begins meanwhile neither repeats nor hides a conversation."""
    query = ConversationFilter(
        customer_email=customer_email and customer_email.strip().lower(),
        account_id=account_id,
        text=text,
        before=place_in_time(_LIST, cursor),
    )
    found = await caller.read(lambda seen: seen.conversations.list(query, limit=limit + 1))
    shown, has_more = found[:limit], len(found) > limit
    following = cursor_of(_LIST, shown[-1].created_at, shown[-1].id) if has_more else None
    return ConversationPage(
        conversations=[ConversationHead.model_validate(item) for item in shown], next_cursor=following
    )


@router.get(
    "/{conversation_id}",
    operation_id="getConversation",
    summary="Read a conversation",
    response_model=ConversationOut,
    responses=problems("not_allowed", "not_found"),
)
async def get_conversation(conversation_id: ConversationId, caller: Asking) -> ConversationOut:
    """Return a conversation with its messages and the ids of its runs, each oldest first."""

    def look(seen: Seen) -> ConversationOut:
        kept = seen.conversations.get(conversation_id)
        return ConversationOut(
            **kept.model_dump(include=ConversationOut.model_fields.keys() & kept.__class__.model_fields.keys()),
            messages=[MessageOut.of(message) for message in seen.conversations.messages(conversation_id)],
            runs=[run.id for run in seen.conversations.runs(conversation_id)],
        )

    return await caller.read(look)
