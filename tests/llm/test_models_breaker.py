from __future__ import annotations

import asyncio

import pytest

from triage.llm.breaker import ModelBreaker
from triage.llm.faults import ModelFault


def fail(breaker: ModelBreaker) -> str:
    with pytest.raises(ModelFault) as caught, breaker.watching():
        raise ModelFault("down", is_passing=True)
    return caught.value.reason


def opened(*, open_s: float) -> ModelBreaker:
    breaker = ModelBreaker("m", failures=2, open_s=open_s)
    fail(breaker)
    fail(breaker)
    assert breaker.state == "open"
    return breaker


def test_opens_after_failures_in_a_row_and_then_does_not_ask() -> None:
    breaker = opened(open_s=60)
    with pytest.raises(ModelFault, match="paused") as caught, breaker.watching():
        raise AssertionError("The model was asked.")
    assert not caught.value.is_passing


def test_success_in_between_starts_the_count_anew() -> None:
    breaker = ModelBreaker("m", failures=2)
    fail(breaker)
    with breaker.watching():
        pass
    fail(breaker)
    assert breaker.state == "closed"


def test_error_of_the_request_is_no_failure_of_the_model() -> None:
    breaker = ModelBreaker("m", failures=1)
    with pytest.raises(ValueError, match="ours"), breaker.watching():
        raise ValueError("ours")
    assert breaker.state == "closed"


def test_one_trial_call_at_a_time_after_the_pause() -> None:
    breaker = opened(open_s=0)
    with breaker.watching():
        assert breaker.state == "half-open"
        with pytest.raises(ModelFault, match="paused"), breaker.watching():
            raise AssertionError("A second trial call was let through.")
    assert breaker.state == "closed"


def test_failed_trial_call_opens_again() -> None:
    breaker = opened(open_s=0)
    assert fail(breaker) == "down"
    assert breaker.state == "open"


def test_cancelled_trial_call_makes_room_for_another() -> None:
    breaker = opened(open_s=0)
    with pytest.raises(asyncio.CancelledError), breaker.watching():
        raise asyncio.CancelledError
    assert breaker.state == "half-open"
    with breaker.watching():
        pass
    assert breaker.state == "closed"


def test_late_failure_while_open_is_told_as_it_is() -> None:
    breaker = ModelBreaker("m", failures=1, open_s=60)

    def fail_beside_another() -> None:
        with breaker.watching():
            fail(breaker)
            raise ModelFault("late", is_passing=True)

    with pytest.raises(ModelFault, match="late"):
        fail_beside_another()
    assert breaker.state == "open"
