"""Lets many read, and somebody change the file that they read from once nobody does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReadersGate:
    """Open for any number of readers; closed for the moment in which the file is exchanged."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self._readers = 0
        self._is_closed = False
        self._inside = threading.local()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Read; a reader who reads inside of its own reading is not stopped."""
        depth: int = getattr(self._inside, "depth", 0)
        if depth == 0:
            with self._state:
                self._state.wait_for(lambda: not self._is_closed)
                self._readers += 1
        self._inside.depth = depth + 1
        try:
            yield
        finally:
            self._inside.depth = depth
            if depth == 0:
                with self._state:
                    self._readers -= 1
                    self._state.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Wait until nobody reads, and keep everybody out until the end of the block."""
        with self._state:
            self._state.wait_for(lambda: not self._is_closed)
            self._is_closed = True
            self._state.wait_for(lambda: self._readers == 0)
        try:
            yield
        finally:
            with self._state:
                self._is_closed = False
                self._state.notify_all()
