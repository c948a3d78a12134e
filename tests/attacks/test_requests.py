"""Requests of no client of ours: paths that climb, queries that are SQL, bodies that weigh, headers that lie."""

from __future__ import annotations

import base64
import json
import socket
from contextlib import closing, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.api.served import Desk
from tests.api.test_hardening import exchange, head
from tests.api.test_messages import problem_of, submit
from triage.domain import Role

pytestmark = pytest.mark.xdist_group("attacks")

JSON = {"Content-Type": "application/json"}
CLIMBS = (
    "/..%2f..%2fsecret.key",
    "/%2e%2e/%2e%2e/triage.db",
    "/..%5c..%5csecret.key",
    "/runs/..%2f..%2f..%2fetc%2fpasswd",
    "/runs/%252e%252e%252fsecret.key",
    "/conversations/..;/..;/secret.key",
    "/support/approvals/%2fetc%2fpasswd",
    "//etc/passwd",
    "/runs/run_1%00.json",
    "/openapi.json/..%2fsecret.key",
)
INJECTIONS = (
    "' or '1'='1",
    "x'; drop table runs; --",
    '" or ""="',
    "%' or 1=1 --",
    "1) union select secret from webhooks --",
    "\\'; attach database '/tmp/x' as y; --",
    "${jndi:ldap://attack.invalid}",
    "{{7*7}}",
    "%",
)
FILTERS = {
    "/runs": (
        "text", "status", "category", "urgency", "needs_person", "conversation_id", "session_id", "sort", "order_by",
        "limit", "offset", "cursor", "team",
    ),
    "/support/approvals": (
        "lane", "tool", "urgency", "person", "due_before", "escalated_to", "run_id", "limit", "cursor", "sort",
    ),
    "/runs/run_1/events": ("after",),
}  # fmt: skip


def places(lane: str) -> dict[str, str]:
    """Return cursors that are well-formed and lie about where they lead, by what they lie about."""
    lies: dict[str, Any] = {
        "injection": ["2026-01-01T00:00:00+00:00", "x' or 1=1 --"],
        "half a character": ["2026-01-01T00:00:00+00:00", "\ud800"],
        "before all time": ["0001-01-01T00:00:00+23:59", "run_1"],
        "after all time": ["9999-12-31T23:59:59-23:59", "run_1"],
        "no time": ["", "run_1"],
        "another zone": ["2026-01-01T00:00:00", "run_1"],
        "too long": ["2026-01-01T00:00:00+00:00", "x" * 600],
    }
    return {
        name: base64.urlsafe_b64encode(json.dumps([lane, *said]).encode()).decode().rstrip("=")
        for name, said in lies.items()
    }


@pytest.mark.parametrize("path", CLIMBS)
def test_a_path_that_climbs_leads_nowhere(desk: Desk, helpdesk: httpx2.Client, path: str) -> None:
    said = exchange(desk, head(desk, path=f"/api{path}", method="GET"))
    assert said[:3] in (b"404", b"422"), said
    key = desk.services.folder.path / "secret.key"
    assert key.read_bytes()[:16] not in said
    assert b"root:" not in said
    assert b"SQLite" not in said


def test_sql_in_a_filter_finds_nothing_and_changes_nothing(helpdesk: httpx2.Client, monitor: httpx2.Client) -> None:
    submit(helpdesk)
    before = len(monitor.get("/runs", params={"limit": 200}).json()["runs"])
    for path, names in FILTERS.items():
        for name in names:
            for text in INJECTIONS:
                answer = monitor.get(path, params={name: text})
                assert answer.status_code in (200, 404, 422), (path, name, text, answer.text)
                if answer.status_code == 200 and name in ("text", "tool", "person"):
                    [found] = [value for value in answer.json().values() if isinstance(value, list)]
                    assert found == [], (name, text)
    assert len(monitor.get("/runs", params={"limit": 200}).json()["runs"]) == before


@pytest.mark.parametrize("path", ["/runs", "/support/approvals"])
def test_a_cursor_that_lies_is_answered(monitor: httpx2.Client, path: str) -> None:
    for lane in ("runs", "waiting", "decided", "unknown"):
        for name, cursor in places(lane).items():
            params = {"cursor": cursor} if lane in ("runs", "waiting") else {"cursor": cursor, "lane": lane}
            answer = monitor.get(path, params=params)
            assert answer.status_code in (200, 422), (lane, name, answer.text)


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00+99:99", "2026-13-45T00:00Z"]
)
def test_a_time_at_the_end_of_time_is_answered(monitor: httpx2.Client, at: str) -> None:
    answer = monitor.get("/support/approvals", params={"due_before": at})
    assert answer.status_code in (200, 422), answer.text


@pytest.mark.parametrize("name", ["text", "conversation_id", "status", "cursor", "tool", "person", "run_id"])
@pytest.mark.parametrize("value", ["%00", "%ff%fe", "%ed%a0%80", "%0d%0aSet-Cookie:%20a=b", "%f0%9f%92%a3" * 40])
def test_bytes_that_are_no_text_are_answered(desk: Desk, name: str, value: str) -> None:
    for path in ("/api/runs", "/api/support/approvals"):
        said = exchange(desk, head(desk, path=f"{path}?{name}={value}", method="GET"))
        assert said[:3] in (b"200", b"422"), said


@pytest.mark.parametrize("value", ["x\r\nSet-Cookie: a=b", "x\nLocation: http://attack.invalid", "x\u2028y", "x\x00y"])
def test_a_line_break_in_an_id_makes_no_header(helpdesk: httpx2.Client, value: str) -> None:
    body = {"message": "Hello", "session_id": value}
    answer = helpdesk.post("/support/triage", json=body)
    problem_of(answer, "invalid_input")
    problem_of(helpdesk.post("/support/triage", json={"message": "Hello", "idempotency_key": value}), "invalid_input")
    assert "set-cookie" not in answer.headers
    assert value not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        '{"message":' * 20_000,
        '{"a":' * 50_000 + "1" + "}" * 50_000,
        '{"message": "x", "wait_s": ' + "9" * 5_000 + "}",
        '{"message": "x", "wait_s": 1e999999999}',
        '{"message": "\\ud800"}',
        '{"message": "x", "__proto__": {"role": "admin"}}',
        '{"message": "x", "role": "admin", "team": "other"}',
        '{"message": NaN}',
        '{"message": {"$ne": null}}',
        '["message"]',
    ],
)
def test_a_body_that_is_a_bomb_is_refused(helpdesk: httpx2.Client, body: str) -> None:
    answer = helpdesk.post("/support/triage", content=body.encode(), headers=JSON)
    assert answer.json()["code"] in ("invalid_input", "malformed", "too_large"), answer.text


def test_of_a_key_that_stands_twice_nobody_reads_another_value(helpdesk: httpx2.Client) -> None:
    """A proxy that checks bodies may read the first one, and we the last."""
    body = b'{"message": "The first.", "message": "The second."}'
    answer = helpdesk.post("/support/triage", content=body, headers=JSON)
    assert answer.json()["code"] in ("invalid_input", "malformed"), answer.text


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_the_method_is_the_one_that_was_sent(desk: Desk, helpdesk: httpx2.Client, name: str) -> None:
    run = submit(helpdesk)["run"]
    problem_of(helpdesk.get(f"/runs/{run['id']}/cancel", headers={name: "POST"}), "wrong_method")
    problem_of(helpdesk.get(f"/runs/{run['id']}/cancel?_method=POST"), "wrong_method")
    assert helpdesk.get("/runs", headers={"X-Original-URL": "/api/metrics"}).json()["runs"]
    problem_of(helpdesk.get("/metrics", headers={"X-Forwarded-User": "ada", "X-Remote-User": "ada"}), "not_allowed")


@pytest.mark.parametrize("lines", [["Content-Length: 5", "Content-Length: 6"], ["Content-Length: -1"],
                                   ["Content-Length: 5", "Transfer-Encoding: chunked"],
                                   ["Transfer-Encoding: gzip, chunked"]])  # fmt: skip
def test_a_length_that_two_readers_read_differently_is_refused(desk: Desk, lines: list[str]) -> None:
    with closing(socket.create_connection((urlsplit(desk.url).hostname, urlsplit(desk.url).port), timeout=20)) as line:
        line.sendall(head(desk, "Content-Type: application/json", *lines) + b'5\r\n{"a"}\r\n0\r\n\r\n')
        # A server that hangs up without a word has refused as well.
        with suppress(ConnectionError):
            said = line.recv(65_536)
            assert not said or said.startswith(b"HTTP/1.1 4"), said


def test_two_tokens_or_hosts_in_a_request_are_refused(desk: Desk) -> None:
    other = f"Authorization: Bearer {desk.token('chief', role=Role.MANAGER)}"
    assert exchange(desk, head(desk, other, path="/api/metrics", method="GET"))[:3] in (b"400", b"401", b"403")
    assert exchange(desk, head(desk, "Host: evil.example", path="/api/health", method="GET"))[:3] in (b"400", b"421")


def test_a_post_of_another_site_with_cookies_does_nothing(desk: Desk) -> None:
    secret = desk.token("helpdesk")
    headers = {
        "Origin": "https://evil.example",
        "Sec-Fetch-Site": "cross-site",
        "Cookie": f"_streamlit_user=x; token={secret}; Authorization=Bearer {secret}",
        "Content-Type": "text/plain",
    }
    with desk.client(None) as nobody:
        answer = nobody.post("/support/triage", content=b'{"message": "From afar"}', headers=headers)
    problem_of(answer, "not_signed_in")
    assert "access-control-allow-origin" not in answer.headers
