"""Sends one request to the collector and says what came of it."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Literal

import httpx2
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

TIMEOUT_S = 10.0
LONGEST_WAIT_S = 300.0
_MAX_ANSWER_BYTES = 64 * 1024
# The request itself is at fault: the same one will not be taken later either.
_REFUSALS = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    }
)
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a try; ``problem`` says why it failed, without the address and the headers.

    ``rejected`` are spans that the collector left out of a request that it took.
    """

    kind: Literal["taken", "refused", "later"]
    problem: str = ""
    rejected: int = 0
    retry_after_s: float | None = None


class Collector:
    """The collector behind an address that the operator named; no proxies and no redirects."""

    def __init__(self, url: str, *, headers: Mapping[str, str] = _NO_HEADERS, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url
        self._client = httpx2.Client(
            headers={
                "user-agent": "triage-console",
                **headers,
                "content-type": "application/x-protobuf",
                "content-encoding": "gzip",
            },
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
        )

    def send(self, request: ExportTraceServiceRequest) -> Outcome:
        """Send a request; never raises for what a network or a collector does."""
        body = gzip.compress(request.SerializeToString(), compresslevel=1)
        try:
            with self._client.stream("POST", self._url, content=body) as response:
                return _outcome_of(response)
        except httpx2.TimeoutException:
            return Outcome(kind="later", problem="It did not answer in time.")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            # Its text may quote the address, which may hold a key.
            return Outcome(kind="later", problem=f"The connection failed ({type(error).__name__}).")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _outcome_of(response: httpx2.Response) -> Outcome:
    status = response.status_code
    if response.is_success:
        return _taken(response)
    if status in _REFUSALS:
        return Outcome(kind="refused", problem=f"It answered {status}.")
    if response.is_redirect:
        return Outcome(kind="later", problem=f"It answered {status}: redirects are not followed.")
    after = response.headers.get("retry-after", "")
    wait_s = float(after[:9]) if after.isascii() and after.isdigit() else None
    return Outcome(
        kind="later",
        problem=f"It answered {status}.",
        retry_after_s=None if wait_s is None else min(wait_s, LONGEST_WAIT_S),
    )


def _taken(response: httpx2.Response) -> Outcome:
    """Read how many spans of the request were left out, as far as the answer says so."""
    answer = _start_of(response.iter_bytes())
    try:
        partial = ExportTraceServiceResponse.FromString(answer).partial_success
    except DecodeError:
        return Outcome(kind="taken")
    return Outcome(kind="taken", rejected=max(0, partial.rejected_spans))


def _start_of(pieces: Iterable[bytes]) -> bytes:
    """Return as much of an answer as a sensible one has."""
    answer = b""
    for piece in pieces:
        answer += piece
        if len(answer) > _MAX_ANSWER_BYTES:
            break
    return answer[:_MAX_ANSWER_BYTES]
