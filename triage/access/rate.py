"""How often one token may ask: a bucket of requests that fills up again steadily."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from triage.errors import TooManyRequests

_MOST_BUCKETS = 10_000


class RateLimit:
    """Lets each caller ask ``per_minute`` times a minute, and up to ``burst`` times at once; for many threads.

    The buckets are this process's: several consoles on one database each let the whole rate through.
    """

    def __init__(
        self, *, per_minute: int, burst: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_minute / 60
        self._burst = float(burst or per_minute)
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Count one request of the caller.

        Raises:
            TooManyRequests: the bucket is empty; says when there is one again.
        """
        with self._lock:
            now = self._clock()
            left, at = self._buckets.pop(caller, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._per_second)
            is_empty = left < 1
            self._buckets[caller] = (left if is_empty else left - 1, now)
            if len(self._buckets) > _MOST_BUCKETS:
                self._buckets.popitem(last=False)
        if is_empty:
            seconds = max(1, math.ceil((1 - left) / self._per_second))
            raise TooManyRequests(f"Too many requests. Try again in {seconds} s.", retry_after_s=seconds)
