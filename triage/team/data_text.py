"""Finds text inside looked-up data that gives an assistant instructions, and withholds it.

The rules are few and precise: they look for a demand on an assistant, not for single words, so that an article about
prompts or an angry mail stays as it is. Every pattern is bounded, so long texts stay cheap.
"""

from __future__ import annotations

import json
import re
from typing import Any

from triage.team.plain_json import plain_json

EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}")
WITHHELD = "[withheld: this part of the data gave instructions]"

_RULES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        (
            r"\b(?:ignore|disregard|forget|override|bypass)\b(?:\s+\w+){0,4}?\s+(?:previous|prior|above|earlier|preceding|system)"
            r"\s+(?:instruction|prompt|rule|message|direction|guideline|command)s?\b"
        ),
        r"\b(?:ignore|disregard|forget)\s+(?:all\s+|any\s+)?(?:your|the)\s+(?:instructions|rules|guidelines|guardrails)\b",
        (
            r"\b(?:print|reveal|show|repeat|output|leak|disclose|send)\s+(?:me\s+|us\s+)?(?:your|the)\s+(?:full\s+|entire\s+)?"
            r"(?:system|hidden|initial|secret)\s+(?:prompt|instructions?|message)\b"
        ),
        r"\byou\s+are\s+(?:now|no\s+longer)\s+(?:in\s+(?:developer|debug|admin|god)\s+mode|bound\s+by|restricted|unrestricted)",
        (
            r"\b(?:ai|a\.i\.|llm|language\s+model|assistant|chatbot|agent)s?\b\s*[:,]?\s+(?:you\s+)?(?:must|should|shall|has\s+to|"
            r"have\s+to|needs?\s+to)\s+(?:now\s+|immediately\s+|always\s+)?(?:refund|approve|ignore|send|forward|reveal|grant|"
            r"delete|execute|call|close|reply\s+with|credit)\b"
        ),
        (
            r"\b(?:note|message|instructions?|attention|important)\s+(?:to|for)\s+(?:the\s+|any\s+|all\s+)?"
            r"(?:ai|llm|language\s+model|assistant|chatbot)s?\b"
        ),
        (
            r"\b(?:process_refund|create_support_ticket|draft_reply|get_account_status|search_knowledge_base|"
            r"transfer_to_[a-z_]{1,40})\b"
        ),
        r"\bdo\s+not\s+(?:tell|inform|alert|mention\s+(?:this|it)\s+to)\s+(?:the\s+)?(?:user|customer|human|operator|reviewer)\b",
        r"<\|[a-z_]{2,30}\|>|\[/?INST\]|<</?SYS>>|^\s*#{2,}\s*(?:system|instructions?)\b|^\s*(?:system|assistant)\s*:",
    )
)
_SENTENCE = re.compile(r"[^.!?\n]*(?:[.!?](?!\s|$)[^.!?\n]*)*(?:[.!?]+|\n|$)")


def gives_instructions(text: str) -> bool:
    """Whether ``text`` demands something of an assistant."""
    return any(rule.search(text) for rule in _RULES)


def clean_text(text: str) -> str:
    """Return ``text`` with the sentences that give instructions replaced by a note."""
    if not gives_instructions(text):
        return text
    parts = [part for part in _SENTENCE.findall(text) if part]
    cleaned = "".join(_replacement(part) if gives_instructions(part) else part for part in parts)
    # A demand that spans sentences is not found in any single one of them.
    return WITHHELD if gives_instructions(cleaned) else cleaned


def clean_output(output: str) -> str:
    """Return a tool's output, JSON or plain text, with instruction-like sentences in its values withheld."""
    if not gives_instructions(output):
        return output
    try:
        value = plain_json(output)
    except ValueError:
        return clean_text(output)
    return json.dumps(_clean_value(value), ensure_ascii=False, separators=(",", ":"))


def _replacement(sentence: str) -> str:
    ending = sentence[len(sentence.rstrip()) :]
    return f" {WITHHELD}{ending}" if sentence[:1].isspace() else f"{WITHHELD}{ending}"


def _clean_value(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _clean_value(item) for key, item in value.items()}
    return value
