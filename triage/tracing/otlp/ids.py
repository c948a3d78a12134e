"""The ids of OpenTelemetry, made from those of the SDK: the same span has the same id each time it goes out."""

from __future__ import annotations

import re
from hashlib import blake2b

TRACE_BYTES = 16
SPAN_BYTES = 8
_SDK_TRACE = re.compile(r"trace_([0-9a-f]{32})")
_SDK_SPAN = re.compile(r"span_([0-9a-f]{16})(?:[0-9a-f]{8})?")


def trace_id_of(trace_id: str) -> bytes:
    """Return the 16 bytes of a trace id: its own digits where it has them, so that a person finds it by them."""
    return _bytes_of(trace_id, pattern=_SDK_TRACE, size=TRACE_BYTES)


def span_id_of(span_id: str) -> bytes:
    """Return the 8 bytes of a span id: the first sixteen of its own digits where it has them."""
    return _bytes_of(span_id, pattern=_SDK_SPAN, size=SPAN_BYTES)


def root_id_of(trace_id: str) -> bytes:
    """Return the id of the span that stands for the whole run, which the SDK has no span for."""
    return _hash(f"root\x1f{trace_id}", size=SPAN_BYTES)


def sdk_trace_id(trace_id: str) -> str:
    """Return what a trace id of 32 hexadecimal digits is called here."""
    return f"trace_{trace_id.lower()}"


def sdk_span_id(span_id: str) -> str:
    """Return what a span id of 16 hexadecimal digits is called here."""
    return f"span_{span_id.lower()}"


def _bytes_of(text: str, *, pattern: re.Pattern[str], size: int) -> bytes:
    found = pattern.fullmatch(text)
    own = bytes.fromhex(found.group(1)) if found else b""
    # An id of nothing but zeros means "none" to a collector.
    return own if any(own) else _hash(text, size=size)


def _hash(text: str, *, size: int) -> bytes:
    return blake2b(text.encode("utf-8", "replace"), digest_size=size).digest()
