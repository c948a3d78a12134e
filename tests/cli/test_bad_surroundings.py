"""What the product says when its folder, settings, databases or endpoint cannot be used."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.cli.conftest import LONGEST_S, PROJECT, CommandLine, until
from tests.servers.model_server import ModelServer
from triage.cli.endpoint import check_endpoint
from triage.errors import SettingsError
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
    assert triage.refusal("runs", "show", "run_0") == "There is no run run_0."
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
    def check(base_url: str, key: str = "sk-wrong") -> str:
        return check_endpoint(load_settings(openai_api_key=key, openai_base_url=base_url))

    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(SettingsError, match="cannot be reached"):
        check(nobody)
    with pytest.raises(SettingsError, match="OPENAI_BASE_URL is no address"):
        check("localhost")
    with LockedServer() as locked, pytest.raises(SettingsError, match="refuses the key") as refusal:
        check(locked.base_url)
    assert "sk-wrong" not in str(refusal.value)
    with ModelServer() as server:
        assert "it does not list gpt-5.4 (TRIAGE_MODEL)" in check(server.base_url)
        with pytest.raises(SettingsError, match="OPENAI_API_KEY holds characters"):
            check(server.base_url, key="ключ")


def test_doctor_shows_what_the_endpoint_check_finds(triage: CommandLine) -> None:
    triage.environment |= {"OPENAI_API_KEY": "sk-wrong", "OPENAI_BASE_URL": "localhost"}
    assert set(failed_checks(triage)) == {"model"}


def _console(triage: CommandLine) -> list[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return ["run", "app.py", "--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1"]


def test_a_second_console_on_the_same_folder_says_who_has_it(triage: CommandLine) -> None:
    with triage.background(*_console(triage), module="streamlit") as first:
        until((triage.data_dir / "owner.json").exists, what="the start of the first console")
        second = subprocess.run(
            [sys.executable, "-m", "streamlit", *_console(triage)],
            cwd=PROJECT,
            env=triage.environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
        assert first.poll() is None
        assert second.returncode != 0
        assert f"in use by a console (process {first.pid}" in second.stderr
        assert "Traceback" not in second.stderr + second.stdout
        first.terminate()
        _, errors = first.communicate(timeout=LONGEST_S)
        assert "Traceback" not in errors
    assert not (triage.data_dir / "owner.json").exists()
