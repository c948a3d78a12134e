"""Lets DBOS look less often for what this product never asks of it.

Once a second DBOS looks for delayed workflows, for deadlines and for work in its internal queue. We set no delay and no
deadline; the internal queue brings back unfinished workflows after a start, and is empty ever after. The looks took a
third of the processor time of a console that waits. DBOS has no setting for them, so this reaches for two names inside
of it; its version is pinned, and a test fails when they are gone (docs/decisions/0015).
"""

from __future__ import annotations

from typing import Any

import dbos._workflow_commands as background

# What of an earlier process has to be taken up again is in the queue within moments of the launch.
AT_START_S = 10.0
SELDOM_S = 60.0


def look_seldom_for_deadlines() -> None:
    """Set how often DBOS looks for delays and deadlines; to be called before its launch."""
    background._BACKGROUND_JOBS_INTERVAL_SEC = SELDOM_S  # noqa: SLF001 - see above


def look_seldom_for_recovered(dbos: Any) -> None:
    """Slow down the internal queue, once what an earlier process left has been taken up."""
    dbos._registry.get_internal_queue()._polling_interval_sec = SELDOM_S  # noqa: SLF001 - see above
