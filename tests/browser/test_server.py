"""The server of the pages, asked as no browser asks: paths that climb, names and pages of somebody else."""

from __future__ import annotations

import base64
import http.client
import socket
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.browser.console import Console
from tests.processes import PROJECT

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

UP = ("../", "..%2f", "%2e%2e/", "..%5c", "%252e%252e%252f", "....//", "..;/", "%c0%ae%c0%ae/")
PLACES = (
    "/", "/static/", "/app/static/", "/media/", "/component/", "/component/trace_waterfall/",
    "/_stcore/bidi-components/trace_waterfall/", "/_stcore/", "/~/+/", "/traces/", "/api/",
)  # fmt: skip
WANTED = ("app.py", "etc/passwd", "data/secret.key", "secret.key", ".streamlit/config.toml", "pages/console.py")


def ask(console: Console, path: str, *lines: str, host: str | None = None) -> tuple[int, bytes]:
    """Send a request as it stands and return the status and the body."""
    place = urlsplit(console.url)
    with closing(socket.create_connection((place.hostname, place.port), timeout=20)) as connection:
        head = [f"GET {path} HTTP/1.1", f"Host: {host or place.netloc}", *lines, "", ""]
        connection.sendall("\r\n".join(head).encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, b"" if answer.status == http.HTTPStatus.SWITCHING_PROTOCOLS else answer.read()


def test_a_path_that_climbs_reads_no_file(console: Console) -> None:
    secrets = [
        (console.settings.data_dir / "secret.key").read_bytes().strip(),
        (PROJECT / "app.py").read_bytes()[:60],
        (PROJECT / ".streamlit" / "config.toml").read_bytes()[:40],
        (PROJECT / "pages" / "console.py").read_bytes()[:60],
        b"root:x:",
    ]
    for place in PLACES:
        for up in UP:
            for file in WANTED:
                path = f"{place}{up * 6}{file}"
                status, body = ask(console, path)
                assert status < 500, path
                assert not [secret for secret in secrets if secret in body], path
        for file in (str(PROJECT / "app.py"), "/etc/passwd", "%2fetc%2fpasswd"):
            status, body = ask(console, f"{place}{file}")
            assert status < 500, file
            assert not [secret for secret in secrets if secret in body], file


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example", "file://"])
def test_a_page_of_somebody_else_opens_no_websocket(console: Console, origin: str) -> None:
    wanted = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    key = f"Sec-WebSocket-Key: {base64.b64encode(b'0123456789abcdef').decode()}"
    status, _ = ask(console, "/_stcore/stream", *wanted, key, f"Origin: {origin}")
    assert status in (400, 403)
    assert ask(console, "/_stcore/stream", *wanted, key, f"Origin: {console.url}")[0] == 101


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "169.254.169.254", "127.0.0.1@evil.example"]
)
@pytest.mark.parametrize("path", ["/", "/traces", "/_stcore/health", "/api/health"])
def test_under_another_name_nothing_is_answered(console: Console, host: str, path: str) -> None:
    assert ask(console, path, host=host)[0] in (400, 421)


@pytest.mark.parametrize(
    "path", ["/%0d%0aSet-Cookie:%20a=b", "/traces?trace=%0d%0aSet-Cookie:%20a=b", "//evil.example/%2e%2e"]
)
def test_a_line_break_or_another_host_in_an_address_makes_no_header(console: Console, path: str) -> None:
    place = urlsplit(console.url)
    with closing(http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)) as connection:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", place.netloc)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
    assert "a=b" not in str(answer.headers)
    assert "evil.example" not in (answer.headers["location"] or "").removeprefix(console.url)
