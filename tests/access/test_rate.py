"""How often one caller may ask."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from triage.access.rate import RateLimit
from triage.errors import TooManyRequests


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(limit: RateLimit, caller: str, times: int) -> int:
    done = 0
    for _ in range(times):
        try:
            limit.take(caller)
        except TooManyRequests:
            continue
        done += 1
    return done


def test_the_whole_minute_may_be_asked_at_once_and_then_as_time_goes_by() -> None:
    clock = Clock()
    limit = RateLimit(per_minute=60, clock=clock)
    assert taken(limit, "a", 100) == 60
    assert taken(limit, "b", 100) == 60, "one caller does not take from another"
    clock.now += 10
    assert taken(limit, "a", 100) == 10
    clock.now += 3600
    assert taken(limit, "a", 100) == 60


def test_whoever_asked_too_often_is_told_when_to_come_back() -> None:
    clock = Clock()
    limit = RateLimit(per_minute=6, burst=1, clock=clock)
    limit.take("a")
    with pytest.raises(TooManyRequests, match="again in 10 s") as refused:
        limit.take("a")
    clock.now += refused.value.retry_after_s
    limit.take("a")


def test_threads_take_no_more_than_there_is() -> None:
    limit = RateLimit(per_minute=500, clock=Clock())
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: taken(limit, "a", 100), range(8))) == 500
