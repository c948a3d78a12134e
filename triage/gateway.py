"""The stores as everything in triage sees them; who reads or writes is given them and opens none."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from storage.records.stores import Stores
    from storage.traces.queries import TraceQueries
else:
    # Triage names the types of what it is given and loads nothing of them.
    Stores = TraceQueries = Any

__all__ = ["Gateway", "News", "Stores", "TraceQueries", "WatchedGateway"]


class News(Protocol):
    """Whether there can be anything new in the records, for somebody who looks again and again."""

    def any(self) -> bool:
        """Return whether anything may have changed since this was last asked."""

    def forget(self) -> None:
        """Say once more what was said last, because the look that it led to came to nothing."""


class Gateway(Protocol):
    """Opens transactions that yield the stores."""

    def begin(self) -> AbstractContextManager[Stores]:
        """Open a write transaction."""

    def read(self) -> AbstractContextManager[Stores]:
        """Open a read transaction."""


class WatchedGateway(Gateway, Protocol):
    """The records as those see them who look for changes again and again."""

    def news(self) -> News:
        """Return what says whether a look is worth while."""
