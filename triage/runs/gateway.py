"""The records as runs and approvals see them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol


class Gateway(Protocol):
    """Opens transactions that yield the stores; the stores are typed in storage, which triage does not import."""

    def begin(self) -> AbstractContextManager[Any]:
        """Open a write transaction."""

    def read(self) -> AbstractContextManager[Any]:
        """Open a read transaction."""
