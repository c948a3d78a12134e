"""What a console writes to standard error: lines of JSON, also where the agents SDK has something to say."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.protocol.desk import Desk
from tests.servers.model_script import Failure, Reply
from triage.logs import SDK, configure_logs

pytestmark = pytest.mark.protocol

SAID = "my card is 4111"
Lines = Callable[[], list[dict[str, Any]]]


@contextmanager
def as_a_console(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """Set up the logs as a console does, in the test itself, whose standard error it is."""
    sdk = logging.getLogger(SDK)
    kept = sdk.handlers, sdk.propagate
    configure_logs()
    try:
        yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    finally:
        sdk.handlers, sdk.propagate = kept


@pytest.mark.parametrize("fault", [Failure(500), Reply(text="Lost", fault="cut", fault_at=0)], ids=["500", "cut"])
async def test_a_model_that_fails_is_told_once(
    desk: Desk, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, fault: Any
) -> None:
    desk.server.enqueue(fault, Reply(text="Good."))
    with as_a_console(capsys) as lines:
        await desk.ask(SAID)
        assert [line["event"] for line in lines()] == ["model call failed"]
    assert caplog.messages == []


def test_what_else_the_sdk_says_names_the_place_and_no_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    failed = ValueError(SAID)
    with as_a_console(capsys) as lines:
        logging.getLogger(SDK).error("Tool failed: %s", failed, exc_info=failed)
        logging.getLogger(f"{SDK}.tracing").error(SAID)
        logging.getLogger(SDK).warning(SAID)
        first, second = lines()
    assert (first["event"], first["level"], first["error"]) == ("sdk_error", "error", "ValueError")
    assert first["place"].startswith("protocol/test_log_lines.py:")
    assert SAID not in json.dumps([first, second])
