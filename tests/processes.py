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
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

PROJECT = Path(__file__).resolve().parents[1]
LONGEST_S = 90.0
STOP_S = 20.0
_PRELOADED = [
    "triage.cli.app",
    "triage.services.owner",
    "triage.api.app",
    "alembic.command",
    "streamlit.web.bootstrap",
    "streamlit.web.cli",
    "tests.processes",
]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_PRELOADED)


class RunningModule:
    """``python -m MODULE ARGUMENTS`` in the project's folder; ``communicate`` or ``close`` ends it."""

    def __init__(self, module: str, *arguments: str, environment: Mapping[str, str], stdin: bytes = b"") -> None:
        self.args = [module, *arguments]
        self._folder = tempfile.TemporaryDirectory()
        streams = [Path(self._folder.name, name) for name in ("in", "out", "err")]
        for path, text in zip(streams, (stdin, b"", b""), strict=True):
            path.write_bytes(text)
        self._out, self._errors = streams[1:]
        self._process = _context.Process(
            target=_work, args=(module, arguments, dict(environment), [str(path) for path in streams]), daemon=True
        )
        with _without_main():
            self._process.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, the negative number of the signal that ended it, or None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()

    def output(self) -> tuple[str, str]:
        """Return what it has said up to now, and its complaints."""
        return self._out.read_text(), self._errors.read_text()

    def wait_for_output(self, beginning: str) -> None:
        """Wait until it has begun to say something."""
        deadline = time.monotonic() + LONGEST_S
        while not self._out.read_text().startswith(beginning):
            assert self.returncode is None, self.output()
            assert time.monotonic() < deadline, f"It never said {beginning}."
            time.sleep(0.02)

    def stop(self) -> None:
        """End it as somebody does who stops a server, by force if it does not hear; and tidy up."""
        if self.returncode is None:
            self.send_signal(signal.SIGTERM)
            self._process.join(STOP_S)
        self.close()

    def close(self) -> None:
        """End it if it still runs, and tidy up."""
        self.kill()
        self._process.join()
        self._folder.cleanup()

    def communicate(self, timeout: float = LONGEST_S) -> tuple[str, str]:
        """Wait for its end, return what it said, and tidy up; once.

        Raises:
            TimeoutExpired: it did not end; it was killed.
        """
        self._process.join(timeout)
        if self.returncode is None:
            self.kill()
            self._process.join()
            raise subprocess.TimeoutExpired(self.args, timeout, *self.output())
        said = self.output()
        self._folder.cleanup()
        return said


def run_module(
    module: str, *arguments: str, environment: Mapping[str, str], stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m MODULE ARGUMENTS`` in the project's folder and return how it ended.

    Raises:
        TimeoutExpired: it did not end; it was killed.
    """
    process = RunningModule(module, *arguments, environment=environment, stdin=stdin)
    out, errors = process.communicate()
    assert process.returncode is not None
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide what ran as ``__main__`` last: a new process would run it too, and page tests leave the console there."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _work(module: str, arguments: tuple[str, ...], environment: dict[str, str], streams: list[str]) -> None:
    """Become the process: its environment, folder, streams and arguments, then its module."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(PROJECT)
    for number, path in enumerate(streams):
        file = os.open(path, os.O_WRONLY if number else os.O_RDONLY)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = os.fdopen(0, closefd=False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
