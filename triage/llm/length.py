"""How long a model's answer may be; a longer one is given up like one that cannot be read.

What a model answers is kept as a step of the run and in its trace, is sent back with each further call, and is read by
people. A model that repeats itself without end, or a server that sends what it likes, must not fill memory with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents import SpanError, get_current_span

from triage.llm.faults import ModelFault

LONGEST_ANSWER = 200_000
"""Characters of text, thoughts and arguments: some 50,000 tokens, where the longest replies and results have 2,000."""
PIECES = frozenset(
    f"response.{part}.delta"
    for part in ("output_text", "refusal", "function_call_arguments", "reasoning_text", "reasoning_summary_text")
)
"""The events that bring text and arguments piece by piece."""
MOST_ITEMS = 100
"""Texts and calls in one answer: each call is worked, and a model asks for a few at once."""
LONGEST_EVENT_BYTES = 4 * 1024 * 1024
"""The last event of an answer holds the whole, escaped, and the request that servers repeat in it."""
LONGEST_STREAM_BYTES = 64 * 1024 * 1024
"""Servers wrap each token in up to 500 bytes, and send thoughts that are in no answer."""


def too_long() -> ModelFault:
    """Return the fault of an answer that is too long; that model is not asked again, as each try is paid in full."""
    return ModelFault("the answer is too long", is_passing=False)


def require_length(length: int) -> None:
    """Give up an answer of so many characters, and say so on its span, if it is too long.

    Raises:
        ModelFault: it is.
    """
    if length > LONGEST_ANSWER:
        _give_up()


def require_length_of(output: Sequence[Any]) -> None:
    """Give up an answer that came whole, if it is too long.

    Raises:
        ModelFault: it is.
    """
    if len(output) > MOST_ITEMS or sum(map(_length, output)) > LONGEST_ANSWER:
        _give_up()


def _length(item: Any) -> int:
    """Return how long the parts of an item are that are kept and read."""
    texts = [getattr(item, part, None) for part in ("name", "call_id", "arguments")]
    for content in (*(getattr(item, "content", None) or ()), *(getattr(item, "summary", None) or ())):
        texts += [getattr(content, "text", None), getattr(content, "refusal", None)]
    return sum(len(text) for text in texts if isinstance(text, str))


def _give_up() -> None:
    fault = too_long()
    # The stream is only closed, so that its span would end without a word of why.
    if (span := get_current_span()) is not None and span.span_data.type in {"generation", "response"}:
        span.set_error(SpanError(message="Error streaming response", data={"error": fault.reason}))
    raise fault
