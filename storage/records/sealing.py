"""Keeps secrets so that the database alone gives them to nobody: encrypted, under a key that is not in it."""

from __future__ import annotations

import base64
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

# The signing key has other uses; a key of its own keeps them apart.
_PURPOSE = b"triage: webhook secrets"
_MARK = "sealed:"


def seal(secret: str, *, key: bytes | None) -> str:
    """Return what is kept of a secret; without a key it stays as it is."""
    return secret if key is None else _MARK + _box(key).encrypt(secret.encode()).decode("ascii")


def is_sealed(kept: str) -> bool:
    """Whether a kept secret is encrypted; builds before this one kept it as it is."""
    return kept.startswith(_MARK)


def unseal(kept: str, *, key: bytes | None) -> str | None:
    """Return the secret, or None when it was sealed with another key or altered."""
    if not is_sealed(kept):
        return kept
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - see _box

    try:
        return None if key is None else _box(key).decrypt(kept.removeprefix(_MARK).encode()).decode()
    except (InvalidToken, ValueError):
        return None


@cache
def _box(key: bytes) -> Fernet:
    # Only what has webhooks needs this, and every command imports the stores.
    from cryptography.fernet import Fernet  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key)
    return Fernet(base64.urlsafe_b64encode(derived))
