"""Opens the connectors that the settings name."""

from __future__ import annotations

from triage.connectors.help_desk import HttpHelpDesk
from triage.settings import Settings


def open_help_desk(settings: Settings) -> HttpHelpDesk | None:
    """Return the help desk, None where no settings name one; nothing is sent before the first ticket."""
    if settings.help_desk_url is None:
        return None
    token = settings.help_desk_token.get_secret_value() if settings.help_desk_token else None
    return HttpHelpDesk(settings.help_desk_url, token=token, console_url=settings.console_url)
