"""A real collector: Arize Phoenix gets a run, and what it shows is what the trace store has.

Only where ``PHOENIX_BIN`` names its program (see docs/opentelemetry.md), because it is a large package.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agents.tracing.setup import set_trace_provider

from triage.domain import Actor
from triage.services import Services, open_services
from triage.settings import Settings
from triage.tracing import RunTraceProvider
from triage.tracing.otlp.ids import root_id_of, span_id_of, trace_id_of

pytestmark = pytest.mark.skipif("PHOENIX_BIN" not in os.environ, reason="PHOENIX_BIN names no Phoenix")
START_S = 90


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def phoenix(tmp_path: Path) -> Iterator[str]:
    port = _free_port()
    environment = {
        **os.environ,
        "PHOENIX_WORKING_DIR": str(tmp_path),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(_free_port()),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    with (tmp_path / "phoenix.log").open("wb") as written:
        server = subprocess.Popen(
            [os.environ["PHOENIX_BIN"], "serve"], env=environment, stdout=written, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_S
        while not _answers(url):
            assert server.poll() is None, (tmp_path / "phoenix.log").read_text()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/healthz", trust_env=False).is_success
    except httpx2.TransportError:
        return False


def _shown(url: str) -> dict[str, dict[str, Any]]:
    """Every span that Phoenix shows, by its id, once what it was sent is in its database."""
    answer = httpx2.get(f"{url}/v1/projects/triage-console/spans", params={"limit": 1000}, trust_env=False)
    return {item["context"]["span_id"]: item for item in answer.json()["data"]} if answer.is_success else {}


def _work(services: Services, operator: Actor) -> Any:
    run = services.runs.submit("Where is my order 1001?", actor=operator, customer_email="ann@example.com")
    while not (run := services.runs.get(run.id)).status.is_final:
        time.sleep(0.02)
    services.settle_traces()
    assert services.exporter is not None
    assert services.exporter.flush(timeout_s=30)
    return run


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("unpaced")
def test_phoenix_shows_what_the_store_has(phoenix: str, settings: Settings, operator: Actor) -> None:
    exporting = settings.model_copy(update={"otlp_endpoint": phoenix})
    services = open_services(exporting, kind="test")
    try:
        run = _work(services, operator)
        assert services.traces is not None
        kept = services.traces.records("select * from spans")
    finally:
        services.close()
        set_trace_provider(RunTraceProvider())
    deadline = time.monotonic() + 30
    while len(shown := _shown(phoenix)) < len(kept) + 1 and time.monotonic() < deadline:
        time.sleep(0.2)

    root = shown.pop(root_id_of(run.trace_id).hex())
    assert root["parent_id"] is None
    assert root["attributes"]["input.value"] == run.message
    assert root["attributes"]["output.value"] == run.reply
    assert root["attributes"]["session.id"] == run.conversation_id
    assert len(shown) == len(kept)
    for row in kept:
        span = shown[span_id_of(row["span_id"]).hex()]
        above = span_id_of(row["parent_id"]) if row["parent_id"] else root_id_of(row["trace_id"])
        assert span["parent_id"] == above.hex()
        assert span["context"]["trace_id"] == trace_id_of(run.trace_id).hex()
        assert datetime.fromisoformat(span["start_time"]) == row["started_at"]
        assert datetime.fromisoformat(span["end_time"]) == row["ended_at"]
        assert (span["status_code"] == "ERROR") == (row["error_kind"] is not None)
        assert span["attributes"].get("llm.token_count.prompt") == row["input_tokens"]
        assert span["attributes"].get("llm.token_count.completion") == row["output_tokens"]
        if row["is_model_call"]:
            messages = json.loads(span["attributes"]["gen_ai.output.messages"])
            assert messages[0]["role"] == "assistant"

    # The same spans a second time, as after a kill before the answer was noted.
    (settings.otlp_dir / "status.json").unlink()
    services = open_services(exporting, kind="test")
    try:
        # They go first, so they have been looked at when the spans of another run are there.
        later = _work(services, operator)
    finally:
        services.close()
        set_trace_provider(RunTraceProvider())
    deadline = time.monotonic() + 30
    while root_id_of(later.trace_id).hex() not in (shown := _shown(phoenix)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert root_id_of(later.trace_id).hex() in shown
    of_first = [span for span in shown.values() if span["context"]["trace_id"] == trace_id_of(run.trace_id).hex()]
    assert len(of_first) == len(kept) + 1
