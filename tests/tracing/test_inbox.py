"""Other programs of the Agents SDK: what they write arrives in the console, as their own work and nobody else's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from agents.tracing import add_trace_processor, custom_span, function_span, trace

from tests.servers.model_script import Reply, ToolCall
from tests.servers.model_server import ModelServer
from tests.tracing.conftest import Tracing
from triage.tracing import INBOX, console_inbox
from triage.tracing.incoming.inbox import Inbox
from triage.tracing.spool import Spool

PROJECT = Path(__file__).resolve().parents[2]
NOW = "2026-03-04T05:06:07+00:00"

# Another program, as somebody else would write it; the three lines of docs/opentelemetry.md are in it.
_PROGRAM = """
import asyncio, os, signal, sys
from agents import Agent, OpenAIChatCompletionsModel, Runner, add_trace_processor, function_tool
from openai import AsyncOpenAI
from triage.tracing import console_inbox

add_trace_processor(console_inbox(sys.argv[1]))

@function_tool
def weather(city: str) -> str:
    return f"Sunny in {city}; ask ann@example.com"

client = AsyncOpenAI(base_url=sys.argv[2], api_key="none")
model = OpenAIChatCompletionsModel("gpt-5.4", openai_client=client)
agent = Agent("Weather agent", model=model, tools=[weather])
print(asyncio.run(Runner.run(agent, "How is Oslo?")).final_output)
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def inbox(tracing: Tracing) -> Callable[..., Inbox]:
    def make(*, content: str = "full") -> Inbox:
        return Inbox(tracing.folder / INBOX, write=tracing.processor.write_lines, content=content)

    return make


def _put(folder: Path, *records: object) -> None:
    spool = Spool(folder / INBOX)
    for record in records:
        spool.append(record if isinstance(record, bytes) else orjson.dumps(record) + b"\n")
    spool.close()


def _span(**changes: object) -> dict[str, object]:
    span = {"type": "span", "trace_id": "t", "span_id": "s", "kind": "custom", "name": "n"}
    return {**span, "started_at": NOW, "ended_at": NOW, **changes}


@pytest.mark.kill
def test_another_program_is_seen_in_the_console(
    tracing: Tracing, inbox: Callable[..., Inbox], child_environment: dict[str, str]
) -> None:
    child_environment["OPENAI_AGENTS_DISABLE_TRACING"] = "0"
    with ModelServer() as server:
        server.enqueue(Reply(calls=(ToolCall("weather", {"city": "Oslo"}),)), Reply(text="Sunny."))
        program = subprocess.run(
            [sys.executable, "-c", _PROGRAM, str(tracing.folder), server.base_url],
            cwd=PROJECT,
            env=child_environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert program.stdout == "Sunny.\n", program.stderr
    inbox(content="redacted").take_in()

    tool = tracing.span(kind="tool")
    assert (tool["name"], tool["agent"], tool["run_id"]) == ("weather", "Weather agent", None)
    kept = tracing.store.rows("select content from span_rows where kind = 'tool'")[0][0]
    assert orjson.loads(kept) == {"arguments": {"city": "Oslo"}, "result": "Sunny in Oslo; ask [e-mail]"}
    calls = [row for row in tracing.spans() if row["is_model_call"]]
    assert len(calls) == 2
    # Nothing of ours counted these, so the trace store prices them.
    assert all(call["cost_usd"] > 0 and call["input_tokens"] > 0 for call in calls)
    assert tracing.store.rows("select trace_id, name, run_id from traces") == [
        (tool["trace_id"], "Agent workflow", None)
    ]
    assert list((tracing.folder / INBOX).iterdir()) == []


def test_what_comes_while_a_program_still_writes_is_there_once(tracing: Tracing, inbox: Callable[..., Inbox]) -> None:
    writer = console_inbox(tracing.folder)
    add_trace_processor(writer)
    watching = inbox()
    for number in range(3):
        with trace("t"), custom_span(f"n{number}"):
            pass
        watching.take_in()
    names = [row["name"] for row in tracing.spans()]
    # Its own processor and the inbox tell of the same spans.
    assert sorted(set(names)) == ["n0", "n1", "n2"]

    # The next start reads the unfinished file again from its beginning.
    count = len(names)
    inbox().take_in()
    assert len(tracing.spans()) == count
    assert len(list((tracing.folder / INBOX).iterdir())) == 1
    writer.shutdown()
    watching.take_in()
    assert list((tracing.folder / INBOX).iterdir()) == []


def test_nothing_from_outside_is_taken_for_a_run(tracing: Tracing, inbox: Callable[..., Inbox]) -> None:
    run = {
        "type": "run",
        "run_id": "run_1",
        "trace_id": "t",
        "status": "completed",
        "created_at": NOW,
        "updated_at": NOW,
    }
    _put(tracing.folder, _span(run_id="run_1", segment=3), run, b"[1]\n", b"no json\n", _span(span_id="s2"))
    inbox().take_in()
    rows = tracing.spans()
    assert [(row["span_id"], row["run_id"], row["segment"]) for row in rows] == [("s", None, None), ("s2", None, None)]
    assert tracing.store.rows("select count(*) from runs") == [(0,)]
    (rejected,) = (tracing.folder / INBOX / "rejected").iterdir()
    assert rejected.read_bytes().count(b"\n") == 3


def test_a_line_cut_by_a_kill_is_set_aside(tracing: Tracing, inbox: Callable[..., Inbox]) -> None:
    _put(tracing.folder, _span(), b'{"type":"span","trace')
    inbox().take_in()
    assert [row["span_id"] for row in tracing.spans()] == ["s"]
    (rejected,) = (tracing.folder / INBOX / "rejected").iterdir()
    assert rejected.read_bytes() == b'{"type":"span","trace'


def test_while_the_disk_takes_nothing_the_file_stays(tracing: Tracing) -> None:
    _put(tracing.folder, _span())
    is_full = True

    def write(lines: bytes) -> bool:
        return tracing.processor.write_lines(lines) and not is_full

    watching = Inbox(tracing.folder / INBOX, write=write, content="full")
    watching.take_in()
    assert len(list((tracing.folder / INBOX).glob("*.jsonl"))) == 1
    is_full = False
    watching.take_in()
    assert list((tracing.folder / INBOX).glob("*.jsonl")) == []
    assert len(tracing.spans()) == 1


def test_the_thread_takes_in_by_itself_and_at_its_end(tracing: Tracing) -> None:
    watching = Inbox(tracing.folder / INBOX, write=tracing.processor.write_lines, content="none", interval_s=60)
    watching.start()
    processor = console_inbox(tracing.folder, content="none")
    add_trace_processor(processor)
    with trace("t"), function_span("f", input="{}", output="secret"):
        pass
    processor.shutdown()
    assert b"secret" not in b"".join(path.read_bytes() for path in (tracing.folder / INBOX).glob("*.jsonl"))
    watching.close()
    assert list((tracing.folder / INBOX).iterdir()) == []
