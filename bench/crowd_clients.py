"""The clients of ``crowd_api``, in a process of their own: what they take of the processor is not the product's.

``python -m bench.crowd_clients`` reads where to go from its input as JSON and prints what the clients saw.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx2

MESSAGE = "How do I export my data as CSV?"
LONGEST_S = 600.0
PROJECT = Path(__file__).resolve().parents[1]


@dataclass
class Took:
    """What the crowd saw; times in seconds."""

    submits: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    refused: int = 0
    lost: int = 0
    wall: float = 0.0


def crowd(url: str, secret: str, *, clients: int) -> Took:
    """Let so many clients submit at one moment and follow their runs."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.crowd_clients"],
        cwd=PROJECT,
        input=json.dumps({"url": url, "secret": secret, "clients": clients}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Took(**json.loads(done.stdout))


async def _crowd(url: str, secret: str, clients: int) -> Took:
    took = Took()
    shared = ssl.create_default_context()
    # A client for each: one with many connections looks through all of them at every answer.
    crowd = [
        httpx2.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {secret}"},
            timeout=LONGEST_S,
            trust_env=False,
            verify=shared,
        )
        for _ in range(clients)
    ]
    begun = time.perf_counter()
    await asyncio.gather(*(_one(client, took) for client in crowd))
    took.wall = time.perf_counter() - begun
    for client in crowd:
        await client.aclose()
    return took


async def _one(http: httpx2.AsyncClient, took: Took) -> None:
    """Be one client: submit a message and follow its run to the end."""
    begun = time.perf_counter()
    accepted = await http.post("/api/support/triage", json={"message": MESSAGE})
    took.submits.append(time.perf_counter() - begun)
    if accepted.status_code not in (200, 202):
        took.refused += 1
        return
    run_id = accepted.json()["run"]["id"]
    numbers: list[int] = []
    status = ""
    begun = time.perf_counter()
    async with http.stream("GET", f"/api/runs/{run_id}/events") as stream:
        if stream.status_code != 200:
            took.refused += 1
            return
        async for line in stream.aiter_lines():
            if line.startswith("id: "):
                numbers.append(int(line[4:]))
                if len(numbers) == 1:
                    took.firsts.append(time.perf_counter() - begun)
            elif line.startswith("data: ") and '"status"' in line:
                status = str(json.loads(line[6:]).get("status", status))
    if numbers != list(range(1, len(numbers) + 1)) or status != "completed":
        took.lost += 1


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_crowd(**json.load(sys.stdin))))))
