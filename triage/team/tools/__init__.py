"""The tools of the team, one module per area; each is built over the records or the knowledge base."""

from __future__ import annotations
