"""A model endpoint on this machine that speaks the Responses API and chat completions, streamed and whole.

In a test: ``with ModelServer() as server: server.enqueue(Reply(text="Hello")); ... server.base_url, server.requests``.
Without a script the offline engine decides, so that a whole team can work against it. For benchmarks it runs as a
process of its own: ``python -m tests.servers.model_server --port 8765 --delay-ms 1000``.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.servers.model_script import Brain, Failed, Failure, Hang, ModelRequest, Reply, Step, WireProtocol
from tests.servers.model_wire import Frame, chat_frames, chat_json, responses_frames, responses_json

LONGEST_GATE_S = 10.0


class ModelServer:
    """Answers with the enqueued steps in order, then with what ``brain`` says; keeps every request.

    ``delay_s`` is how long the model thinks before each answer.
    """

    def __init__(self, brain: Brain | None = None, *, delay_s: float = 0.0, port: int = 0) -> None:
        self.requests: list[ModelRequest] = []
        self.brain = brain
        self._delay_s = delay_s
        self._steps: deque[Step] = deque()
        self._closing = asyncio.Event()
        self._socket = socket.create_server(("127.0.0.1", port))
        # Connections inherit it; asyncio would set it only for sockets that it made itself, and without it the second
        # piece of each answer waits 40 ms.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The faults that a test asks for would be logged as errors of the server.
        quiet: dict[str, Any] = {"log_config": None, "log_level": "critical"}
        self._server = _Server(uvicorn.Config(self._app(), lifespan="off", timeout_graceful_shutdown=1, **quiet))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    @property
    def base_url(self) -> str:
        """The address for ``OPENAI_BASE_URL``."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    def enqueue(self, *steps: Step) -> None:
        """Script the next answers."""
        self._steps.extend(steps)

    def assert_complete(self) -> None:
        """Fail when a scripted answer was never asked for."""
        assert not self._steps, f"{len(self._steps)} scripted answers were never asked for."

    def reset(self) -> None:
        """Forget the script and the requests, and let go of what hangs."""
        self._steps.clear()
        self.requests.clear()
        self.brain = None
        self._release()
        self._closing = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._server.ready.wait(10), "The model server did not start."
        return self

    def __exit__(self, *_: object) -> None:
        self._release()
        self._server.should_exit = True
        self._thread.join(10)

    def _release(self) -> None:
        assert self._server.loop is not None
        self._server.loop.call_soon_threadsafe(self._closing.set)

    def serve(self) -> None:
        """Serve in this thread until interrupted."""
        self._server.run(sockets=[self._socket])

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/responses", self._responses, methods=["POST"]),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/models", self._models),
            ]
        )

    async def _models(self, request: Request) -> Response:
        model = {"id": "test-model", "object": "model", "created": 0, "owned_by": "tests"}
        return JSONResponse({"object": "list", "data": [model]})

    async def _responses(self, request: Request) -> Response:
        return await self._answer(await _read(request, "responses"))

    async def _chat(self, request: Request) -> Response:
        return await self._answer(await _read(request, "chat_completions"))

    async def _answer(self, request: ModelRequest) -> Response:
        self.requests.append(request)
        step = self._steps.popleft() if self._steps else await asyncio.to_thread(self._think, request)
        await asyncio.sleep(self._delay_s)
        if isinstance(step, Hang):
            await self._closing.wait()
            return Response(status_code=503)
        if isinstance(step, Failure):
            error = {"message": "The test asked for a failure.", "code": step.code, "type": "test", "param": None}
            return JSONResponse({"error": error}, step.status, dict(step.headers))
        model = (step.answered_by if isinstance(step, Reply) else None) or request.model
        is_chat = request.protocol == "chat_completions"
        if request.is_stream:
            frames = (
                chat_frames(step, model, with_usage=request.wants_usage) if is_chat else responses_frames(step, model)
            )
            return StreamingResponse(self._play(step, frames), media_type="text/event-stream")
        assert isinstance(step, Reply)
        return JSONResponse((chat_json if is_chat else responses_json)(step, model))

    def _think(self, request: ModelRequest) -> Step:
        if self.brain is not None:
            return self.brain(request)
        # The offline engine is loaded only where it is wanted.
        from tests.servers.model_brain import offline_brain

        return offline_brain(request)

    async def _play(self, step: Reply | Failed, frames: Iterator[Frame]) -> AsyncIterator[str]:
        """Send the frames, keeping the gates, pauses and faults of the script."""
        number = 0
        for is_delta, frame in frames:
            if is_delta and isinstance(step, Reply):
                if step.fault is not None and step.fault_at == number:
                    async for noise in self._fault(step.fault):
                        yield noise
                    return
                if (gate := step.gates.get(number)) is not None:
                    assert await asyncio.to_thread(gate.wait, LONGEST_GATE_S), "Nobody opened the gate."
                await asyncio.sleep(step.pause_s)
                number += 1
            yield frame

    async def _fault(self, fault: str) -> AsyncIterator[str]:
        if fault == "cut":
            # Uvicorn drops the connection of an answer that fails after its start, without the closing chunk.
            raise ConnectionAbortedError
        if fault == "hang":
            await self._closing.wait()
        if fault == "garbage":
            yield 'data: {"type": "response.output_text.delta", "delta": \n\n'


async def _read(request: Request, protocol: WireProtocol) -> ModelRequest:
    port = request.client.port if request.client is not None else 0
    return ModelRequest(protocol, await request.json(), dict(request.headers), port)


class _Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[Any] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.ready.set()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--delay-ms", type=int, default=0)
    arguments = parser.parse_args()
    ModelServer(delay_s=arguments.delay_ms / 1000, port=arguments.port).serve()


if __name__ == "__main__":
    main()
