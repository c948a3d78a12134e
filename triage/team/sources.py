"""Where the team gets its models and articles from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from agents import Model

from triage.llm.names import ModelRole


class ModelSource(Protocol):
    """Gives each role of the team its model."""

    def for_role(self, role: ModelRole, /) -> Model:
        """Return the model of a role."""


class FoundPassage(Protocol):
    """A piece of an article that matches a query."""

    @property
    def article_id(self) -> str:
        """Id of the article."""

    @property
    def title(self) -> str:
        """Title of the article."""

    @property
    def section(self) -> str:
        """Section of the article."""

    @property
    def url(self) -> str:
        """Where the customer can read it."""

    @property
    def excerpt(self) -> str:
        """The best paragraph, at most 500 characters."""


class ArticleSearch(Protocol):
    """Searches the knowledge base."""

    def search(self, query: str, max_results: int = 5) -> Sequence[FoundPassage]:
        """Return the best passages first; empty when nothing matches."""
