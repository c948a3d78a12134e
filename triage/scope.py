"""What the parts of one running segment share: where its durable steps and events go.

The runner hands a context to tools and guardrails but not to models and tracing, so the scope travels in a context
variable that every task of the run inherits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from triage.domain import EventKind, Usage


class Steps(Protocol):
    """Runs a piece of work once: after a kill the recorded outcome is returned instead of working again."""

    async def run(self, name: str, work: Callable[[], Awaitable[Any]], *, once: bool = False) -> Any:
        """Run ``work`` as the durable step ``name`` and return its JSON-compatible outcome.

        ``once`` refuses with OutcomeUnknown what was begun before a kill and may have been done.
        """

    def is_kept(self, name: str) -> bool:
        """Return whether the next step of this name was finished before a kill."""


class EventSink(Protocol):
    """Where a run tells what happens; see ``NewEvent`` for the meaning of ``key``."""

    def emit(self, kind: EventKind, key: str, *, duration_ms: int | None = None, **payload: Any) -> None:
        """Append an event; returns at once and never raises."""

    def text(self, source: str, delta: str) -> None:
        """Pass on a piece of streamed text of ``source`` (a call id); kept in coalesced pieces."""

    def restart_text(self, source: str) -> None:
        """Say that what was streamed for ``source`` so far, if anything, is void because its model call starts."""

    def finish_text(self, source: str, text: str) -> None:
        """Say what the whole text of ``source`` is, also on a replay, where nothing is streamed again."""


class Turn(Protocol):
    """Whose turn it is to work between two model calls."""

    async def take(self) -> None:
        """Wait until this segment may go on working."""

    def give(self) -> None:
        """Let another segment work while this one waits for a model."""


class DirectSteps:
    """Runs the work right away and keeps nothing; for tests, evaluation and the benchmark's bare run."""

    async def run(self, name: str, work: Callable[[], Awaitable[Any]], *, once: bool = False) -> Any:  # noqa: ARG002
        """Run ``work``."""
        return await work()

    def is_kept(self, name: str) -> bool:  # noqa: ARG002
        """Return False."""
        return False


class NoEvents:
    """Forgets every event; for evaluation and the benchmark's bare run."""

    def emit(self, kind: EventKind, key: str, *, duration_ms: int | None = None, **payload: Any) -> None:
        """Do nothing."""

    def text(self, source: str, delta: str) -> None:
        """Do nothing."""

    def restart_text(self, source: str) -> None:
        """Do nothing."""

    def finish_text(self, source: str, text: str) -> None:
        """Do nothing."""


class AlwaysOn:
    """Works whenever it can; for tests, evaluation and the benchmark's bare run."""

    async def take(self) -> None:
        """Do nothing."""

    def give(self) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class ModelCallRecord:
    """One finished model call of a segment, replayed ones included; ``cost_usd`` is None where no price is known.

    ``is_fallback`` says that the model which was asked first did not answer.
    """

    role: str
    model: str
    usage: Usage
    cost_usd: Decimal | None
    duration_ms: int
    is_fallback: bool = False


@dataclass
class AskedCall:
    """One try of one model, while it lasts.

    ``model`` is its name in the settings, because a span knows only what the provider calls it, or nothing.
    ``is_priced`` is true from the answer on; ``cost_usd`` is then None where no price is known. ``is_retry`` says that
    the same model was asked a moment before, ``is_fallback`` that the models before it in the chain did not answer,
    ``is_watched`` that somebody waits for the pieces of the answer as they come.
    """

    model: str
    is_retry: bool = False
    is_fallback: bool = False
    is_watched: bool = True
    is_priced: bool = False
    cost_usd: Decimal | None = None


@dataclass
class RunScope:
    """The running segment; one object per segment, shared by all its tasks.

    ``is_replay`` is true when the segment was started before and killed: the tracing then expects spans that are
    already kept. ``ordinals`` numbers spans of the same kind below the same parent, so that a replay gives each the
    same id. ``verdicts`` keeps what each guardrail said until its span ends, because the SDK's span drops it.
    ``rulings`` keeps by call id what the policy said of a call.
    """

    run_id: str
    segment: int = 0
    is_replay: bool = False
    steps: Steps = field(default_factory=DirectSteps)
    events: EventSink = field(default_factory=NoEvents)
    turn: Turn = field(default_factory=AlwaysOn)
    calls: list[ModelCallRecord] = field(default_factory=list)
    turns: int = 0
    last_agent: str | None = None
    ordinals: dict[tuple[str, str, str], int] = field(default_factory=dict)
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    rulings: dict[str, dict[str, Any]] = field(default_factory=dict)


_SCOPE: ContextVar[RunScope | None] = ContextVar("triage_run_scope", default=None)
_ASKED_CALL: ContextVar[AskedCall | None] = ContextVar("triage_asked_call", default=None)


def current_scope() -> RunScope | None:
    """Return the scope of the running segment, or None outside of one."""
    return _SCOPE.get()


def enter_scope(scope: RunScope) -> None:
    """Make ``scope`` the current one for this task and the tasks it starts."""
    _SCOPE.set(scope)


@contextmanager
def asking(
    model: str, *, is_retry: bool = False, is_fallback: bool = False, is_watched: bool = True
) -> Iterator[AskedCall]:
    """Say which model of the settings is asked; what the answer costs is put into the call, for its span."""
    call = AskedCall(model, is_retry=is_retry, is_fallback=is_fallback, is_watched=is_watched)
    token = _ASKED_CALL.set(call)
    try:
        yield call
    finally:
        _ASKED_CALL.reset(token)


def asked_call() -> AskedCall | None:
    """Return the model call that is being made, or None outside of one."""
    return _ASKED_CALL.get()
