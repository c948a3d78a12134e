"""The help desk over HTTP, by the contract in docs/connectors.md.

A POST carries our key, so trying again is safe where the help desk heeds it. Redirects are not followed, proxies of the
environment are not used, and no more of an answer is read than a ticket needs.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx2
import structlog
from pydantic import BaseModel, ValidationError

from triage.connectors.tickets import HelpDeskTicket
from triage.domain import Ticket
from triage.errors import OutcomeUnknown, OutsideUnavailable, ToolError

# A person may wait for the run: no try begins after so long, and each one may last less.
LONGEST_S = 25.0
TIMEOUT_S = 8.0
CONNECT_TIMEOUT_S = 3.0
WAITS_S = (0.5, 2.0, 5.0)
MAX_ANSWER_BYTES = 64 * 1024
MAX_ID_CHARS = 100
MAX_URL_CHARS = 2000
# A key that no call can have.
NO_KEY = "K-DOCTOR"
_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_GO_ON = "Do not call this again; say that a colleague looks after it, and set requires_human."

log = structlog.get_logger(__name__)


class _Created(BaseModel):
    """What a help desk answers about one ticket; it may say more."""

    id: str | int
    url: str | None = None
    external_id: str | None = None


class _Found(BaseModel):
    tickets: list[_Created]


@dataclass(frozen=True)
class _Try:
    """What came of one request: an answer, or none and whether the help desk may have got it."""

    status: int | None = None
    body: bytes = b""
    retry_after_s: float | None = None
    may_have_arrived: bool = False

    @property
    def is_success(self) -> bool:
        return self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_worth_another(self) -> bool:
        again = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT)
        return self.status is None or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR or self.status in again


class HttpHelpDesk:
    """A help desk that speaks the contract; one object serves every thread."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None,
        console_url: str,
        timeout_s: float = TIMEOUT_S,
        longest_s: float = LONGEST_S,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = f"{url.rstrip('/')}/tickets"
        self._headers = {"user-agent": "triage-console", "accept": "application/json"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        self._console_url = console_url
        self._timeout = httpx2.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S)
        self._longest_s = longest_s
        self._wait = wait

    def create(self, ticket: Ticket, *, key: str, customer_email: str | None) -> HelpDeskTicket:
        """Create a ticket, or return the one that the key made before; see ``HelpDesk.create``."""
        tries = self._post(self._body(ticket, key=key, customer_email=customer_email), key=key)
        last = tries[-1]
        if last.is_success:
            made = _read_created(last.body)
            if made is not None:
                return made
        arrived = last.is_success or any(each.may_have_arrived for each in tries)
        if arrived or last.status == HTTPStatus.CONFLICT:
            found = self._settle(key, is_certain=not arrived)
            if found is not None:
                return found
        log.warning("help_desk_took_no_ticket", status=last.status, tries=len(tries), key=key)
        if last.is_success or any(each.status is None and each.may_have_arrived for each in tries):
            # It may still be at work on what it got, so that it has nothing now says nothing about later.
            raise OutcomeUnknown("The help desk did not say whether it took the ticket.")
        raise ToolError(_refusal(last))

    def find(self, key: str) -> HelpDeskTicket | None:
        """Return the ticket that a key made, or None; see ``HelpDesk.find``."""
        with self._client() as client:
            answer = self._request(client, "GET", params={"external_id": key})
        if not answer.is_success:
            raise OutsideUnavailable(f"{_why_not(answer)} Ask again later, or look there for the key {key}.")
        try:
            listed = _Found.model_validate_json(answer.body).tickets
        except ValidationError:
            raise OutsideUnavailable(
                f"What the help desk answers cannot be read. Look there for the key {key}."
            ) from None
        mine = next((each for each in listed if each.external_id == key), None)
        return None if mine is None else _ticket_of(mine)

    def check(self) -> str:
        """Say whether the help desk answers.

        Raises:
            OutsideUnavailable: it does not, or not as the contract says.
        """
        self.find(NO_KEY)
        return f"The help desk at {urlsplit(self._url).netloc} answers."

    def _settle(self, key: str, *, is_certain: bool) -> HelpDeskTicket | None:
        try:
            return self.find(key)
        except OutsideUnavailable:
            if is_certain:
                return None
            raise OutcomeUnknown("The help desk did not say whether it took the ticket.") from None

    def _body(self, ticket: Ticket, *, key: str, customer_email: str | None) -> dict[str, Any]:
        return {
            "external_id": key,
            "reference": ticket.id,
            "title": ticket.title,
            "description": ticket.description,
            "priority": ticket.priority.value,
            "category": ticket.category.value,
            "requester_email": customer_email,
            "conversation_id": ticket.conversation_id,
            "link": f"{self._console_url}/?run={ticket.run_id}",
        }

    def _post(self, body: dict[str, Any], *, key: str) -> list[_Try]:
        """Post until there is an answer that counts, or the time is over; return all tries."""
        ends_at = time.monotonic() + self._longest_s
        tries: list[_Try] = []
        # With everything beyond ASCII escaped even half a character, which models write at times, can be sent.
        content = json.dumps(body).encode()
        headers = {"idempotency-key": key, "content-type": "application/json"}
        with self._client() as client:
            for wait_s in (*WAITS_S, None):
                tries.append(self._request(client, "POST", content=content, headers=headers))
                if wait_s is None or not tries[-1].is_worth_another:
                    break
                pause = max(wait_s * random.uniform(0.75, 1.25), tries[-1].retry_after_s or 0.0)  # noqa: S311 - spreads tries
                if time.monotonic() + pause >= ends_at:
                    break
                self._wait(pause)
        return tries

    def _client(self) -> httpx2.Client:
        return httpx2.Client(timeout=self._timeout, headers=self._headers, follow_redirects=False, trust_env=False)

    def _request(self, client: httpx2.Client, method: str, **given: Any) -> _Try:
        try:
            with client.stream(method, self._url, **given) as response:
                return _Try(
                    status=response.status_code,
                    body=_beginning(response),
                    retry_after_s=_retry_after(response.headers.get("retry-after", "")),
                    may_have_arrived=response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR,
                )
        except _UNSENT:
            return _Try()
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
            return _Try(may_have_arrived=True)


def _beginning(response: httpx2.Response) -> bytes:
    """Return what was answered, up to what a ticket may need: an answer without an end must not fill the memory."""
    body = bytearray()
    ends_at = time.monotonic() + LONGEST_S
    for piece in response.iter_bytes():
        body += piece
        if len(body) > MAX_ANSWER_BYTES or time.monotonic() > ends_at:
            return b""
    return bytes(body)


def _retry_after(text: str) -> float | None:
    return float(text[:6]) if text.isascii() and text.isdigit() else None


def _read_created(body: bytes) -> HelpDeskTicket | None:
    try:
        return _ticket_of(_Created.model_validate_json(body))
    except (ValidationError, OutsideUnavailable):
        return None


def _ticket_of(said: _Created) -> HelpDeskTicket:
    id_ = str(said.id).strip()
    if not id_ or len(id_) > MAX_ID_CHARS or not id_.isprintable():
        raise OutsideUnavailable("The help desk answers with an id that cannot be used. Check what it answers.")
    return HelpDeskTicket(id=id_, url=openable(said.url))


def openable(url: str | None) -> str | None:
    """Return an address that a person may be led to: http or https, without a user name, blanks or unseen signs."""
    if url is None or len(url) > MAX_URL_CHARS or not url.isprintable() or any(char.isspace() for char in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    return url if is_web and "@" not in parts.netloc else None


def _refusal(last: _Try) -> str:
    return f"{_why_not(last)} No ticket was created. {_GO_ON}"


def _why_not(answer: _Try) -> str:
    """Say why the help desk did not do it, without its words: they may quote the customer, or tell a model to act."""
    status = answer.status
    if status is None:
        return "The help desk cannot be reached (TRIAGE_HELPDESK_URL)."
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"The help desk does not let the console in (it answered {status}; check TRIAGE_HELPDESK_TOKEN)."
    if status == HTTPStatus.NOT_FOUND:
        return "There is no help desk at this address (it answered 404; check TRIAGE_HELPDESK_URL)."
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"The help desk leads somewhere else (it answered {status}), which is not followed; name that address."
    if answer.is_worth_another:
        return f"The help desk does not work at the moment (it answered {status})."
    return f"The help desk refused the ticket (it answered {status})."
