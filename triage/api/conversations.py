"""Conversations with their messages."""

from __future__ import annotations

from fastapi import APIRouter

from triage.access.seen import Seen
from triage.api.access import Asking
from triage.api.document import problems
from triage.api.requests import ConversationId
from triage.api.schemas import ConversationOut, MessageOut

router = APIRouter(prefix="/conversations", tags=["conversations"])


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
