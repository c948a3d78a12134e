"""Paused runs at rest: packed with a signature, unpacked only when nothing was altered.

The stored state decides what will run after an approval, so it is signed with a key that is not in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from importlib.metadata import version
from typing import Any

from agents.run_state import CURRENT_SCHEMA_VERSION

from triage.domain import Build, StoredState, utc_now
from triage.errors import StateError

SDK_VERSION = version("openai-agents")


def this_build(fingerprint: str) -> Build:
    """Return what this build can resume, with the fingerprint of its team."""
    return Build(sdk_version=SDK_VERSION, schema_version=CURRENT_SCHEMA_VERSION, tools_fingerprint=fingerprint)


def pack_state(
    state: dict[str, Any], *, facts: dict[str, Any], run_id: str, segment: int, fingerprint: str, key: bytes
) -> StoredState:
    """Sign and stamp a paused run so that it can be stored."""
    stored = StoredState(
        run_id=run_id,
        segment=segment,
        state=json.dumps(state, separators=(",", ":")),
        facts=facts,
        signature="",
        sdk_version=SDK_VERSION,
        schema_version=CURRENT_SCHEMA_VERSION,
        tools_fingerprint=fingerprint,
        created_at=utc_now(),
    )
    return stored.model_copy(update={"signature": sign(stored, key)})


def unpack_state(stored: StoredState, *, fingerprint: str, key: bytes) -> dict[str, Any]:
    """Return the state of a paused run.

    Raises:
        StateError: the state was altered or signed with another key, or another build wrote it.
    """
    if not hmac.compare_digest(sign(stored, key), stored.signature):
        raise StateError(
            "The stored state of this run does not match its signature: it was altered or TRIAGE_SECRET_KEY changed. "
            "Run it again from the message."
        )
    if problem := build_problem(stored, build=this_build(fingerprint)):
        raise StateError(f"{problem} Run it again from the message.")
    state: dict[str, Any] = json.loads(stored.state)
    return state


def build_problem(stamp: Build | StoredState, *, build: Build) -> str | None:
    """Return why ``build`` cannot resume what another build stamped, as a sentence; None when it can."""
    if stamp.sdk_version != build.sdk_version:
        return f"This run was paused by openai-agents {stamp.sdk_version}, this is {build.sdk_version}."
    if stamp.schema_version != build.schema_version:
        return f"This run was paused with state schema {stamp.schema_version}, this build has {build.schema_version}."
    if stamp.tools_fingerprint != build.tools_fingerprint:
        return "The tools or instructions of the team changed since this run was paused."
    return None


def sign(stored: StoredState, key: bytes) -> str:
    """Sign everything that decides what the resumed run does, in one unambiguous text."""
    text = json.dumps(
        [
            stored.run_id,
            stored.segment,
            stored.state,
            stored.facts,
            stored.sdk_version,
            stored.schema_version,
            stored.tools_fingerprint,
        ],
        sort_keys=True,
    )
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
