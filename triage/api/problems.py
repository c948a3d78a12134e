"""What goes wrong, told as problem details (RFC 9457): every error of the API has this one shape.

A problem says what to do and never holds what was sent: no message, no arguments, no stack trace, no token.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from triage import errors
from triage.api.problem_kinds import KINDS, TYPE_PREFIX

MEDIA_TYPE = "application/problem+json"
LATER_S = 5
# A name that a program made up may be of any length.
_LONGEST_NAME = 80

log = structlog.get_logger(__name__)


class WrongField(BaseModel):
    """One part of a request that cannot be used."""

    where: str = Field(description="body, query, path or header.", examples=["body"])
    name: str = Field(description="The field, with the ones around it: `arguments.order_id`.", examples=["message"])
    detail: str = Field(description="What is wrong with it.", examples=["Field required"])


class Problem(BaseModel):
    """An error. `code` is stable and for programs; `detail` is a sentence for a person."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description=f"`{TYPE_PREFIX}` and the code.", examples=[f"{TYPE_PREFIX}not_found"])
    title: str = Field(description="What this kind of problem is, always the same.", examples=["Not found"])
    status: int = Field(description="The HTTP status.", examples=[404])
    code: str = Field(description="The kind of problem, for programs.", examples=["not_found"])
    detail: str = Field(description="What happened and what to do.", examples=["There is no run run_1."])
    request_id: str | None = Field(None, description="The `X-Request-Id` of the answer; the log knows it.")
    errors: list[WrongField] | None = Field(None, description="With `invalid_input`: each part that is wrong.")
    retry_after_s: int | None = Field(None, description="Seconds to wait before another try.")


class ApiError(Exception):
    """A problem that the API itself finds; ``code`` is a kind of the table."""

    def __init__(self, code: str, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s


# What our errors become. One that is not here is a fault of ours: its sentence was not written for programs.
_CODES: Mapping[type[errors.TriageError], str] = {
    errors.InvalidInput: "invalid_input",
    errors.NotFound: "not_found",
    errors.NotSignedIn: "not_signed_in",
    errors.NotAllowed: "not_allowed",
    errors.TooManyRequests: "too_many_requests",
    errors.Conflict: "conflict",
    errors.StateError: "conflict",
    errors.OutcomeUnknown: "conflict",
    errors.Paused: "conflict",
    errors.BudgetReached: "budget_reached",
    errors.DataFolderError: "unavailable",
}
_BY_STATUS: Mapping[int, str] = {
    400: "malformed",
    401: "not_signed_in",
    403: "not_allowed",
    404: "not_found",
    405: "wrong_method",
    413: "too_large",
    415: "wrong_media_type",
}


def problem(
    code: str,
    detail: str,
    *,
    request_id: str | None = None,
    retry_after_s: float | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """Return a problem as a response."""
    kind = KINDS[code]
    wait = math.ceil(retry_after_s) if retry_after_s is not None else None
    said = {
        "type": TYPE_PREFIX + code,
        "title": kind.title,
        "status": kind.status,
        "code": code,
        "detail": detail,
        "request_id": request_id,
        "retry_after_s": wait,
        **members,
    }
    told = {name: value for name, value in said.items() if value is not None}
    every = {**(headers or {}), **({"Retry-After": str(wait)} if wait is not None else {})}
    return JSONResponse(told, status_code=kind.status, headers=every, media_type=MEDIA_TYPE)


def problem_of(error: Exception, *, request_id: str | None) -> Response:
    """Return what an error is told as."""
    if isinstance(error, ApiError):
        return problem(error.code, error.detail, request_id=request_id, retry_after_s=error.retry_after_s)
    if isinstance(error, errors.TriageError):
        code = next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), None)
        if code is not None:
            later = error.retry_after_s if isinstance(error, errors.TooManyRequests) else None
            later = LATER_S if code == "unavailable" else later
            # Where the records are and why they cannot be read is for the log and the people at the machine.
            detail = "The records cannot be read or written now." if code == "unavailable" else str(error)
            return problem(code, detail, request_id=request_id, retry_after_s=later)
    log.error("api_fault", error=type(error).__name__, request_id=request_id)
    return problem(
        "internal", "Something went wrong in the console; its log has the request id.", request_id=request_id
    )


def problem_of_http(error: HTTPException, *, request_id: str | None) -> Response:
    """Return what the router refuses: an unknown path, a method that a path does not have."""
    code = _BY_STATUS.get(
        error.status_code, "malformed" if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else "internal"
    )
    return problem(code, KINDS[code].detail, request_id=request_id, headers=error.headers)


def problem_of_validation(error: RequestValidationError, *, request_id: str | None) -> Response:
    """Return what does not fit the document, part by part and without its value."""
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return problem("malformed", "The body is not JSON.", request_id=request_id)
    wrong = [_wrong_field(item) for item in found]
    first = wrong[0]
    detail = f"{first['where']} {first['name']}: {first['detail']}".replace("  ", " ")
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return problem("invalid_input", detail + more, request_id=request_id, errors=wrong)


def request_id_of(request: Request) -> str | None:
    """Return the id that the outermost layer gave the request."""
    found: str | None = getattr(request.state, "request_id", None)
    return found


def _wrong_field(item: Mapping[str, Any]) -> dict[str, str]:
    place: Sequence[Any] = item["loc"]
    name = ".".join(str(part) for part in place[1:])
    return {"where": str(place[0]), "name": name[:_LONGEST_NAME], "detail": _said(item)}


def _said(item: Mapping[str, Any]) -> str:
    if item["type"] == "union_tag_invalid":
        # The library's own sentence quotes what was sent.
        return f"Use one of {item['ctx']['expected_tags']}."
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    return str(item["msg"])
