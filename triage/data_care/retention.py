"""What is kept for how long, and what its end takes away, in small portions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from triage.data_care.aside import remove_old_files
from triage.data_care.holdings import Holdings, as_numbers
from triage.domain import Value
from triage.settings import Settings

PORTION = 50
# Between two portions others get the records to themselves for a moment.
_PAUSE_S = 0.02


class Retention(Value):
    """Days for each kind of data; 0 is for ever."""

    conversations_days: int
    content_days: int
    measures_days: int

    @classmethod
    def of(cls, settings: Settings) -> Retention:
        """Return what the settings say."""
        return cls(
            conversations_days=settings.keep_conversations_days,
            content_days=settings.keep_content_days,
            measures_days=settings.keep_measures_days,
        )

    def told(self) -> list[tuple[str, str, str]]:
        """Return what is kept, for how long, and the setting that says so."""
        return [
            (what, f"{days} days" if days else "for ever", setting)
            for what, days, setting in (
                ("Conversations and runs", self.conversations_days, "TRIAGE_KEEP_CONVERSATIONS_DAYS"),
                ("Words of traces", self.content_days, "TRIAGE_KEEP_CONTENT_DAYS"),
                ("Figures of traces", self.measures_days, "TRIAGE_KEEP_MEASURES_DAYS"),
            )
        ]

    def before(self, days: int, *, now: datetime) -> datetime | None:
        """Return the moment before which data of so many days is over, None where it never is."""
        return now - timedelta(days=days) if days else None


def due(holdings: Holdings, retention: Retention, *, now: datetime) -> dict[str, int]:
    """Return what would go now, by kind and count; nothing changes."""
    found = holdings.traces.due(
        words_before=retention.before(retention.content_days, now=now),
        measures_before=retention.before(retention.measures_days, now=now),
    )
    before = retention.before(retention.conversations_days, now=now)
    if before is not None:
        with holdings.records.read() as tx:
            found["conversations"] = tx.retention.count_due(before=before)
    return as_numbers(found)


def apply(
    holdings: Holdings, retention: Retention, *, now: datetime, may_go_on: Callable[[], bool] = lambda: True
) -> dict[str, int]:
    """Remove what is over; stops between two portions when ``may_go_on`` says no, and the next time does the rest."""
    removed: Counter[str] = Counter()
    if (before := retention.before(retention.conversations_days, now=now)) is not None:
        while may_go_on():
            with holdings.records.begin() as tx:
                ids = tx.retention.due(before=before, limit=PORTION)
                removed += tx.retention.remove(ids)
            if len(ids) < PORTION:
                break
            time.sleep(_PAUSE_S)
    if (before := retention.before(retention.content_days, now=now)) is not None and may_go_on():
        removed += holdings.traces.remove_words(before=before)
        at = before.timestamp()
        removed["files of lines set aside"] += sum(
            remove_old_files(folder, before=at, pattern="*.jsonl") for folder in holdings.aside
        )
        removed["exports"] += remove_old_files(holdings.exports, before=at, pattern="*.zip")
    if (before := retention.before(retention.measures_days, now=now)) is not None and may_go_on():
        removed += holdings.traces.remove_measures(before=before)
    return as_numbers(removed)
