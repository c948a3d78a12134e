"""Sends one notice over HTTP and says what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httpx2

from triage.notices.addresses import Refused, Resolve, ask_system, open_addresses

TIMEOUT_S = 10.0
# A name may have several addresses; one that does not answer leaves time for the next.
_CONNECT_TIMEOUT_S = 3.0
_MAX_ADDRESSES = 3


@dataclass(frozen=True)
class Outcome:
    """What came of a try: ``error`` is None when the receiver took it.

    ``is_gone`` says that the receiver wants no more, ``retry_after_s`` when it wants to be asked again.
    """

    error: str | None = None
    is_gone: bool = False
    retry_after_s: int | None = None


async def send(
    client: httpx2.AsyncClient,
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    allow: Collection[str],
    resolve: Resolve = ask_system,
    timeout_s: float = TIMEOUT_S,
) -> Outcome:
    """Send a notice to the address behind ``url`` as it is now; never raises for what a receiver does."""
    try:
        async with asyncio.timeout(timeout_s):
            return await _post(client, httpx2.URL(url), body=body, headers=headers, allow=allow, resolve=resolve)
    except TimeoutError:
        return Outcome(f"No answer within {timeout_s:g} s.")
    except Refused as error:
        return Outcome(str(error))
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        # Its text may quote the address, which may be a secret.
        return Outcome(f"The connection failed ({type(error).__name__}).")


def new_client() -> httpx2.AsyncClient:
    """Return a client for one round: no redirects, and no proxy or password from the environment."""
    timeout = httpx2.Timeout(TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    return httpx2.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)


async def _post(
    client: httpx2.AsyncClient,
    url: httpx2.URL,
    *,
    body: bytes,
    headers: Mapping[str, str],
    allow: Collection[str],
    resolve: Resolve,
) -> Outcome:
    port = url.port or (443 if url.scheme == "https" else 80)
    addresses = (await open_addresses(url.host, port, allow=allow, resolve=resolve))[:_MAX_ADDRESSES]
    for address in addresses[:-1]:
        try:
            return await _post_to(client, url, address, body=body, headers=headers)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            continue
    return await _post_to(client, url, addresses[-1], body=body, headers=headers)


async def _post_to(
    client: httpx2.AsyncClient, url: httpx2.URL, address: str, *, body: bytes, headers: Mapping[str, str]
) -> Outcome:
    """Send to the very address that was checked; the certificate has to be the name's."""
    request = client.build_request(
        "POST",
        url.copy_with(host=address),
        content=body,
        headers={**headers, "host": url.netloc.decode("ascii"), "content-type": "application/json; charset=utf-8"},
        extensions={"sni_hostname": url.raw_host.decode("ascii")},
    )
    response = await client.send(request, stream=True)
    # What it answers with is not read: it says nothing to us and may have no end.
    await response.aclose()
    return _outcome_of(response)


def _outcome_of(response: httpx2.Response) -> Outcome:
    status = response.status_code
    if response.is_success:
        return Outcome()
    if status == HTTPStatus.GONE:
        return Outcome("It answered 410: it wants no more notices.", is_gone=True)
    if response.is_redirect:
        return Outcome(f"It answered {status}: redirects are not followed; add the address where it leads.")
    after = response.headers.get("retry-after", "")
    return Outcome(
        f"It answered {status}.", retry_after_s=int(after[:9]) if after.isascii() and after.isdigit() else None
    )
