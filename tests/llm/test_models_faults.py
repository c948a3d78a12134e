from __future__ import annotations

import json
import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest
from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError
from openai.types.responses import ResponseErrorEvent

from triage.errors import ModelRequestError
from triage.llm.faults import ModelFault, fault_of, fault_of_event

REQUEST = httpx2.Request("POST", "http://localhost/v1/responses")


def status_error(status: int, *, code: str | None = None, headers: dict[str, str] | None = None) -> APIStatusError:
    response = httpx2.Response(status, request=REQUEST, headers=headers)
    return APIStatusError("customer text", response=response, body={"code": code})


def lost(cause: OSError) -> APIConnectionError:
    error = APIConnectionError(request=REQUEST)
    error.__cause__ = httpx2.ConnectError("customer text")
    error.__cause__.__context__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason", "is_passing"),
    [
        (status_error(429), "rate limited (429)", True),
        (status_error(408), "server error (408)", True),
        (status_error(409), "server error (409)", True),
        (status_error(500), "server error (500)", True),
        (status_error(529), "server error (529)", True),
        (status_error(429, code="insufficient_quota"), "quota used up (429)", False),
        (status_error(401), "key refused (401)", False),
        (status_error(403), "key refused (403)", False),
        (status_error(404), "model or address unknown (404)", False),
        (status_error(400, code="model_not_found"), "model or address unknown (400)", False),
        (APITimeoutError(REQUEST), "no answer in time", True),
        (TimeoutError(), "no answer in time", True),
        (httpx2.ReadTimeout("customer text"), "no answer in time", True),
        (httpx2.ReadError("customer text"), "connection failed", True),
        (APIConnectionError(request=REQUEST), "connection failed", True),
        (APIError("customer text", REQUEST, body={"code": "server_error"}), "the model failed", True),
        (APIError("customer text", REQUEST, body={"code": "rate_limit_exceeded"}), "rate limited", True),
        (lost(ssl.SSLCertVerificationError("customer text")), "connection failed (certificate not trusted)", True),
        (lost(ssl.SSLError("customer text")), "connection failed (no secure connection)", True),
        (lost(socket.gaierror("customer text")), "connection failed (host name not found)", True),
        (json.JSONDecodeError("bad", "customer text", 0), "unreadable stream", True),
    ],
)
def test_outages_are_faults_with_a_reason_of_our_own(error: Exception, reason: str, is_passing: bool) -> None:
    fault = fault_of(error)
    assert isinstance(fault, ModelFault)
    assert (fault.reason, fault.is_passing) == (reason, is_passing)
    assert "customer" not in str(fault)


def test_a_code_that_is_no_word_says_nothing() -> None:
    fault = fault_of_event(ResponseErrorEvent.construct(type="error", code={"odd": "code"}))
    assert isinstance(fault, ModelFault)
    assert fault.reason == "the model failed"


@pytest.mark.parametrize("error", [status_error(400), status_error(413), status_error(422, code="odd customer code")])
def test_refused_request_is_an_error_without_customer_text(error: APIStatusError) -> None:
    fault = fault_of(error)
    assert isinstance(fault, ModelRequestError)
    assert str(error.status_code) in str(fault)
    assert "customer" not in str(fault)


@pytest.mark.parametrize("error", [ValueError("ours"), RuntimeError("ours"), KeyError("ours")])
def test_errors_of_our_own_are_no_outage(error: Exception) -> None:
    assert fault_of(error) is None


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
def test_wait_that_the_server_asks_for(headers: dict[str, str], wait_s: float | None) -> None:
    fault = fault_of(status_error(429, headers=headers))
    assert isinstance(fault, ModelFault)
    assert fault.retry_after_s == wait_s
    assert fault.is_passing


def test_wait_until_a_far_date_does_not_pass() -> None:
    far = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    fault = fault_of(status_error(503, headers={"retry-after": far}))
    assert isinstance(fault, ModelFault)
    assert not fault.is_passing


def test_date_in_the_past_asks_for_no_wait() -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    fault = fault_of(status_error(503, headers={"retry-after": past}))
    assert isinstance(fault, ModelFault)
    assert fault.retry_after_s == 0.0
