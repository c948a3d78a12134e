"""Modules run as processes of their own, without the seconds that each would need to import everything.

A fork server of ``multiprocessing`` imports the product once; what it starts is a process like any other, with its own
memory, threads, signals and end. Only the time before the first line of ``__main__`` is shared.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
_PRELOADED = ["triage.cli.app", "triage.services.owner", "alembic.command", "tests.processes"]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_PRELOADED)


def run_module(
    module: str, *arguments: str, environment: Mapping[str, str], timeout_s: float = 90.0
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m MODULE ARGUMENTS`` in the project's folder and return how it ended.

    Raises:
        TimeoutExpired: it did not end; it was killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        outputs = [str(Path(folder, name)) for name in ("out", "err")]
        process = _context.Process(target=_work, args=(module, arguments, dict(environment), outputs))
        process.start()
        process.join(timeout_s)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(module, timeout_s)
        out, errors = (Path(path).read_text() if Path(path).exists() else "" for path in outputs)
        return subprocess.CompletedProcess([module, *arguments], process.exitcode, out, errors)


def _work(module: str, arguments: tuple[str, ...], environment: dict[str, str], outputs: list[str]) -> None:
    """Become the process: its environment, folder, streams and arguments, then its module."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(PROJECT)
    for number, path in enumerate(outputs, 1):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
        os.close(file)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
