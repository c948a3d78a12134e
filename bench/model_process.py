"""A model server as a process of its own that answers the scripted run over HTTP, each call after a pause.

``python -m bench.model_process --delay-ms 1000`` prints its address and serves until it is ended.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.script import ACCOUNT, RESULT, SEARCH, VERDICT
from tests.servers.model_script import ModelRequest, Reply, ToolCall
from tests.servers.model_server import ModelServer

PROJECT = Path(__file__).resolve().parents[1]


def scripted_brain(request: ModelRequest) -> Reply:
    """Answer as the scripted run does, told by what the request holds; it costs the server next to nothing."""
    if not request.tools:
        return Reply(text=VERDICT)
    if any(item.get("type") == "function_call_output" for item in request.items):
        return Reply(text=RESULT)
    calls = (ToolCall("search_knowledge_base", SEARCH), ToolCall("get_account_status", {"account_id": ACCOUNT}))
    return Reply(calls=calls)


@contextmanager
def model_server(*, delay_ms: int) -> Iterator[tuple[str, psutil.Process]]:
    """Run the server and yield its address and its process."""
    command = [sys.executable, "-m", "bench.model_process", "--delay-ms", str(delay_ms)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip(), psutil.Process(server.pid)
        finally:
            server.kill()


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay-ms", type=int, default=0)
    arguments = parser.parse_args()
    server = ModelServer(scripted_brain, delay_s=arguments.delay_ms / 1000)
    print(server.base_url, flush=True)
    server.serve()


if __name__ == "__main__":
    main()
