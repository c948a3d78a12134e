"""One served desk for the attacks of a module; it and its clients are those of the API's tests."""

from __future__ import annotations

from tests.api.conftest import desk, helpdesk, monitor, reviews

__all__ = ["desk", "helpdesk", "monitor", "reviews"]
