"""Keeps an address so that the database alone gives it to nobody, for as long as the work on it takes."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from triage.errors import DataFolderError

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

# The signing key has other uses; a key of its own keeps them apart.
_PURPOSE = b"triage: addresses of customers to erase"


def seal_address(address: str, *, key: bytes) -> str:
    """Return the address encrypted."""
    return _box(key).encrypt(address.encode()).decode("ascii")


def unseal_address(kept: str, *, key: bytes) -> str:
    """Return the address.

    Raises:
        DataFolderError: it was sealed with another key.
    """
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - see _box

    try:
        return _box(key).decrypt(kept.encode()).decode()
    except InvalidToken as error:
        raise DataFolderError(
            "The address was sealed with another TRIAGE_SECRET_KEY; ask for the erasure again."
        ) from error


def _box(key: bytes) -> Fernet:
    # Few processes erase anybody, and every command imports the services.
    from cryptography.fernet import Fernet  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key)
    return Fernet(base64.urlsafe_b64encode(derived))
