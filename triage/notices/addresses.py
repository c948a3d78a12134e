"""Where notices may go: not to this machine and not into the network around it, unless a setting names the host.

An administrator of the console is not one of the network. Without this check a webhook could be pointed at a service
that trusts its neighbours, such as the one in which clouds keep a machine's credentials.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from triage.errors import InvalidInput

MAX_URL_CHARS = 2000
Resolve = Callable[[str, int], Awaitable[list[str]]]
# Gateways translate the last 32 bits of these into an IPv4 address.
_NAT64 = ip_network("64:ff9b::/96")
# What some versions of Python take for public: addresses of protocols and of local translators, and the one by which
# machines in Azure reach their host.
_INTERNAL_TOO = tuple(ip_network(each) for each in ("192.0.0.0/24", "64:ff9b:1::/48", "168.63.129.16/32"))


class Refused(Exception):  # noqa: N818 - said to a person, not an error of the program
    """A notice may not go to this address; the message is a sentence."""


def check_url(url: str, *, allow: Collection[str]) -> str:
    """Return the address of a new webhook without blanks around it.

    Raises:
        InvalidInput: it is no web address, says who signs in, is not encrypted, or is an internal one.
    """
    text = url.strip()
    try:
        parsed = urlsplit(text)
        is_web = parsed.scheme in {"http", "https"} and bool(parsed.hostname) and parsed.port != 0
    except ValueError:
        is_web = False
    if not is_web or len(text) > MAX_URL_CHARS or any(char.isspace() for char in text):
        raise InvalidInput("The address is not one. Write it like https://example.com/hooks/triage.")
    if "@" in parsed.netloc or "#" in text:
        raise InvalidInput("Write the address without a user name, password or #: the signature says who sends.")
    host = parsed.hostname or ""
    if is_allowed(host, allow):
        return text
    if parsed.scheme != "https":
        raise InvalidInput("The address must begin with https, because notices name customers' orders and amounts.")
    try:
        address = ip_address(host)
    except ValueError:
        return text
    if is_internal(address):
        raise InvalidInput(_internal(host))
    return text


async def open_addresses(host: str, port: int, *, allow: Collection[str], resolve: Resolve) -> list[str]:
    """Return the IP addresses of a host to which a notice may go, asked for now.

    The connection has to be made to one of these: a name can lead somewhere else at the next question.

    Raises:
        Refused: one of its addresses is internal and the host is not allowed, or it has none.
    """
    try:
        found = await resolve(host, port)
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise Refused("The host's name is not known.")
    if not is_allowed(host, allow) and any(is_internal(ip_address(address.partition("%")[0])) for address in found):
        raise Refused(_internal(host))
    return found


async def ask_system(host: str, port: int) -> list[str]:
    """Return the addresses that the system knows of a host, those of IPv4 first, each once."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    ordered = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
    return list(dict.fromkeys(str(entry[4][0]) for entry in ordered))


def is_allowed(host: str, allow: Collection[str]) -> bool:
    """Whether the setting names this host."""
    return _bare(host) in {_bare(name) for name in allow}


def is_internal(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is not one of the public internet; one that hides another is judged by that."""
    if isinstance(address, IPv6Address):
        hidden = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            hidden = IPv4Address(int(address) & 0xFFFF_FFFF)
        if hidden:
            return is_internal(hidden)
    if any(address in network for network in _INTERNAL_TOO):
        return True
    return not address.is_global or address.is_multicast or address.is_reserved


def _bare(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").lower()


def _internal(host: str) -> str:
    return f"{host} is inside a network of your own. If notices may go there, name the host in TRIAGE_WEBHOOK_ALLOW."
