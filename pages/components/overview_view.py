"""What every part of the overview needs besides its figures: the range, the filters, the colours, the addresses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from pages.components.charts import Address, bucket_words, model_colours
from pages.components.measure_filters import CATEGORIES
from pages.components.time_range import RANGES, ChosenRange
from pages.components.trace_address import traces_address
from triage.domain.traces import MeasureFilter, TimeRange, TraceFilter

_CATEGORY_NAMES = {value: name for name, value in CATEGORIES.items()}


@dataclass(frozen=True)
class View:
    """What the page shows; ``models`` are all of them in the order of their first use."""

    range: ChosenRange
    chosen: MeasureFilter
    models: tuple[str, ...]

    @cached_property
    def colours(self) -> dict[str, str]:
        """The colour of each model."""
        return model_colours(self.models)

    @property
    def unit(self) -> str:
        """What one bar stands for."""
        return self.range.unit

    @property
    def step(self) -> timedelta:
        """How long one bar is."""
        return self.range.step

    def when(self, at: datetime) -> str:
        """Return when a bucket begins."""
        return bucket_words(at, self.step)

    def address(self, *, at: datetime | None = None, **narrow: Any) -> Address:
        """Return the address of the traces that the page counts, of the range or of the bucket ``at``.

        ``narrow`` are further fields of ``TraceFilter``, which take the place of the page's own filters.
        """
        whole = self.range.time_range
        custom = None if self.range.name in RANGES else whole
        if at is not None:
            custom = TimeRange(start=max(at, whole.start), end=min(at + self.step, whole.end))
        own = {
            "models": self.chosen.models,
            "agents": self.chosen.agents,
            "categories": self.chosen.categories,
            "customer": self.chosen.customer,
        }
        wanted = TraceFilter(**{**own, **narrow}, time_range=custom)
        return dict(traces_address(wanted, period=None if custom else self.range.name))

    def links(self, field: str, values: Iterable[str | None]) -> list[tuple[str, Address]]:
        """Return a link for each value of one field of ``TraceFilter``."""
        return [
            (_CATEGORY_NAMES.get(value, value), self.address(**{field: value if field == "customer" else (value,)}))
            for value in values
            if value
        ]
