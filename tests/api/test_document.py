"""The document and docs/api.md say what the API does, and a client that knows nothing else gets along with them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.served import Desk
from triage.api import examples
from triage.api.app import document
from triage.api.problem_kinds import KINDS
from triage.api.schemas import RunOut
from triage.domain import Role

pytestmark = pytest.mark.xdist_group("api_document")

PROJECT = Path(__file__).resolve().parents[2]
DOCS = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")


def walk(language: str) -> str:
    """Return the steps of a walk, as they stand in the documentation."""
    steps = re.findall(rf"<!-- walk: {language} -->\n```\w+\n(.*?)```", DOCS, re.DOTALL)
    assert steps
    return "\n".join(steps)


def test_the_document_that_is_checked_in_is_the_one_of_the_api(helpdesk: httpx2.Client) -> None:
    kept = json.loads((PROJECT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert kept == json.loads(json.dumps(document())), "Write it anew: python -m triage openapi docs/openapi.json"
    assert helpdesk.get("/openapi.json").json() == kept


def test_the_documentation_has_every_path_and_nothing_else() -> None:
    told = set(re.findall(r"^\| `(GET|POST) /api(\S+)` \|", DOCS, re.MULTILINE))
    made = {
        (method.upper(), re.sub(r"{\w+}", "{id}", path))
        for path, methods in document()["paths"].items()
        for method in methods
    }
    assert told == made


def test_the_documentation_has_every_kind_of_problem() -> None:
    rows = [f"| `{code}` | {kind.status} | {kind.title} | {kind.detail} |" for code, kind in KINDS.items()]
    assert [line for line in DOCS.splitlines() if re.match(r"\| `[a-z_]+` \| \d{3} ", line)] == rows


def test_the_documentation_has_every_figure(monitor: httpx2.Client) -> None:
    monitor.get("/runs")
    figures = set(re.findall(r"^# TYPE (\w+) ", monitor.get("/metrics").text, re.MULTILINE))
    told = set(re.findall(r"`(triage_\w+)`", DOCS.partition("## Figures")[2]))
    assert {name for name in figures if not name.endswith("_created")} == told


def test_every_operation_has_an_example_and_says_what_can_go_wrong() -> None:
    found = document()
    for path, methods in found["paths"].items():
        for operation in methods.values():
            assert operation["operationId"]
            assert operation["summary"]
            assert "500" in operation["responses"]
            assert ("401" in operation["responses"]) == bool(operation.get("security")), path


def test_money_is_written_without_exponents() -> None:
    run = RunOut.model_validate({**examples.RUN, "cost_usd": "1E-7"})
    assert json.loads(run.model_dump_json())["cost_usd"] == "0.0000001"


def variables(desk: Desk) -> dict[str, str]:
    return {
        **os.environ,
        "CONSOLE": desk.url,
        "HELPDESK": desk.token("helpdesk"),
        "REVIEWS": desk.token("reviews", role=Role.REVIEWER),
        "NO_PROXY": "*",
        "no_proxy": "*",
    }


@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
def test_the_walk_with_curl_leads_to_the_result(desk: Desk, tmp_path: Path) -> None:
    done = run(["sh", "-eu", "-c", walk("curl")], desk, tmp_path)
    assert "Refund $69.98 to alice@example.com" in done
    assert "event: run.completed" in done
    result: dict[str, Any] = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert result["outcome"] == "result"
    assert result["approvals"][0]["execution"] == "succeeded"
    assert result["result"]["reply_draft"] in done


def test_the_walk_in_python_leads_to_the_result(desk: Desk, tmp_path: Path) -> None:
    done = run([sys.executable, "-I", "-c", walk("python")], desk, tmp_path)
    assert "Refund $199.99" in done
    assert "result succeeded" in done


def run(command: list[str], desk: Desk, folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=variables(desk), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
