"""A model that says nothing for too long ends its call; one that is heard of, or was held up here, does not."""

from __future__ import annotations

import asyncio
import time

import pytest

from triage.llm import silence
from triage.llm.silence import unless_silent


async def test_silence_ends_a_call() -> None:
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        async with unless_silent(0.05):
            await asyncio.Event().wait()
    assert time.monotonic() - start >= 0.05


async def test_a_call_that_is_heard_of_may_last_longer() -> None:
    # Twelve times a tenth of the wait, so that a slow machine is none of its reasons to fail.
    async with unless_silent(1.0) as heard_of:
        for _ in range(12):
            await asyncio.sleep(0.1)
            heard_of.heard()


async def test_what_arrived_while_the_loop_was_held_up_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "LATE_S", 0.05)
    arrived = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, arrived.set)
    asyncio.get_running_loop().call_soon(time.sleep, 0.3)
    async with unless_silent(0.1):
        await arrived.wait()


async def test_a_call_that_is_silent_beyond_a_hold_up_ends_a_moment_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "LATE_S", 0.05)
    asyncio.get_running_loop().call_soon(time.sleep, 0.3)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5), unless_silent(0.1):
            await asyncio.Event().wait()


async def test_who_cancels_a_call_is_not_told_of_silence() -> None:
    async def call() -> None:
        async with unless_silent(5):
            await asyncio.Event().wait()

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
