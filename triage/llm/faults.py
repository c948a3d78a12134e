"""What went wrong with a model call, and whether the same model, the next one or nobody should be asked again."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from json import JSONDecodeError
from typing import Any

from aiohttp import ClientConnectionError
from httpx2 import RequestError, TimeoutException
from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError
from pydantic import ValidationError

from triage.errors import ModelRequestError

LONGEST_WAIT_S = 30.0
KEY_REFUSED = "key refused"
"""What the reason begins with where only another key helps."""

_PASSING_STATUSES = frozenset({408, 409, 425, 429})
_UNUSABLE_STATUSES = frozenset({401, 402, 403, 404, 405, 407, 410})
_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_UNKNOWN_MODEL_CODES = frozenset({"model_not_found", "DeploymentNotFound"})
_REQUEST_CODES = frozenset(
    {"context_length_exceeded", "invalid_prompt", "string_above_max_length", "invalid_request_error"}
)
_TOO_LONG_CODES = frozenset({"context_length_exceeded", "string_above_max_length"})

# The first that fits counts: an unknown certificate is an error of TLS, too.
_WHY_LOST: dict[type[BaseException], str] = {
    ssl.SSLCertVerificationError: "certificate not trusted",
    ssl.SSLError: "no secure connection",
    socket.gaierror: "host name not found",
    ConnectionRefusedError: "refused",
}


class ModelFault(Exception):  # noqa: N818 - a fault is what the chain works on, not an error that leaves it
    """A model did not answer.

    ``reason`` is for people and holds nothing of the request or the answer. ``is_passing`` says that the same model may
    answer a moment later; ``retry_after_s`` is the wait that the server asked for.
    """

    def __init__(self, reason: str, *, is_passing: bool, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_passing = is_passing
        self.retry_after_s = retry_after_s


def fault_of(error: Exception) -> ModelFault | ModelRequestError | None:
    """Translate what a provider raised; None means that it is no outage and has to reach the caller as it is."""
    if isinstance(error, APIStatusError):
        return _fault_of_status(error)
    if (lost := fault_of_connection(error)) is not None:
        return lost
    if isinstance(error, APIError):
        return _fault_of_code(error.code)
    # Readers of JSON end in a RecursionError where brackets are nested without end.
    if isinstance(error, JSONDecodeError | UnicodeDecodeError | ValidationError | RecursionError):
        return ModelFault("unreadable stream", is_passing=True)
    return None


def fault_of_connection(error: Exception) -> ModelFault | None:
    """Translate a connection that failed or fell silent; None for what a server itself has said."""
    # The client leaves its transport's errors as they are where the rest of an answer with an error status is missing.
    if isinstance(error, APITimeoutError | TimeoutError | TimeoutException) and not is_lost_connection(error):
        return ModelFault("no answer in time", is_passing=True)
    if isinstance(error, APIConnectionError | RequestError):
        return ModelFault(f"connection failed{why_lost(error)}", is_passing=True)
    return None


@contextmanager
def called_by_name() -> Iterator[None]:
    """Call a failed connection by its reason while its span is open: the client says "Connection error." of all.

    Raises:
        ModelFault: the connection failed; its reason holds no address and nothing of the request.
    """
    try:
        yield
    except Exception as error:
        if (fault := fault_of_connection(error)) is None:
            raise
        raise fault from error


def is_lost_connection(error: BaseException | None) -> bool:
    """Whether a connection failed and no time ran out; the client's transport calls both a timeout."""
    while error is not None and not isinstance(error, ClientConnectionError):
        error = error.__cause__
    return error is not None and not isinstance(error, TimeoutError)


def why_lost(error: BaseException | None) -> str:
    """Say in brackets why there is no connection, where that is known and helps; an empty text otherwise."""
    while error is not None:
        for kind, why in _WHY_LOST.items():
            if isinstance(error, kind):
                return f" ({why})"
        error = error.__cause__ or error.__context__
    return ""


def fault_of_event(event: object) -> ModelFault | ModelRequestError | None:
    """Translate a stream event that tells of a failure; None for every other event."""
    kind = getattr(event, "type", None)
    if kind == "response.failed":
        error = getattr(getattr(event, "response", None), "error", None)
        return _fault_of_code(getattr(error, "code", None))
    if kind in {"error", "response.error"}:
        return _fault_of_code(getattr(event, "code", None))
    return None


def _fault_of_status(error: APIStatusError) -> ModelFault | ModelRequestError:
    status, code = error.status_code, _word(error.code)
    if code in _QUOTA_CODES:
        return ModelFault(f"quota used up ({status})", is_passing=False)
    if status in _PASSING_STATUSES or status >= 500:  # noqa: PLR2004 - the HTTP class of server errors
        name = "rate limited" if status == 429 else "server error"  # noqa: PLR2004 - the HTTP status itself
        wait_s = _retry_after_s(error.response.headers)
        is_short = wait_s is None or wait_s <= LONGEST_WAIT_S
        return ModelFault(f"{name} ({status})", is_passing=is_short, retry_after_s=wait_s)
    if status in {401, 403}:
        return ModelFault(f"{KEY_REFUSED} ({status})", is_passing=False)
    if status in _UNUSABLE_STATUSES or code in _UNKNOWN_MODEL_CODES:
        return ModelFault(f"model or address unknown ({status})", is_passing=False)
    return _refused_request(str(status), code)


def _fault_of_code(code: object) -> ModelFault | ModelRequestError:
    """Translate a failure that came inside a stream, where there is a code instead of an HTTP status."""
    code = _word(code)
    if code in _REQUEST_CODES:
        return _refused_request("in the stream", code)
    if code in _QUOTA_CODES:
        return ModelFault("quota used up", is_passing=False)
    if code == "rate_limit_exceeded":
        return ModelFault("rate limited", is_passing=True)
    return ModelFault("the model failed", is_passing=True)


def _word(code: object) -> str | None:
    """Return a code that is a word; servers send numbers and objects, too."""
    return code if isinstance(code, str) else None


def _refused_request(where: str, code: str | None) -> ModelRequestError:
    """Say what was refused by status and code only, because a server's own sentence can repeat the request."""
    if code in _TOO_LONG_CODES:
        return ModelRequestError(
            "The request is too long for the model; shorten the message or start a new conversation."
        )
    known = f"{where}, {code}" if code in _REQUEST_CODES else where
    return ModelRequestError(
        f"The model endpoint refused the request ({known}); check the model's name and its abilities."
    )


def _retry_after_s(headers: Mapping[str, Any]) -> float | None:
    """Read the wait in seconds that a server asks for, given in milliseconds, in seconds or as a date."""
    milliseconds = headers.get("retry-after-ms")
    value = headers.get("retry-after")
    try:
        if milliseconds is not None:
            return max(float(milliseconds) / 1000, 0.0)
        if value is None:
            return None
        if value.strip().replace(".", "", 1).isdigit():
            return float(value)
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None
