"""What the documentation and `doctor` say of the connectors, tried out."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from pages.components.result import _at_help_desk
from tests.connectors.conftest import desk_of
from tests.connectors.test_help_desk import KEY, TICKET, create
from tests.servers.help_desk import HelpDeskServer
from triage.cli.doctor import _help_desk
from triage.connectors.help_desk import HttpHelpDesk
from triage.connectors.tickets import HelpDeskTicket
from triage.errors import OutsideUnavailable, SettingsError, ToolError
from triage.services import check_orders
from triage.settings import load_settings

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "connectors.md"


@pytest.fixture
def example() -> Iterator[str]:
    """Serve the help desk of the documentation, and return its address."""
    (source,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    # Without `__future__` annotations of this module, which the example does not have either.
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(source, str(DOCUMENT), "exec", dont_inherit=True), names)
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            started.set()

    server = Server(uvicorn.Config(names["app"], port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert started.wait(20)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(20)


def test_the_example_of_the_documentation_is_a_help_desk(example: str) -> None:
    desk = HttpHelpDesk(example, token="change-me", console_url="http://c")
    assert "answers" in desk.check()
    made = create(desk)
    assert made == create(desk) == desk.find(KEY) == HelpDeskTicket(id="1", url="http://localhost:8900/tickets/1")
    assert desk.find("K-OTHER") is None
    with pytest.raises(ToolError, match="TRIAGE_HELPDESK_TOKEN"):
        create(HttpHelpDesk(example, token="wrong", console_url="http://c"))


def test_doctor_asks_the_help_desk(server: HelpDeskServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _help_desk(load_settings()) == "No help desk is named; tickets are kept here only."
    monkeypatch.setenv("TRIAGE_HELPDESK_URL", f"{server.url}/")
    assert "answers" in _help_desk(load_settings())
    server.token = "another"
    monkeypatch.setenv("TRIAGE_HELPDESK_TOKEN", "secret-token")
    with pytest.raises(OutsideUnavailable, match="TRIAGE_HELPDESK_TOKEN") as refused:
        _help_desk(load_settings())
    assert "secret-token" not in f"{refused.value}{load_settings()!r}"
    assert desk_of(server, token="another").find(KEY) is None


def test_doctor_reads_the_orders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert check_orders(load_settings()) == "Orders are in the records."
    monkeypatch.setenv("TRIAGE_ORDERS_URL", f"sqlite:///{tmp_path}/hunter2.db")
    settings = load_settings()
    with pytest.raises(OutsideUnavailable) as away:
        check_orders(settings)
    assert "hunter2" not in f"{away.value}{settings!r}"
    monkeypatch.setenv("TRIAGE_ORDERS_URL", "mysql://x")
    with pytest.raises(SettingsError, match="TRIAGE_ORDERS_URL"):
        check_orders(load_settings())


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TRIAGE_HELPDESK_URL", "https://user:hunter2@help.example.com"),
        ("TRIAGE_HELPDESK_URL", "help.example.com"),
        ("TRIAGE_HELPDESK_URL", "https://help.example.com/?key=hunter2"),
        ("TRIAGE_HELPDESK_TOKEN", "hunter2 x"),
        ("TRIAGE_HELPDESK_TOKEN", "hunter2\r\nx: y"),
        ("TRIAGE_HELPDESK_TOKEN", "hünter2"),
        ("OPENAI_API_KEY", "hunter2\r\nx: y"),
        ("OPENAI_API_KEY", "hünter2"),
        ("OPENAI_API_KEY", " hunter2"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=variable) as wrong:
        load_settings()
    assert "nter2" not in str(wrong.value)


def test_the_page_links_to_the_web_and_shows_everything_else_as_text() -> None:
    def shown(**fields: Any) -> str:
        return _at_help_desk(TICKET.model_copy(update=fields))

    assert shown() == ""
    there = shown(external_id="4711", external_url="https://help.example.com/tickets/4711")
    assert there == " · [4711 at the help desk](<https://help.example.com/tickets/4711>)"
    assert "](" not in shown(external_id="[x](https://evil.example)", external_url=None)
    assert "](" not in shown(external_id="4711", external_url="javascript:alert(1)")
    assert shown(external_id="](https://evil.example)", external_url="https://help.example.com/a)b>c").count("](") == 1
