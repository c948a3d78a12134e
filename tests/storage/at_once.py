"""Several at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from triage.errors import Conflict


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """Run the works in threads that start together; return what each returned or raised."""
    outcomes: list[Any] = [None] * len(works)
    barrier = threading.Barrier(len(works))

    def work(position: int) -> None:
        barrier.wait()
        try:
            outcomes[position] = works[position]()
        except Conflict as error:
            outcomes[position] = error

    threads = [threading.Thread(target=work, args=(position,)) for position in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
