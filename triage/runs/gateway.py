"""The records as runs and approvals see them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol


class News(Protocol):
    """Whether there can be anything new in the records, for somebody who looks again and again."""

    def any(self) -> bool:
        """Return whether anything may have changed since this was last asked."""

    def forget(self) -> None:
        """Say once more what was said last, because the look that it led to came to nothing."""


class Gateway(Protocol):
    """Opens transactions that yield the stores; the stores are typed in storage, which triage does not import."""

    def begin(self) -> AbstractContextManager[Any]:
        """Open a write transaction."""

    def read(self) -> AbstractContextManager[Any]:
        """Open a read transaction."""


class WatchedGateway(Gateway, Protocol):
    """The records as those see them who look for changes again and again."""

    def news(self) -> News:
        """Return what says whether a look is worth while."""
