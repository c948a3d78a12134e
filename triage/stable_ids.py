"""Ids that are the same whenever the same piece of work is done again."""

from __future__ import annotations

import base64
import hashlib


def stable_id(prefix: str, *parts: str) -> str:
    """Return an id that is the same whenever the same call is worked again.

    50 bits of a hash: a clash among a hundred thousand ids has a chance of about one in 200,000.
    """
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=10).digest()
    return f"{prefix}-{base64.b32encode(digest).decode()[:10]}"


def action_key(run_id: str, call_id: str) -> str:
    """Return the idempotency key of an action: with it an outside system can tell that it has seen the call before.

    It is the same before and after the decision, and when a killed run does the call again.
    """
    return stable_id("K", run_id, call_id)
