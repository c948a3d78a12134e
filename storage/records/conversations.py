"""Conversations and their messages."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from storage.records.base import Store, says
from storage.records.prepared import Prepared
from storage.records.schema import conversations, messages
from triage.domain import Conversation, ConversationFilter, Message, utc_now

_MESSAGES = Prepared(
    sa.select(messages).where(messages.c.conversation_id == sa.bindparam("conversation_id")).order_by(messages.c.number)
)
_COUNT = (
    sa.select(sa.func.count())
    .select_from(messages)
    .where(messages.c.conversation_id == sa.bindparam("conversation_id"))
)


class _MessageStore(Store[Message]):
    table = messages
    value = Message
    noun = "message"

    def add(self, message: Message) -> None:
        self._add(message)

    def list_of_conversation(self, conversation_id: str) -> list[Message]:
        return self._all(_MESSAGES, {"conversation_id": conversation_id})


class ConversationStore(Store[Conversation]):
    """Conversations with their messages."""

    table = conversations
    value = Conversation
    noun = "conversation"

    def add(self, conversation: Conversation, *, first: Message | None = None) -> None:
        """Keep a new conversation, with its first message if it has one.

        Raises:
            Conflict: there is one with this id.
        """
        self._add(conversation)
        if first is not None:
            _MessageStore(self.connection).add(first)

    def update(self, id: str, **changes: Any) -> Conversation:  # noqa: A002 - the column's name
        """Change fields of a conversation and return it as it is then; sets ``updated_at`` unless it is given.

        Raises:
            NotFound: there is no such conversation.
        """
        return self._change(id, expect=None, changes={"updated_at": utc_now(), **changes})

    def add_message(self, message: Message, **changes: Any) -> None:
        """Keep a new message and change fields of its conversation; the message's time becomes ``updated_at``.

        Raises:
            Conflict: there is a message with this id.
            NotFound: there is no such conversation.
        """
        self.update(message.conversation_id, updated_at=message.created_at, **changes)
        _MessageStore(self.connection).add(message)

    def count_messages(self, conversation_id: str) -> int:
        """Count the messages of a conversation."""
        return self.connection.scalar(_COUNT, {"conversation_id": conversation_id}) or 0

    def messages(self, conversation_id: str) -> builtins.list[Message]:
        """Return the messages of a conversation, oldest first."""
        return _MessageStore(self.connection).list_of_conversation(conversation_id)

    def list(self, filter: ConversationFilter, *, limit: int) -> builtins.list[Conversation]:  # noqa: A002
        """Return the conversations that the filter lets through, the one that began last first."""
        statement = sa.select(conversations).where(*_conditions(filter))
        return self._all(statement.order_by(conversations.c.created_at.desc(), conversations.c.id.desc()).limit(limit))


def _conditions(filter: ConversationFilter) -> Iterator[sa.ColumnElement[bool]]:  # noqa: A002
    kept = conversations.c
    for column, wanted in (
        (kept.customer_email, filter.customer_email),
        (kept.account_id, filter.account_id),
        (kept.team, filter.team),
    ):
        if wanted is not None:
            yield column == wanted
    if text := filter.text.strip():
        yield sa.or_(*(says(column, text) for column in (kept.subject, kept.customer_email, kept.id)))
    if filter.before is not None:
        at, last_id = filter.before
        # The first part alone would do; with it the database goes to the place by the index.
        yield kept.created_at <= at
        yield sa.or_(kept.created_at < at, kept.id < last_id)
