"""What the product says when its folder, settings, databases or endpoint cannot be used."""

from __future__ import annotations

import importlib.util
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.cli.conftest import CommandLine, until
from tests.processes import run_module
from tests.servers.model_server import ModelServer
from triage.cli.endpoint import check_endpoint
from triage.errors import SettingsError
from triage.local_mode import require_loopback
from triage.settings import load_settings


class LockedServer(ModelServer):
    """A model server that accepts no key."""

    async def _models(self, request: Request) -> Response:
        return Response(status_code=401)


def failed_checks(triage: CommandLine) -> dict[str, str]:
    return {check["name"]: check["message"] for check in triage.json("doctor", status=1) if not check["is_ok"]}


@pytest.mark.parametrize("folder", ["a-file/data", "/proc/triage-data"])
def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(
    triage: CommandLine, tmp_path: Path, folder: str
) -> None:
    (tmp_path / "a-file").write_text("in the way")
    triage.environment["TRIAGE_DATA_DIR"] = str(tmp_path / folder)
    refusal = triage.refusal("submit", "Hello")
    assert str(tmp_path / folder) in refusal
    assert "TRIAGE_DATA_DIR" in refusal
    failed = failed_checks(triage)
    assert set(failed) == {"data folder and records", "trace store"}
    assert all("TRIAGE_DATA_DIR" in message for message in failed.values())


def test_damaged_databases_are_named_and_left_alone(triage: CommandLine) -> None:
    triage.data_dir.mkdir()
    noise = bytes(range(256)) * 80
    for name in ("triage.db", "traces.duckdb"):
        (triage.data_dir / name).write_bytes(noise)
    assert "records cannot be opened" in triage.refusal("runs", "list")
    failed = failed_checks(triage)
    assert set(failed) == {"data folder and records", "trace store"}
    assert str(triage.data_dir / "traces.duckdb") in failed["trace store"]
    for name in ("triage.db", "traces.duckdb"):
        assert (triage.data_dir / name).read_bytes() == noise


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TRIAGE_MAX_TURNS", "twohundred"),
        ("TRIAGE_OPENAI_API", "grpc-secret"),
        ("OPENAI_API_KEY", "ключ"),
        ("TRIAGE_MODEL_TIMEOUT_S", "-7777"),
        ("TRIAGE_DATABASE_URL", "mysql://someone:pa55word@db/triage"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(triage: CommandLine, variable: str, value: str) -> None:
    triage.environment[variable] = value
    refusal = triage.refusal("runs", "list")
    assert variable in refusal
    assert value not in refusal
    assert "pa55word" not in refusal
    assert any(variable in message for message in failed_checks(triage).values())


def test_a_knowledge_base_that_is_not_there_is_named(triage: CommandLine, tmp_path: Path) -> None:
    triage.environment["TRIAGE_KB_DIR"] = str(tmp_path / "nowhere")
    assert "TRIAGE_KB_DIR" in triage.refusal("worker", "--drain")
    assert set(failed_checks(triage)) == {"knowledge base"}


def test_unknown_ids_are_named(triage: CommandLine) -> None:
    assert triage.refusal("runs", "show", "run_0", process=True) == "There is no run run_0."
    assert triage.refusal("approvals", "approve", "apr_0") == "There is no approval apr_0."
    assert triage.refusal("approvals", "reject", "apr_0", "--reason", "No") == "There is no approval apr_0."
    assert "no account A-9999" in triage.refusal("submit", "Hello", "--account", "A-9999")


@pytest.mark.parametrize(
    ("stdin", "says"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"x" * 200_000, "20,000"),
        (b"PK\x03\x04\x00\x00", "not text"),
        ("Die Rechnung fehlt für März".encode("latin-1"), "not UTF-8"),
        (b"\x01\x02\x03\x04hi", "control characters"),
    ],
)
def test_a_message_that_cannot_be_used_is_refused_and_leaves_nothing(
    triage: CommandLine, stdin: bytes, says: str
) -> None:
    assert says in triage.refusal("submit", "-", stdin=stdin)


def test_the_endpoint_check_tells_a_wrong_key_from_a_wrong_address() -> None:
    def check(base_url: str) -> str:
        return check_endpoint(load_settings(openai_api_key="sk-wrong", openai_base_url=base_url))

    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(SettingsError, match=r"cannot be reached \(refused\)\."):
        check(nobody)
    with pytest.raises(SettingsError, match="OPENAI_BASE_URL is no address"):
        check("localhost")
    with LockedServer() as locked, pytest.raises(SettingsError, match="refuses the key") as refusal:
        check(locked.base_url)
    assert "sk-wrong" not in str(refusal.value)
    with ModelServer() as server:
        assert "it does not list gpt-5.4 (TRIAGE_MODEL)" in check(server.base_url)


def test_doctor_shows_what_the_endpoint_check_finds(triage: CommandLine) -> None:
    triage.environment |= {"OPENAI_API_KEY": "sk-wrong", "OPENAI_BASE_URL": "localhost"}
    assert set(failed_checks(triage)) == {"model"}


def checks(triage: CommandLine, *, status: int = 0, **variables: str) -> dict[str, str]:
    triage.environment |= variables
    return {check["name"]: check["message"] for check in triage.json("doctor", status=status)}


def test_doctor_names_the_model_that_each_role_asks_first(triage: CommandLine, model_server: ModelServer) -> None:
    offline = checks(triage)
    assert "the offline engine answers" in offline["model"]
    assert offline["model roles"] == "offline-rules is asked as triage, specialist, writer, guardrail."
    keyed = checks(triage, OPENAI_API_KEY="test-key", OPENAI_BASE_URL=model_server.base_url)
    assert keyed["model roles"] == (
        "gpt-5.4 is asked as triage, specialist; gpt-5.4-mini is asked as writer; gpt-5.4-nano is asked as guardrail."
    )


def test_doctor_says_where_mixed_settings_leave_roles_to_the_offline_engine(
    triage: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "packages" / "litellm").mkdir(parents=True)
    (tmp_path / "packages" / "litellm" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    mixed = checks(triage, TRIAGE_MODEL="litellm/anthropic/claude")
    assert "offline engine" not in mixed["model"]
    assert mixed["model roles"] == (
        "litellm/anthropic/claude is asked as triage, specialist; offline-rules is asked as writer, guardrail."
    )


@pytest.mark.skipif(importlib.util.find_spec("litellm") is not None, reason="the extra is installed")
def test_doctor_finds_that_the_extra_of_a_named_model_is_missing(triage: CommandLine) -> None:
    found = checks(triage, status=1, TRIAGE_WRITER_MODEL="litellm/anthropic/claude")
    assert "requirements-litellm.txt" in found["model roles"]
    assert "offline engine" not in found["model"]


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "localhost", "LOCALHOST"])
def test_a_loopback_address_is_fit_for_local_mode(address: str) -> None:
    require_loopback(address)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "10.0.0.7", "fe80::1", "desk.example.com", "127.evil"])
def test_any_other_address_is_not(address: str | None) -> None:
    with pytest.raises(SettingsError, match=f"{address or 'every address'} can be reached from others"):
        require_loopback(address)


def _console(address: str = "127.0.0.1") -> list[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return ["run", "app.py", "--server.headless=true", f"--server.port={port}", f"--server.address={address}"]


def test_a_console_that_others_could_reach_does_not_start(triage: CommandLine) -> None:
    console = run_module("streamlit", *_console("0.0.0.0"), environment=triage.environment)
    assert console.returncode != 0
    assert "0.0.0.0 can be reached from others" in console.stderr
    assert "Traceback" not in console.stderr + console.stdout
    assert not triage.data_dir.exists(), "Nothing was opened."


def test_a_second_console_on_the_same_folder_says_who_has_it(triage: CommandLine) -> None:
    with triage.background(*_console(), module="streamlit") as first:
        until((triage.data_dir / "owner.json").exists, what="the start of the first console")
        second = run_module("streamlit", *_console(), environment=triage.environment)
        assert first.returncode is None
        assert second.returncode != 0
        assert f"in use by a console (process {first.pid}" in second.stderr
        assert "Traceback" not in second.stderr + second.stdout
        first.send_signal(signal.SIGTERM)
        _, errors = first.communicate()
        assert "Traceback" not in errors
    assert not (triage.data_dir / "owner.json").exists()
