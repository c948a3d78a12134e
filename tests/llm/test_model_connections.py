"""What becomes of connections to a model that somebody else ends, and what the errors are called."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from agents import Model, ModelSettings
from agents.models.interface import ModelTracing
from openai import APIConnectionError, APITimeoutError

from triage.llm.chain import ModelCall
from triage.llm.clients import ClientPool, WholeAnswerChatModel, WholeAnswerResponsesModel
from triage.llm.faults import ModelFault, fault_of

GOOD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 14\r\n\r\ndata: [DONE]\n\n"
Pools = Callable[[str], ClientPool]


class RawServer:
    """Takes connections, reads the beginning of a request and says what it was given to say."""

    def __init__(self, listening: socket.socket, answers: list[bytes]) -> None:
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        self.asked: list[bytes] = []
        self.ended = threading.Semaphore(0)
        self._listening, self._answers = listening, answers

    def serve(self) -> None:
        for answer in self._answers:
            connection, _ = self._listening.accept()
            with connection:
                if request := connection.recv(65536):
                    self.asked.append(request)
                connection.sendall(answer)
                # The client takes the answer in before it hears that the connection has ended.
                time.sleep(0.05)
            self.ended.release()


@contextmanager
def raw_server(*answers: bytes) -> Iterator[RawServer]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = RawServer(listening, list(answers))
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        yield server
        thread.join(10)


@pytest.fixture
async def pools() -> AsyncIterator[Pools]:
    opened: list[ClientPool] = []

    def open_pool(url: str) -> ClientPool:
        opened.append(ClientPool(api_key="k", base_url=url, timeout_s=5))
        return opened[-1]

    yield open_pool
    for pool in opened:
        await pool.close()


async def ask(pool: ClientPool, *, in_chat: bool = False) -> list[Any]:
    if in_chat:
        return [
            event async for event in await pool.client().chat.completions.create(model="m", messages=[], stream=True)
        ]
    return [event async for event in await pool.client().responses.create(model="m", input="i", stream=True)]


def saying(*events: str) -> bytes:
    """An answer of these events whose connection ends before the answer does."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 5000\r\n\r\n"
    return head + "".join(f"data: {event}\n\n" for event in events).encode()


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used(
    pools: Pools,
) -> None:
    with raw_server(GOOD, GOOD) as server:
        pool = pools(server.url)
        assert await ask(pool) == []
        # The loop is busy, as with a tool's work or the database, while the connection ends.
        assert server.ended.acquire(timeout=10)
        assert await ask(pool) == []
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nconte", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 9000 + b"\r\n\r\n"],
    ids=["no answer", "broken off in the headers", "no HTTP", "a header too long"],
)
async def test_an_answer_that_never_began_is_a_lost_connection_and_no_timeout(pools: Pools, answer: bytes) -> None:
    with raw_server(answer) as server, pytest.raises(APIConnectionError) as lost:
        await ask(pools(server.url))
    assert not isinstance(lost.value, APITimeoutError)
    assert _reason(lost.value) == "connection failed"


async def test_a_server_that_is_not_there_is_a_lost_connection_and_no_timeout(
    pools: Pools,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/v1"
    with pytest.raises(APIConnectionError) as lost:
        await ask(pools(url))
    assert not isinstance(lost.value, APITimeoutError)
    assert _reason(lost.value) == "connection failed (refused)"


async def test_a_name_and_a_password_in_the_address_sign_in(pools: Pools) -> None:
    with raw_server(GOOD) as server:
        pool = pools(server.url.replace("//", "//desk:pass%40word@"))
        assert await ask(pool) == []
    assert pool.base_url == server.url
    credentials = base64.b64encode(b"desk:pass@word")
    assert b"authorization: basic " + credentials.lower() in server.asked[0].lower()


@pytest.mark.parametrize(
    "rest",
    [b"content-length: 500\r\n\r\n{", b"content-encoding: gzip\r\ncontent-length: 5\r\n\r\nabcde"],
    ids=["cut", "no gzip"],
)
async def test_an_error_status_whose_text_cannot_be_read_is_an_outage(pools: Pools, rest: bytes) -> None:
    with (
        raw_server(b"HTTP/1.1 500 No\r\n" + rest) as server,
        pytest.raises((httpx2.ReadError, httpx2.DecodingError)) as failed,
    ):
        await ask(pools(server.url))
    assert _reason(failed.value) == "connection failed"


ANSWER = '{"type":"response.completed","response":'
NO_EVENTS = ["null", "[]", '{"type":["x"]}', '{"type":"response.output_item.done","item":{"type":"function_call"}}']
DEEP = "[" * 300 + "]" * 300
NO_ANSWERS = [
    "null",
    '{"output":[null]}',
    '{"output":[{"type":"message","content":null}]}',
    '{"usage":5}',
    '{"output":[{"type":"function_call","name":"n","call_id":"c","arguments":{}}]}',
    '{"output":[{"type":"function_call","name":"n","call_id":"c"}]}',
    f'{{"output":[{{"type":"odd","odd":{DEEP}}}]}}',
    f'{{"usage":{{"odd":{DEEP}}}}}',
]


@pytest.mark.parametrize("event", [*NO_EVENTS, *(f"{ANSWER}{what}}}" for what in NO_ANSWERS)])
async def test_json_that_is_no_event_is_an_unreadable_stream(pools: Pools, event: str) -> None:
    with raw_server(saying(event)) as server, pytest.raises(ModelFault, match="unreadable stream"):
        await ask(pools(server.url))


@pytest.mark.parametrize(
    "chunk",
    [
        "null",
        "[]",
        '{"choices":5}',
        '{"choices":[null]}',
        '{"choices":[{"delta":{"tool_calls":[null]}}]}',
        '{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":{}}}]}}]}',
        '{"choices":[{"delta":{"content":["Hi"]}}]}',
    ],
)
async def test_json_that_is_no_chunk_is_an_unreadable_stream(pools: Pools, chunk: str) -> None:
    with raw_server(saying(chunk)) as server, pytest.raises(ModelFault, match="unreadable stream"):
        await ask(pools(server.url), in_chat=True)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
async def test_json_that_is_nested_without_end_is_an_unreadable_stream(pools: Pools, line_end: str) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    answer = head + b'data: {"type":"odd","odd":' + b"[" * 100_000 + line_end.encode() * 2
    with raw_server(answer) as server, pytest.raises(RecursionError) as failed:
        await ask(pools(server.url))
    assert _reason(failed.value) == "unreadable stream"


async def test_a_connection_that_is_lost_behind_the_whole_answer_is_no_failure(pools: Pools) -> None:
    with raw_server(saying(f'{ANSWER}{{"output":[]}}}}')) as server:
        model = WholeAnswerResponsesModel("m", pools(server.url).client())
        assert await _types_of(model) == ["response.completed"]


async def test_a_chunk_without_choices_is_passed_over(pools: Pools) -> None:
    end = '{"choices":[{"index":0,"delta":{"content":"Yes."},"finish_reason":"stop"}]}'
    with raw_server(saying('{"choices":null}', end, "[DONE]")) as server:
        model = WholeAnswerChatModel("m", pools(server.url).client())
        assert (await _types_of(model))[-1] == "response.completed"


async def _types_of(model: Model) -> list[str]:
    call = ModelCall(None, "i", ModelSettings(), [], None, [], ModelTracing.DISABLED)
    return [event.type async for event in call.stream(model)]


def _reason(error: Exception) -> str:
    fault = fault_of(error)
    assert isinstance(fault, ModelFault)
    assert fault.is_passing
    return fault.reason
