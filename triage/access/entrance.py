"""How people come in: by sign-in, through a proxy that signs them in, or in local mode; checked before the start."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from triage.errors import SettingsError
from triage.hosts import allowed_hosts, is_answered
from triage.settings import Settings

CALLBACK = "/oauth2callback"
SHORTEST_SECRET = 32
_FEWEST_CHARACTERS = 10
# Words of examples: a secret that has one was copied and not made.
_PLACEHOLDERS = ("change", "replace", "your", "example", "placeholder", "secret", "password", "random", "<", "…")
_MAKE_ONE = 'Make one with: python -c "import secrets; print(secrets.token_urlsafe(32))"'
_OF_PROVIDER = ("client_id", "client_secret", "server_metadata_url")


class Mode(StrEnum):
    """Who says who somebody is."""

    LOCAL = "local"
    SIGN_IN = "sign-in"
    PROXY = "proxy"


class Entrance(NamedTuple):
    """How people come in. ``providers`` are the names for ``st.login``, None the one without a name.

    ``is_https`` is whether people reach the console over HTTPS, so that cookies need not travel otherwise.
    """

    mode: Mode
    providers: tuple[str | None, ...] = ()
    identity_headers: tuple[str, ...] = ()
    is_https: bool = False


LOCAL = Entrance(Mode.LOCAL)


def read_entrance(auth: Mapping[str, Any], *, headers: Mapping[str, str], settings: Settings) -> Entrance:
    """Return how people come in, from Streamlit's section [auth] and its trusted headers.

    Raises:
        SettingsError: what is configured would let nobody in, or somebody who should not be.
    """
    if auth and headers:
        raise SettingsError(
            "Both [auth] in .streamlit/secrets.toml and server.trustedUserHeaders are set, and headers would count "
            "before a sign-in: choose one."
        )
    is_https = urlsplit(settings.console_url).scheme == "https"
    if not auth and not headers:
        return LOCAL._replace(is_https=is_https)
    if settings.people_file is None and not (settings.role_claim and settings.role_map):
        raise SettingsError(
            "Sign-in is set up, and nobody has a role: set TRIAGE_PEOPLE, or TRIAGE_ROLE_CLAIM and TRIAGE_ROLE_MAP."
        )
    if headers:
        return _read_proxy(headers, settings=settings, is_https=is_https)
    _check_cookie_secret(auth.get("cookie_secret"))
    address = _check_redirect(auth.get("redirect_uri"), allowed=allowed_hosts(settings))
    sections = {name: part for name, part in auth.items() if isinstance(part, Mapping) and name != "client_kwargs"}
    providers: list[tuple[str | None, Mapping[str, Any]]] = [*sections.items()] or [(None, auth)]
    for name, section in providers:
        _check_provider(name, section)
    return Entrance(
        Mode.SIGN_IN, providers=tuple(name for name, _ in providers), is_https=urlsplit(address).scheme == "https"
    )


def require_protection(*, cors: bool, xsrf: bool) -> None:
    """Refuse to start with Streamlit's own protection switched off.

    Raises:
        SettingsError: pages of others could act as whoever has the console open.
    """
    for name, is_on in (("server.enableCORS", cors), ("server.enableXsrfProtection", xsrf)):
        if not is_on:
            raise SettingsError(
                f"{name} is switched off, so pages of others could act as whoever has the console open: leave it out."
            )


def require_no_secrets(files: Iterable[str], *, is_named: bool) -> None:
    """Refuse to start in local mode where there is a file of secrets that could not be read.

    Raises:
        SettingsError: one of ``files`` exists, or they were named and do not exist.
    """
    for file in files:
        if is_named or Path(file).exists():
            raise SettingsError(f"The file of secrets {file} is missing or cannot be read as TOML; mend or remove it.")


def _read_proxy(headers: Mapping[str, str], *, settings: Settings, is_https: bool) -> Entrance:
    if "email" not in headers.values():
        raise SettingsError('server.trustedUserHeaders has to map one header to "email": people are known by it.')
    if settings.proxy_secret is None:
        raise SettingsError(
            "server.trustedUserHeaders is set, and anybody who reaches this port could send such a header: set "
            f"TRIAGE_PROXY_SECRET, and let the proxy send it in the header X-Triage-Proxy. {_MAKE_ONE}"
        )
    if (weakness := _weakness(settings.proxy_secret.get_secret_value())) is not None:
        raise SettingsError(f"TRIAGE_PROXY_SECRET {weakness}. {_MAKE_ONE}")
    return Entrance(Mode.PROXY, identity_headers=tuple(name.lower() for name in headers), is_https=is_https)


def _check_cookie_secret(secret: Any) -> None:
    if not isinstance(secret, str) or not secret:
        raise SettingsError(f"cookie_secret is missing in [auth] of .streamlit/secrets.toml. {_MAKE_ONE}")
    if (weakness := _weakness(secret)) is not None:
        raise SettingsError(
            f"cookie_secret in [auth] of .streamlit/secrets.toml {weakness}; whoever guesses it is anybody. {_MAKE_ONE}"
        )


def _weakness(secret: str) -> str | None:
    """Return what is wrong with a secret, after its name, or None."""
    if len(secret) < SHORTEST_SECRET:
        return f"is shorter than {SHORTEST_SECRET} characters"
    if any(word in secret.lower() for word in _PLACEHOLDERS) or len(set(secret)) < _FEWEST_CHARACTERS:
        return "was not made at random"
    return None


def _check_redirect(address: Any, *, allowed: Collection[str]) -> str:
    """Return the address to which the provider sends people back, if it can be the console's."""
    named = "redirect_uri in [auth] of .streamlit/secrets.toml"
    if not isinstance(address, str) or not address.endswith(CALLBACK):
        raise SettingsError(f"{named} has to be the address of this console with {CALLBACK} at its end.")
    try:
        parts = urlsplit(address)
        host = parts.netloc.replace("{port}", "1")
        is_ours = parts.scheme in ("http", "https") and is_answered(host, allowed=allowed)
    except ValueError:
        is_ours = False
    if not is_ours:
        raise SettingsError(f"{named} has a host under which this console does not answer: set TRIAGE_CONSOLE_URL.")
    if parts.scheme == "http" and not _is_this_machine(urlsplit(f"//{host}").hostname or ""):
        raise SettingsError(f"{named} begins with http, so others on the network could read along: use https.")
    return address


def _check_provider(name: str | None, section: Mapping[str, Any]) -> None:
    place = f"[auth.{name}]" if name else "[auth]"
    for key in _OF_PROVIDER:
        value = section.get(key)
        if not isinstance(value, str) or not value.strip() or "<" in value or value.strip("x.") == "":
            raise SettingsError(
                f"{key} is missing in {place} of .streamlit/secrets.toml; your provider gives it to you."
            )
    if name and "_" in name:
        raise SettingsError(f"The name of {place} in .streamlit/secrets.toml must not have an underscore.")
    metadata = urlsplit(section["server_metadata_url"])
    if metadata.scheme != "https" and not (metadata.scheme == "http" and _is_this_machine(metadata.hostname or "")):
        raise SettingsError(f"server_metadata_url in {place} of .streamlit/secrets.toml has to begin with https.")


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
