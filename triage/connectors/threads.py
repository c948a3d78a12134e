"""Threads for what asks other systems: one that does not answer must not keep what only asks the records waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")
_OUTSIDE = ThreadPoolExecutor(16, thread_name_prefix="outside")


async def off_loop(work: Callable[[], T]) -> T:
    """Do work that asks another system in a thread kept for such work."""
    return await asyncio.get_running_loop().run_in_executor(_OUTSIDE, copy_context().run, work)
