"""A circuit breaker for calls that are awaited: a model that keeps failing is left alone for a while."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pybreaker

from triage.llm.faults import ModelFault

FAILURES_UNTIL_OPEN = 5
OPEN_S = 30.0


class ModelBreaker:
    """Opens after some failures in a row, then lets one trial call through after a pause.

    pybreaker keeps the states and the count. It wraps only calls that are not awaited, and in its half-open state it
    lets every call through; both are added here. Safe to use from several threads.
    """

    def __init__(self, name: str, *, failures: int = FAILURES_UNTIL_OPEN, open_s: float = OPEN_S) -> None:
        self._memory = pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)
        self._circuit = pybreaker.CircuitBreaker(
            fail_max=failures, reset_timeout=open_s, state_storage=self._memory, name=name
        )
        self._lock = threading.Lock()
        self._on_trial = False

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open``."""
        return str(self._circuit.current_state)

    @property
    def is_open(self) -> bool:
        """Whether the next call would be refused or be the trial call."""
        return self.state != pybreaker.STATE_CLOSED

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Count the outcome of the calls made inside; only a ``ModelFault`` is a failure, being cancelled is neither.

        Raises:
            ModelFault: the breaker is open, so the model was not asked.
        """
        is_trial = self._enter()
        try:
            yield
        except ModelFault:
            self._count(fault=True)
            raise
        except Exception:
            self._count(fault=False)
            raise
        else:
            self._count(fault=False)
        finally:
            if is_trial:
                self._on_trial = False

    def _enter(self) -> bool:
        """Let a call in and say whether it is the trial call."""
        with self._lock:
            if not self.is_open:
                return False
            opened_at = self._memory.opened_at or datetime.now(UTC)
            rests = datetime.now(UTC) < opened_at + timedelta(seconds=self._circuit.reset_timeout)
            if self._on_trial or rests:
                raise ModelFault("paused after repeated failures", is_passing=False)
            self._circuit.half_open()
            self._on_trial = True
            return True

    def _count(self, *, fault: bool) -> None:
        # The circuit raises when it opens or is open already; the caller learns that from its own fault.
        with contextlib.suppress(pybreaker.CircuitBreakerError):
            self._circuit.call(_fail if fault else _succeed)


def _succeed() -> None:
    """Stand for a call that was answered."""


def _fail() -> None:
    """Stand for a call that was not answered."""
    raise pybreaker.CircuitBreakerError
