"""Paused runs at rest: packed with a signature, unpacked only when nothing was altered.

The stored state decides what will run after an approval, so it is signed with a key that is not in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from importlib.metadata import version
from pathlib import Path
from typing import Any

from agents.run_state import CURRENT_SCHEMA_VERSION

from triage.domain import StoredState, utc_now
from triage.errors import DataFolderError, StateError
from triage.settings import Settings

SDK_VERSION = version("openai-agents")


def signing_key(settings: Settings) -> bytes:
    """Return the key of ``TRIAGE_SECRET_KEY``, or the data folder's own, which is made on first use."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / "secret.key"
    try:
        return _read_or_make_key(path)
    except OSError as error:
        raise DataFolderError(f"The signing key {path} cannot be read or written: {error.strerror}.") from error


def _read_or_make_key(path: Path) -> bytes:
    try:
        # O_EXCL: of two processes that start together one makes the key and the other reads it.
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        key = secrets.token_hex(32).encode()
        file.write(key)
    return key


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
    return stored.model_copy(update={"signature": _signature(stored, key)})


def unpack_state(stored: StoredState, *, fingerprint: str, key: bytes) -> dict[str, Any]:
    """Return the state of a paused run.

    Raises:
        StateError: the state was altered or signed with another key, or another build wrote it.
    """
    if not hmac.compare_digest(_signature(stored, key), stored.signature):
        raise StateError(
            "The stored state of this run does not match its signature: it was altered or TRIAGE_SECRET_KEY changed. "
            "Run it again from the message."
        )
    if stored.schema_version != CURRENT_SCHEMA_VERSION or stored.sdk_version != SDK_VERSION:
        raise StateError(
            f"This run was paused by openai-agents {stored.sdk_version}, this is {SDK_VERSION}. "
            "Run it again from the message."
        )
    if stored.tools_fingerprint != fingerprint:
        raise StateError("The tools changed since this run was paused. Run it again from the message.")
    state: dict[str, Any] = json.loads(stored.state)
    return state


def _signature(stored: StoredState, key: bytes) -> str:
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
