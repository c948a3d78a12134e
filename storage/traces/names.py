"""The agents, models, tools and guardrails that ever occurred."""

from __future__ import annotations

from storage.traces.store import TraceStore


def list_names(store: TraceStore, kind: str) -> list[str]:
    """Return the names of a kind (agent, tool or guardrail) that ever occurred, in alphabetical order."""
    return [name for (name,) in store.rows("select name from names where kind = ? order by name", [kind])]


def models_by_first_use(store: TraceStore) -> list[str]:
    """Return every model that was ever called, the first one first: an order that later models leave as it is."""
    found = store.rows("select name from names where kind = 'model' order by first_at, name")
    return [name for (name,) in found]
