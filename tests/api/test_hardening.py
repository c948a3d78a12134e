"""What the API refuses, and what every answer has."""

from __future__ import annotations

import http.client
import json
import re
import socket
from contextlib import closing
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest

from tests.api.served import ADMIN, QUESTION, Desk
from tests.api.test_messages import problem_of, submit
from triage.access.rate import RateLimit
from triage.api import limits
from triage.api.app import build_api
from triage.api.outermost import HEADERS
from triage.domain import Role, utc_now
from triage.errors import DataFolderError

pytestmark = pytest.mark.xdist_group("api_hardening")


def exchange(desk: Desk, *parts: bytes, close: bool = False) -> bytes:
    """Send bytes as they are and return what comes back."""
    place = urlsplit(desk.url)
    with closing(socket.create_connection((place.hostname, place.port), timeout=20)) as connection:
        for part in parts:
            connection.sendall(part)
        if close:
            connection.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return f"{answer.status} ".encode() + answer.read()


def head(desk: Desk, *lines: str, path: str = "/api/support/triage", method: str = "POST") -> bytes:
    token = f"Authorization: Bearer {desk.token('helpdesk')}"
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", token, *lines, "", ""]).encode()


def test_every_answer_has_the_headers(desk: Desk, helpdesk: httpx2.Client) -> None:
    with desk.client(None) as nobody:
        answers = [
            nobody.get("/health"),
            nobody.get("/openapi.json"),
            nobody.get("/runs"),
            helpdesk.get("/runs"),
            helpdesk.get("/nothing"),
            helpdesk.post("/support/triage", content=b"{"),
        ]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
        assert "authorization" in answer.headers["vary"].lower()
        assert "set-cookie" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer tri_000000000000_" + "A" * 43,
        "Basic dXNlcjpwYXNz",
        "tri_x",
        "Bearer \u00e9",
        "Bearer " + "x" * 5000,
    ],
)
@pytest.mark.parametrize("path", ["/runs", "/runs/run_0/events", "/metrics", "/no/such/path"])
def test_without_a_token_nothing_is_told(desk: Desk, header: str | None, path: str) -> None:
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    with desk.client(None) as nobody:
        answer = nobody.get(path, headers=headers)
    problem_of(answer, "not_signed_in")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert ("error=" in answer.headers["www-authenticate"]) == bool(header)


def test_a_token_of_yesterday_and_a_revoked_one_are_refused_alike(desk: Desk) -> None:
    soon = utc_now() + timedelta(seconds=60)
    token, secret = desk.services.tokens.create(name="over", role=Role.OPERATOR, actor=ADMIN, expires_at=soon)
    desk.services.tokens.revoke(token.id, actor=ADMIN)
    with desk.client(None) as nobody:
        revoked = nobody.get("/runs", headers={"Authorization": f"Bearer {secret}"})
        unknown = nobody.get("/runs", headers={"Authorization": f"Bearer {secret[:-4]}AAAA"})
    assert problem_of(revoked, "not_signed_in")["detail"] == problem_of(unknown, "not_signed_in")["detail"]
    assert secret not in revoked.text


def test_a_token_in_the_address_or_a_cookie_counts_for_nothing(desk: Desk) -> None:
    secret = desk.token("helpdesk")
    with desk.client(None) as nobody:
        problem_of(nobody.get("/runs", params={"access_token": secret, "token": secret}), "not_signed_in")
        problem_of(nobody.get("/runs", headers={"Cookie": f"token={secret}"}), "not_signed_in")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nothing", "not_found"),
        ("GET", "/runs/", "not_found"),
        ("DELETE", "/runs", "wrong_method"),
        ("PUT", "/support/triage", "wrong_method"),
        ("HEAD", "/runs", None),
        ("OPTIONS", "/runs", "wrong_method"),
        ("TRACE", "/runs", "wrong_method"),
        ("GET", "/runs/%2e%2e%2fsecret.key", "not_found"),
        ("GET", "/runs/..%00", "invalid_input"),
        ("GET", "/runs/' or 1=1 --", "invalid_input"),
        ("GET", "/runs?limit=0", "invalid_input"),
        ("GET", "/runs?limit=1e3", "invalid_input"),
        ("GET", "/runs?text=%00", "invalid_input"),
        ("GET", "/support/approvals?due_before=yesterday", "invalid_input"),
    ],
)
def test_what_is_not_there_is_a_problem(helpdesk: httpx2.Client, method: str, path: str, code: str | None) -> None:
    answer = helpdesk.request(method, path)
    if code is None:
        assert answer.status_code == 405
    else:
        problem_of(answer, code)
    if answer.status_code == 405:
        assert answer.headers["allow"] in ("GET", "POST")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "text/json"]
)
def test_a_body_that_a_form_could_send_is_refused(helpdesk: httpx2.Client, kind: str) -> None:
    body = json.dumps({"message": "From a page of somebody else."})
    problem_of(helpdesk.post("/support/triage", content=body, headers={"Content-Type": kind}), "wrong_media_type")


def test_a_body_in_another_encoding_is_refused(helpdesk: httpx2.Client) -> None:
    headers = {"Content-Type": "application/json; charset=utf-16"}
    body = json.dumps({"message": QUESTION}).encode("utf-16")
    problem_of(helpdesk.post("/support/triage", content=body, headers=headers), "wrong_media_type")


@pytest.mark.parametrize(
    "body", [b"{", b"", b"\xff\xfe", b"[" * 50_000, b'{"message": "\\', b"null", b"[]", b'"x"', b"7"]
)
def test_a_body_that_is_no_request_is_refused(helpdesk: httpx2.Client, body: bytes) -> None:
    answer = helpdesk.post("/support/triage", content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["code"] in ("malformed", "invalid_input"), answer.text


def test_a_body_that_says_that_it_is_too_large_is_not_read(desk: Desk) -> None:
    said = exchange(desk, head(desk, "Content-Type: application/json", "Content-Length: 300000"))
    assert said.startswith(b"413 ")
    assert json.loads(said[4:])["code"] == "too_large"
    many_digits = exchange(desk, head(desk, "Content-Type: application/json", "Content-Length: 1" + "0" * 18))
    assert many_digits.startswith(b"413 ")


def test_a_body_in_chunks_is_refused_when_it_is_too_large(desk: Desk) -> None:
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    start = head(desk, "Content-Type: application/json", "Transfer-Encoding: chunked")
    # Without its end: the answer comes before it.
    said = exchange(desk, start, *[chunk] * 9)
    assert said.startswith(b"413 ")


def test_a_body_that_does_not_come_is_not_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.BodyLimit.__init__.__kwdefaults__, "within_s", 0.1)  # type: ignore[arg-type]

    async def served() -> list[Any]:
        sent: list[Any] = []
        never = anyio.Event()

        async def receive() -> Any:
            await never.wait()

        async def send(message: Any) -> None:
            sent.append(message)

        async def app(*_: Any) -> None:
            raise AssertionError("Nothing was read.")

        scope = {"type": "http", "headers": [(b"content-length", b"10")], "method": "POST", "path": "/", "state": {}}
        with pytest.raises(limits.ApiError) as refused:
            await limits.BodyLimit(app)(scope, receive, send)
        return [refused.value.code]

    assert anyio.run(served) == ["timed_out"]


async def test_a_page_that_the_settings_name_is_answered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = "https://help.example.com"
    changed = desk.services.settings.model_copy(update={"api_origins": [origin]})
    monkeypatch.setattr(desk.services, "settings", changed)
    transport = httpx2.ASGITransport(build_api(desk.services))
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "prefer"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        before = await client.options("/support/triage", headers=asked)
        # A page reads why it was refused, too.
        refused = await client.get("/runs", headers={"Origin": origin})
        other = await client.options("/support/triage", headers={**asked, "Origin": "https://evil.example"})
    assert before.status_code == 200
    assert before.headers["access-control-allow-origin"] == refused.headers["access-control-allow-origin"] == origin
    assert refused.status_code == 401
    assert "access-control-allow-credentials" not in before.headers
    assert "access-control-allow-origin" not in other.headers


def test_a_page_of_somebody_else_is_not_answered(desk: Desk, helpdesk: httpx2.Client) -> None:
    asked = helpdesk.options(
        "/runs", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    )
    assert "access-control-allow-origin" not in asked.headers
    answer = helpdesk.get("/runs", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "10.0.0.1", "localhost@evil.example", "[::"]
)
def test_another_name_is_not_answered(helpdesk: httpx2.Client, host: str) -> None:
    answer = helpdesk.get("/health", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["code"] == "wrong_host"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "127.0.0.1:9", "127.8.8.8", "[::1]:8501"])
def test_loopback_names_are_answered(helpdesk: httpx2.Client, host: str) -> None:
    assert helpdesk.get("/health", headers={"Host": host}).status_code == 200


def test_a_version_that_is_not_spoken_is_refused(helpdesk: httpx2.Client) -> None:
    assert helpdesk.get("/runs", headers={"Triage-API-Version": "1"}).status_code == 200
    problem_of(helpdesk.get("/runs", headers={"Triage-API-Version": "2"}), "unsupported_version")


def test_a_token_that_asks_too_often_is_told_when_to_come_back(desk: Desk, helpdesk: httpx2.Client) -> None:
    kept, desk.services.rate_limit = desk.services.rate_limit, RateLimit(per_minute=60, burst=2)
    try:
        with desk.client("eager") as eager:
            codes = [eager.get("/runs").status_code for _ in range(3)]
            answer = eager.get("/runs")
        assert codes == [200, 200, 429]
        assert problem_of(answer, "too_many_requests")["retry_after_s"] == int(answer.headers["retry-after"]) >= 1
        assert helpdesk.get("/runs").status_code == 200
    finally:
        desk.services.rate_limit = kept


def test_a_crowd_is_refused_and_not_kept_waiting(
    desk: Desk, helpdesk: httpx2.Client, api: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(api.crowd, "_at_once", 0)
    answer = helpdesk.get("/runs")
    assert problem_of(answer, "overloaded")["retry_after_s"] == 1
    monkeypatch.undo()
    assert helpdesk.get("/runs").status_code == 200
    assert api.crowd.count == 0


def test_a_fault_is_told_without_what_it_is_about(
    desk: Desk, helpdesk: httpx2.Client, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("The customer wrote: my password is swordfish")

    monkeypatch.setattr(type(desk.services.runs), "list", fail)
    answer = helpdesk.get("/runs")
    found = problem_of(answer, "internal")
    logged = "".join(capfd.readouterr())
    assert "swordfish" not in answer.text + logged
    assert "Traceback" not in answer.text + logged
    assert found["request_id"] in logged


def test_records_that_cannot_be_read_are_told_without_where_they_are(
    desk: Desk, helpdesk: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise DataFolderError("The records cannot be read (/srv/secret/triage.db).")

    monkeypatch.setattr(type(desk.services.runs), "list", fail)
    answer = helpdesk.get("/runs")
    assert problem_of(answer, "unavailable")["retry_after_s"]
    assert "/srv" not in answer.text


def test_ready_names_what_is_not(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with desk.client(None) as nobody:
        assert nobody.get("/ready").json()["status"] == "ready"
        monkeypatch.setattr(desk.services, "engine", None)
        answer = nobody.get("/ready")
    found = problem_of(answer, "not_ready")
    assert [check["name"] for check in found["checks"] if not check["is_ok"]] == ["agents"]
    assert "agents" in found["detail"]


def test_figures_are_for_who_may_see_them(desk: Desk, helpdesk: httpx2.Client, monitor: httpx2.Client) -> None:
    submit(helpdesk)
    problem_of(helpdesk.get("/metrics"), "not_allowed")
    with desk.client("prometheus", role=Role.MANAGER, scopes=["metrics:read"]) as prometheus:
        text = prometheus.get("/metrics").text
        problem_of(prometheus.get("/runs"), "not_allowed")
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(figures['triage_runs{status="completed"}']) >= 1
    assert float(figures['triage_model_breaker{model="offline-rules",state="closed"}']) == 1
    assert float(figures["triage_spans_written_total"]) > 0
    route = 'method="POST",route="/support/triage",status="200"'
    assert float(figures[f"triage_api_request_seconds_count{{{route}}}"]) >= 1
    assert not re.search("run_[0-9a-f]", text)


def test_no_token_is_in_a_log_line(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    secret = desk.token("helpdesk")
    wrong = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    with desk.client(None) as nobody:
        for header in (f"Bearer {secret}", f"Bearer {wrong}"):
            nobody.get("/runs", headers={"Authorization": header})
            nobody.post("/support/triage", content=b"{", headers={"Authorization": header})
    assert secret[17:] not in "".join(capfd.readouterr())


@pytest.fixture
def api(desk: Desk) -> Any:
    """The parts that all requests share."""
    return desk.place._api.state.desk  # type: ignore[union-attr]
