"""A made-up history of a support desk, the same for the same seed: runs, spans and their words in bulk.

``generate`` yields it in the order in which an ingest would have brought it, as tables with the columns of the store;
``write`` puts it into a store. A million spans take well under a minute, because nothing is done span by span.
"""

from __future__ import annotations

from bench.history.generate import HistoryPart, Plan, generate, write

__all__ = ["HistoryPart", "Plan", "generate", "write"]
