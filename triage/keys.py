"""The key that signs what must not be altered, stored run states and the end of the audit log, and seals secrets."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from triage.errors import DataFolderError
from triage.settings import Settings


def signing_key(settings: Settings) -> bytes:
    """Return the key of ``TRIAGE_SECRET_KEY``, or the data folder's own, which is made on first use.

    Raises:
        DataFolderError: the key of the data folder cannot be read or written.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / "secret.key"
    try:
        return _read_or_make_key(path)
    except OSError as error:
        raise DataFolderError(f"The signing key {path} cannot be read or written: {error.strerror}.") from error


def _read_or_make_key(path: Path) -> bytes:
    if path.exists():
        return path.read_bytes()
    # Of processes that start together one makes the key. It gets its name when it is whole, so that no other one reads
    # half of it.
    own = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(own, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_hex(32).encode())
        with suppress(FileExistsError):
            os.link(own, path)
    finally:
        own.unlink(missing_ok=True)
    return path.read_bytes()
