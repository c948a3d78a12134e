"""The layers around the pages: headers, whose word is believed, foreign pages, the way back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from starlette.datastructures import Headers
from streamlit.web.server.starlette.starlette_websocket import gather_user_info

from tests.sign_in.test_entrance import STRONG
from triage.hosts import SameOrigin
from triage.identity_headers import IdentityHeaders
from triage.page_headers import PageHeaders, content_policy
from triage.return_path import COOKIE, ReturnPath, safe_path

Answer = dict[str, Any]
INDEX = Path(st.__file__).parent / "static" / "index.html"


def ask(
    layer: Callable[[Any], Any],
    *,
    path: str = "/",
    kind: str = "http",
    headers: list[tuple[str, str]] | None = None,
    answered: list[tuple[str, str]] | None = None,
) -> tuple[Headers | None, Answer]:
    """Return the headers that the app behind the layer saw, if it was reached, and the first message that came back."""
    seen: list[Headers] = []
    sent: list[Answer] = []

    def raw(pairs: list[tuple[str, str]] | None) -> list[tuple[bytes, bytes]]:
        return [(name.lower().encode(), value.encode()) for name, value in pairs or []]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(Headers(raw=scope["headers"]))
        await send({"type": "http.response.start", "status": 200, "headers": raw(answered)})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": kind, "path": path, "headers": raw(headers), "query_string": b"", "method": "GET"}
    asyncio.run(layer(app)(scope, receive, send))
    return (seen[0] if seen else None), sent[0]


def told(answer: Answer) -> Headers:
    return Headers(raw=answer["headers"])


@pytest.fixture
def named() -> Any:
    """Streamlit told which headers name people, as server.trustedUserHeaders does."""
    before = st.get_option("server.trustedUserHeaders")
    st.config._set_option("server.trustedUserHeaders", {"X-Forwarded-Email": "email"}, "test")
    yield
    st.config._set_option("server.trustedUserHeaders", before, "test")


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("headers", "email"),
    [
        ([("X-Forwarded-Email", "rita@example.com"), ("X-Triage-Proxy", STRONG)], "rita@example.com"),
        ([("X-Forwarded-Email", "rita@example.com")], None),
        ([("X-Forwarded-Email", "rita@example.com"), ("X-Triage-Proxy", STRONG + "x")], None),
        ([("X-Forwarded-Email", "rita@example.com"), ("X-Triage-Proxy", "")], None),
        # A sender who sends the proxy's header besides, and one whose own name comes before the proxy's.
        ([("X-Forwarded-Email", "a@b.c"), ("X-Triage-Proxy", "no"), ("X-Triage-Proxy", STRONG)], None),
        ([("X-Forwarded-Email", "a@b.c"), ("X-Forwarded-Email", "r@b.c"), ("X-Triage-Proxy", STRONG)], None),
    ],
)
def test_only_the_proxy_says_who_somebody_is(
    named: None, kind: str, headers: list[tuple[str, str]], email: str | None
) -> None:
    layer = lambda app: IdentityHeaders(app, names=lambda: ("x-forwarded-email",), secret=lambda: STRONG)  # noqa: E731
    seen, _ = ask(layer, kind=kind, headers=[*headers, ("Host", "localhost")])
    assert seen is not None
    assert gather_user_info(seen) == {"email": email}
    assert "x-triage-proxy" not in seen
    assert seen["host"] == "localhost"


def test_without_a_secret_nobody_is_believed() -> None:
    layer = lambda app: IdentityHeaders(app, names=lambda: ("x-forwarded-email",), secret=lambda: None)  # noqa: E731
    seen, _ = ask(layer, headers=[("X-Forwarded-Email", "rita@example.com"), ("X-Triage-Proxy", "")])
    assert seen is not None
    assert "x-forwarded-email" not in seen


@pytest.mark.parametrize(
    ("origins", "is_let_in"),
    [
        ([], True),
        (["http://localhost:8501"], True),
        (["https://triage.example.com"], True),
        (["http://localhost:3000"], False),
        (["http://127.0.0.1:8501"], False),
        (["https://evil.example"], False),
        (["https://triage.example.com.evil.example"], False),
        (["null"], False),
        (["http://localhost:8501", "https://evil.example"], False),
    ],
)
def test_pages_of_others_open_no_websocket(origins: list[str], is_let_in: bool) -> None:
    layer = lambda app: SameOrigin(app, allowed=lambda: {"https://triage.example.com"})  # noqa: E731
    headers = [("Host", "localhost:8501"), *(("Origin", origin) for origin in origins)]
    seen, answer = ask(layer, kind="websocket", headers=headers)
    assert (seen is not None) is is_let_in
    assert is_let_in or answer["type"] == "websocket.close"


def test_every_page_has_its_headers_and_the_api_its_own() -> None:
    layer = lambda app: PageHeaders(app, policy=content_policy(INDEX), is_https=lambda: False)  # noqa: E731
    _, answer = ask(layer, answered=[("Set-Cookie", "a=b; Path=/")])
    headers = told(answer)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["set-cookie"] == "a=b; Path=/"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "'sha256-" in policy
    scripts = policy.split("script-src ")[1].split(";")[0]
    assert "'unsafe-inline'" not in scripts
    assert "'unsafe-eval'" not in scripts
    assert "http" not in policy
    _, of_api = ask(layer, path="/api/runs")
    assert not of_api["headers"]


def test_where_people_come_by_https_cookies_travel_so_only() -> None:
    layer = lambda app: PageHeaders(app, policy="default-src 'self'", is_https=lambda: True)  # noqa: E731
    _, answer = ask(layer, answered=[("Set-Cookie", "a=b; Path=/"), ("Set-Cookie", "c=d; Secure")])
    assert told(answer).getlist("set-cookie") == ["a=b; Path=/; Secure", "c=d; Secure"]


def test_a_sign_in_leads_back_to_the_page_that_it_began_on() -> None:
    came_from = [("Host", "triage.example.com"), ("Referer", "https://triage.example.com/approvals?approval=a1")]
    _, begun = ask(ReturnPath, path="/auth/login", headers=came_from)
    cookie = told(begun)["set-cookie"].split(";")[0]
    assert cookie == f"{COOKIE}=%2Fapprovals%3Fapproval%3Da1"
    _, back = ask(ReturnPath, path="/oauth2callback", headers=[("Cookie", cookie)], answered=[("Location", "/")])
    assert told(back)["location"] == "/approvals?approval=a1"
    assert "Max-Age=0" in told(back)["set-cookie"]


def test_nobody_is_led_to_another_host() -> None:
    foreign = [("Host", "triage.example.com"), ("Referer", "https://evil.example/approvals")]
    _, begun = ask(ReturnPath, path="/auth/login", headers=foreign)
    assert told(begun)["set-cookie"].startswith(f"{COOKIE}=%2F;")
    for path in (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/a\r\nx: y",
        "/a b",
        "é",
        "",
        "/" * 2001,
    ):
        assert safe_path(path) == "/"
    cookie = [("Cookie", f"{COOKIE}=%2F%2Fevil.example")]
    _, back = ask(ReturnPath, path="/oauth2callback", headers=cookie, answered=[("Location", "/")])
    assert told(back)["location"] == "/"
    # What the provider's end of a sign-in leads to is left alone where it is not our first page.
    _, out = ask(ReturnPath, path="/oauth2callback", headers=cookie, answered=[("Location", "https://id.example.com/")])
    assert told(out)["location"] == "https://id.example.com/"
