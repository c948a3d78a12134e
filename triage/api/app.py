"""The HTTP side of the console: for now whether it is alive and ready."""

from __future__ import annotations

from fastapi import FastAPI


def build_api() -> FastAPI:
    """Return the API as an ASGI app, mounted at ``/api``."""
    api = FastAPI(title="Triage console", docs_url=None, redoc_url=None)

    @api.get("/health")
    def health() -> dict[str, str]:
        """Say that the process serves requests."""
        return {"status": "ok"}

    return api
