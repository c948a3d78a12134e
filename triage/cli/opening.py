"""Opening the services for the length of a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from triage.domain import Actor, Role
from triage.services import Services, open_services
from triage.settings import load_settings

COMMAND_LINE = Actor(name="command line", role=Role.ADMIN)
"""Who acts: whoever can run commands on the data folder can read and write its files anyway."""


@contextmanager
def services_of_command(*, own: bool | None = False, kind: str = "command line") -> Iterator[Services]:
    """Open the services, and close them at the end of the block; by default work is only handed over."""
    services = open_services(load_settings(), kind=kind, own=own)
    try:
        yield services
    finally:
        services.close()
