"""Lets DBOS write on SQLite in the thread that asks, not in another one.

DBOS hands each of its three transactions of a workflow to a thread. On PostgreSQL that keeps the event loop free for as
long as the network takes. On SQLite the transaction takes a quarter of a millisecond, and the change of threads, for
which both want the interpreter, several times that. DBOS gives the loop its own executor; this puts another one in its
place. DBOS's version is pinned, and a test fails when nothing comes through here any more (docs/decisions/0015).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

# The parts of DBOS that start and end a workflow; what else it hands to a thread may take its time.
_OF_WORKFLOWS = frozenset({"dbos._core", "dbos._outcome"})


def work_in_place(dbos: Any) -> InPlace | None:
    """Set this for a launched DBOS and return what does it; None on other databases, where threads are right."""
    if dbos._sys_db.engine.dialect.name != "sqlite":  # noqa: SLF001 - see above
        return None
    in_place = dbos._shared_executor_field = InPlace(dbos._executor)  # noqa: SLF001
    return in_place


class InPlace(ThreadPoolExecutor):
    """Does at once what starts and ends a workflow; anything else goes to the executor that it stands before."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        # A loop takes only a pool of threads as its own; this one never starts any.
        super().__init__(max_workers=1)
        self.executor = executor
        self.done = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return what came of ``fn``, or will come of it."""
        if not _is_of_workflows(fn):
            return self.executor.submit(fn, *args, **kwargs)
        self.done += 1
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002
        """Leave the executor to DBOS, as its own does when a loop ends."""


def _is_of_workflows(fn: Callable[..., Any]) -> bool:
    """Whether ``asyncio.to_thread`` was asked for a function of those parts."""
    work = fn.args[0] if isinstance(fn, partial) and fn.args else fn
    return getattr(work, "__module__", None) in _OF_WORKFLOWS
