"""The order of the work between model calls."""

from __future__ import annotations

import asyncio

from triage.runs.turns import Turn, Turns

LONG_S = 30.0


async def work(turn: Turn, name: str, told: list[str]) -> None:
    """Work in several steps, between which an event loop without turns would let the others work."""
    await turn.take()
    for _ in range(3):
        told.append(name)
        await asyncio.sleep(0)
    turn.give()


async def test_work_is_finished_in_the_order_in_which_it_could_begin() -> None:
    turns = Turns(at_once=1, longest_s=LONG_S)
    told: list[str] = []
    await asyncio.gather(*(work(turns.turn(), name, told) for name in "abc"))
    assert told == list("aaabbbccc")


async def test_as_many_work_at_once_as_may() -> None:
    turns = Turns(at_once=2, longest_s=LONG_S)
    told: list[str] = []
    await asyncio.gather(*(work(turns.turn(), name, told) for name in "abc"))
    assert set(told[:6]) == {"a", "b"}
    assert told[6:] == list("ccc")


async def test_a_turn_that_lasts_too_long_goes_to_the_next() -> None:
    turns = Turns(at_once=1, longest_s=0.001)
    slow, next_one = turns.turn(), turns.turn()
    await slow.take()
    async with asyncio.timeout(LONG_S):
        await next_one.take()
    # The slow one has nothing left to give back.
    slow.give()
    next_one.give()


async def test_two_tasks_of_one_segment_have_one_turn_together() -> None:
    turns = Turns(at_once=1, longest_s=LONG_S)
    turn, held = turns.turn(), turns.turn()
    await held.take()
    first, second = (asyncio.create_task(turn.take()) for _ in range(2))
    async with asyncio.timeout(LONG_S):
        await second
        assert not first.done()
        held.give()
        await first
        turn.give()
        await held.take()


async def test_a_cancelled_wait_takes_no_turn() -> None:
    turns = Turns(at_once=1, longest_s=LONG_S)
    held, cancelled, last = turns.turn(), turns.turn(), turns.turn()
    await held.take()
    waiting = asyncio.create_task(cancelled.take())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    held.give()
    async with asyncio.timeout(LONG_S):
        await last.take()
