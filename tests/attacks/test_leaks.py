"""A token's secret goes nowhere: sent in a wrong place, it is in no file, log line or answer afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.api.served import ALICE, REFUND, Desk
from tests.api.test_messages import submit
from triage.access.token_form import WITHHELD
from triage.cli.doctor import run_checks
from triage.domain import Actor, Role

pytestmark = pytest.mark.xdist_group("attacks")


def wrong_places(client: httpx2.Client, secret: str, approval: dict[str, Any]) -> Iterator[httpx2.Response]:
    """Send the secret everywhere but in the header Authorization of a good request."""
    yield client.get("/runs", params={"access_token": secret, "text": secret, "status": secret})
    yield client.get("/runs", params={"conversation_id": secret, "cursor": secret})
    yield client.get("/support/approvals", params={"tool": secret, "person": secret})
    for path in (f"/runs/{secret}", f"/runs/{secret}/events", f"/conversations/{secret}", f"/{secret}"):
        yield client.get(path)
        yield client.request("BREW", path)
    for name in ("Idempotency-Key", "Last-Event-ID", "Prefer", "Triage-API-Version", "User-Agent", "X-Request-Id",
                 "Referer", "Cookie", "Content-Type", "Origin", "X-Forwarded-For"):  # fmt: skip
        yield client.post("/support/triage", json={"message": "Hello"}, headers={name: secret})
    usual: dict[str, Any] = {"message": "Hello"}
    for field in ("session_id", "account_id", "customer_email", "idempotency_key", "wait_s", "token", secret):
        yield client.post("/support/triage", json=usual | {field: secret})
    yield client.post("/support/triage", content=f'{{"message": {secret}'.encode())
    path, seen = f"/support/approvals/{approval['id']}", approval["arguments_hash"]
    yield client.post(path, json={"decision": secret, "arguments_hash": secret})
    yield client.post(
        path,
        json={"decision": "edit", "arguments_hash": seen, "arguments": {"order_id": "2", "reason": f"It is {secret}"}},
    )
    yield client.post(path, json={"decision": "reject", "arguments_hash": seen, "reason": f"It is {secret}."})


def test_a_token_in_wrong_places_is_kept_and_said_nowhere(
    desk: Desk,
    helpdesk: httpx2.Client,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = desk.token("careless", role=Role.REVIEWER)
    words = secret[17:]
    waiting = submit(helpdesk, REFUND, customer_email=ALICE)["approvals"][0]
    with desk.client("careless", role=Role.REVIEWER) as client:
        for answer in wrong_places(client, secret, waiting):
            assert answer.status_code < 500, answer.text
            assert words not in answer.text + str(answer.headers), answer.request.url
        kept = submit(client, f"My token {secret} does not work, how do I make another one?")
    assert WITHHELD in desk.services.runs.get(kept["run"]["id"]).message
    desk.services.runs.submit(f"Again {secret}", actor=Actor(name="olga"))
    desk.services.settle_traces()

    chief = Actor(name="ada", role=Role.ADMIN)
    said = "".join(desk.services.audit.export(form="jsonl", actor=chief))
    said += "".join(event.model_dump_json() for run in desk.services.runs.list(limit=500)
                    for event in desk.services.runs.events(run.id))  # fmt: skip
    monkeypatch.setenv("TRIAGE_DATA_DIR", str(desk.services.settings.data_dir))
    said += json.dumps([check.model_dump() for check in run_checks()])
    assert words not in said
    assert words not in "".join(capfd.readouterr())
    folder = desk.services.settings.data_dir
    found = [file.name for file in folder.rglob("*") if file.is_file() and words.encode() in file.read_bytes()]
    assert found == []


def test_the_secret_key_is_in_no_answer(desk: Desk, monitor: httpx2.Client) -> None:
    key = (desk.services.settings.data_dir / "secret.key").read_text()
    for path in ("/ready", "/health", "/metrics", "/openapi.json", "/runs", "/support/approvals"):
        assert key.strip() not in monitor.get(path).text
