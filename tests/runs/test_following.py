"""Waiting for runs: one look serves everybody, and nobody looks when nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from triage.domain import RunHead, RunStatus
from triage.errors import DataFolderError, NotFound
from triage.runs.following import RunFollower


class Looks:
    """What runs are, as a test says, and every look at them."""

    def __init__(self, **heads: RunHead) -> None:
        self.heads = heads
        self.asked: list[tuple[frozenset[str], bool]] = []
        self.faults = 0
        self.has_looked = asyncio.Event()

    async def __call__(self, run_ids: Collection[str], *, if_news: bool) -> dict[str, RunHead]:
        self.asked.append((frozenset(run_ids), if_news))
        self.has_looked.set()
        if self.faults:
            self.faults -= 1
            raise DataFolderError("Not now.")
        return {run_id: self.heads[run_id] for run_id in run_ids if run_id in self.heads}


def head(last_event: int, status: RunStatus = RunStatus.RUNNING) -> RunHead:
    return RunHead(status=status, last_event=last_event)


async def test_everybody_who_waits_is_served_by_one_look() -> None:
    looks = Looks(a=head(1), b=head(1))
    follower = RunFollower(looks, every_s=0.001)
    waiting = [
        asyncio.create_task(follower.until(run_id, lambda now: now.last_event > 1, timeout_s=20))
        for run_id in ("a", "b") * 50
    ]
    await looks.has_looked.wait()
    assert looks.asked[0] == ({"a", "b"}, False)
    looks.heads = {"a": head(2), "b": head(3)}
    found = await asyncio.gather(*waiting)
    assert {now.last_event for now in found if now is not None} == {2, 3}
    assert all(if_news for _, if_news in looks.asked[1:])


async def test_nobody_looks_when_nobody_waits() -> None:
    looks = Looks(a=head(1))
    follower = RunFollower(looks, every_s=0.001)
    assert await follower.until("a", lambda now: now.last_event == 1, timeout_s=20) == head(1)
    assert follower._looking is not None
    await follower._looking
    assert len(looks.asked) == 1
    # The next one who waits is served all the same.
    assert await follower.until("a", lambda now: now.last_event == 1, timeout_s=20) == head(1)


async def test_a_wait_has_an_end() -> None:
    follower = RunFollower(Looks(a=head(1)), every_s=0.001)
    assert await follower.until("a", lambda _: False, timeout_s=0.01) is None


async def test_a_run_that_is_gone_is_told() -> None:
    with pytest.raises(NotFound):
        await RunFollower(Looks(), every_s=0.001).until("a", lambda _: True, timeout_s=20)


async def test_a_look_that_fails_is_made_again() -> None:
    looks = Looks(a=head(1))
    looks.faults = 2
    assert await RunFollower(looks, every_s=0.001).until("a", lambda _: True, timeout_s=20) == head(1)
    # Not only when there are news: the ones before were not seen.
    assert [if_news for _, if_news in looks.asked] == [False] * 3


async def test_nobody_waits_for_an_end_of_the_process() -> None:
    follower = RunFollower(Looks(a=head(1)), every_s=0.001, is_ending=lambda: True)
    assert await follower.until("a", lambda _: False, timeout_s=20) is None
