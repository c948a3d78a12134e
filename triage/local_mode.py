"""Local mode: nobody signs in, so nobody but the people at this machine may reach the console."""

from __future__ import annotations

from ipaddress import ip_address

from triage.errors import SettingsError


def require_loopback(address: str | None) -> None:
    """Refuse to listen on an address that other machines reach; None listens on all of them.

    Raises:
        SettingsError: the address is no loopback address (127.0.0.0/8, ::1 or localhost).
    """
    if address is not None and _is_loopback(address.strip()):
        return
    raise SettingsError(
        f"It has no sign-in, so it listens on this machine only, and {address or 'every address'} can be reached from "
        "others: leave --server.address and STREAMLIT_SERVER_ADDRESS out, or set 127.0.0.1."
    )


def _is_loopback(address: str) -> bool:
    if address.lower() == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
