"""What programs send: bodies, and the parts of a query that several routes have."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from triage.access.token_form import has_token
from triage.domain import Category, RejectCode, Urgency
from triage.runs.intake import MAX_ID_CHARS, MAX_MESSAGE_CHARS

MAX_WAIT_S = 60
MAX_PAGE = 200
# Ids are made by us or checked when they came in: anything else is no id of anything.
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]*$"
KEY_PATTERN = r"^[!-~]+$"
_ISO = re.compile(r"\d{4}-\d\d-\d\d[Tt]")
NO_CONTROLS = r"^[^\u0000-\u001f]*$"


def _is_iso(value: Any) -> Any:
    """Refuse a bare number, which would be read as seconds since 1970."""
    if isinstance(value, str) and not _ISO.match(value):
        raise ValueError("Write a time such as 2026-03-04T17:00:00Z.")
    return value


def _within_time(value: datetime) -> datetime:
    """Refuse a time that is out of the calendar once its zone is taken off."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("Write a time within the years 1 to 9999 in UTC.") from None


RunId = Annotated[
    str,
    Path(
        description="The id of a run.", pattern=ID_PATTERN, max_length=MAX_ID_CHARS, examples=["run_5b1f0c2e9a7d4e38"]
    ),
]
ApprovalId = Annotated[
    str,
    Path(
        description="The id of an approval.", pattern=ID_PATTERN, max_length=MAX_ID_CHARS, examples=["apr-HN4TQ2K7VA"]
    ),
]
ConversationId = Annotated[
    str,
    Path(
        description="The id of a conversation.",
        pattern=ID_PATTERN,
        max_length=MAX_ID_CHARS,
        examples=["conv_0f3a9b7c21de"],
    ),
]
ConversationIdFilter = Annotated[
    str | None, Query(description="Only those of this conversation.", pattern=ID_PATTERN, max_length=MAX_ID_CHARS)
]
RunIdFilter = Annotated[
    str | None, Query(description="Only those of this run.", pattern=ID_PATTERN, max_length=MAX_ID_CHARS)
]
AccountIdFilter = Annotated[
    str | None, Query(description="Only those of this account.", pattern=ID_PATTERN, max_length=MAX_ID_CHARS)
]
MomentFilter = Annotated[
    Annotated[AwareDatetime, AfterValidator(_within_time)] | None,
    BeforeValidator(_is_iso),
    Query(description="A time in ISO 8601 with its zone.", examples=["2026-03-04T17:00:00Z"]),
]
PageLimit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")]
NameFilter = Annotated[str | None, Query(min_length=1, max_length=100, pattern=NO_CONTROLS)]


def search_text(description: str) -> Any:
    """Return the part of a query that a list is searched by."""
    return Query(max_length=200, pattern=NO_CONTROLS, description=description)


def _is_plain_json(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse what other programs and databases do not take as JSON: NaN, half characters, NUL, endless nesting."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):
        raise ValueError("Use plain JSON: no NaN or Infinity, no half characters, no deep nesting.") from None
    if "\\u0000" in text:
        raise ValueError("Leave out NUL characters.")
    if has_token(text):
        raise ValueError("Leave out the secrets of tokens.")
    return value


class Body(BaseModel):
    """A body of a request; a field that there is not is refused, because it may be a slip of the pen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TriageRequest(Body):
    """A customer's message."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "message": "I was charged twice for order #10423. Please refund one of the charges.",
                    "session_id": "conv_0f3a9b7c21de",
                    "customer_email": "maria@example.com",
                    "idempotency_key": "mail-20260304-0017",
                    "wait_s": 20,
                },
                {"message": "How do I export my data?"},
            ]
        }
    )

    message: str = Field(
        min_length=1, max_length=MAX_MESSAGE_CHARS, description="What the customer wrote, as plain text."
    )
    session_id: str | None = Field(
        None,
        pattern=ID_PATTERN,
        max_length=MAX_ID_CHARS,
        description="The conversation: one that is there is continued, any other id begins one; so does none.",
    )
    account_id: str | None = Field(
        None, pattern=ID_PATTERN, max_length=MAX_ID_CHARS, description="The customer's account, if it is known."
    )
    customer_email: str | None = Field(
        None, min_length=3, max_length=MAX_ID_CHARS, description="The customer's address; orders are looked up by it."
    )
    idempotency_key: str | None = Field(
        None,
        pattern=KEY_PATTERN,
        max_length=MAX_ID_CHARS,
        description="The same key from the same token is the same run, however often it is sent. "
        "The header `Idempotency-Key` says the same.",
    )
    wait_s: int = Field(
        0,
        ge=0,
        le=MAX_WAIT_S,
        strict=True,
        description="Seconds to wait for the outcome before the answer. The header `Prefer: wait=N` says the same.",
    )


class CategoryCorrection(Body):
    """Another category in place of the agents'."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"field": "category", "value": "billing"}]})

    field: Literal["category"]
    value: Category


class UrgencyCorrection(Body):
    """Another urgency in place of the agents'."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"field": "urgency", "value": "high"}]})

    field: Literal["urgency"]
    value: Urgency


NewCorrection = Annotated[CategoryCorrection | UrgencyCorrection, Field(discriminator="field")]

_SEEN = Field(
    pattern=r"^[0-9a-f]{64}$",
    description="`arguments_hash` of the approval as you saw it; if it is another one by now, nothing happens (409).",
    examples=["9c1e6f3f2f0b1f0e6a53a1f8a9d0f7c7c2b0d7a1e4b65c4f8d2f9b1a7e3c5d60"],
)
_REASON = Field(min_length=1, max_length=MAX_MESSAGE_CHARS, description="Why; the agents are told.")


class Approve(Body):
    """Let the call happen as it was seen."""

    decision: Literal["approve"]
    arguments_hash: str = _SEEN


class Edit(Body):
    """Let the call happen with other arguments: all of them, the unchanged ones included."""

    decision: Literal["edit"]
    arguments_hash: str = _SEEN
    arguments: Annotated[dict[str, Any], AfterValidator(_is_plain_json)]
    reason: str = Field("", max_length=MAX_MESSAGE_CHARS, description="Why; the agents are told.")


class Reject(Body):
    """Refuse the call, or the question; the agents are told why."""

    decision: Literal["reject"]
    arguments_hash: str = _SEEN
    reason: str = _REASON
    reason_code: RejectCode = RejectCode.OTHER


class AnswerQuestion(Body):
    """Answer the question of an agent (`kind` is `question`)."""

    decision: Literal["answer"]
    arguments_hash: str = _SEEN
    answer: str = Field(min_length=1, max_length=MAX_MESSAGE_CHARS)


Decision = Annotated[Approve | Edit | Reject | AnswerQuestion, Field(discriminator="decision")]
