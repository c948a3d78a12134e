"""A run's events as a story: one line each, in words that a support lead reads.

Everything here is pure: events in, lines out. The words around are ours; what customers, models and people wrote goes
through ``plain`` before it becomes part of a line. A tool that was called and then answered is one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pages.components.actions import action, action_icon, is_look_up
from pages.components.fields import Field, fields_of
from pages.components.text import bold, plain
from pages.components.words import Colour, duration, event, money, one_line, words
from triage.domain import EventKind, RunEvent
from triage.errors import OutcomeUnknown, ToolError
from triage.llm.names import OFFLINE_MODEL_NAME

_WORTH_TELLING_MS = 10
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_STAGES = {
    "input": "the message",
    "output": "the answer",
    "tool_input": "an action of the agents",
    "tool_output": "looked-up text",
}
# What kind of failure is an answer with which the agents go on: there is no such account, the order is too old.
_ANSWERS = {ToolError.__name__, "refused", "bad_arguments"}
_RELEASED_RUNS = ("blocked_run_id", "released_run_id")
_ENDS = {
    EventKind.RUN_COMPLETED,
    EventKind.RUN_BLOCKED,
    EventKind.RUN_FAILED,
    EventKind.RUN_CANCELLED,
    EventKind.RUN_TAKEN_OVER,
}


@dataclass(frozen=True)
class Line:
    """One line of the story.

    ``text`` is Markdown whose data is escaped already. ``badge`` says in words what somebody has to know at a glance.
    ``is_detail`` lines are for whoever asks for details; ``is_open`` says that the thing still goes on.
    """

    seq: int
    at: datetime
    icon: str
    text: str
    duration_ms: int | None = None
    badge: tuple[str, Colour] | None = None
    fields: tuple[Field, ...] = ()
    is_detail: bool = False
    is_open: bool = False

    @property
    def label(self) -> str:
        """The whole line as Markdown, with its badge and the time that it took."""
        parts = [self.text]
        if self.badge is not None:
            parts.append(f":{self.badge[1]}-badge[{self.badge[0]}]")
        if self.duration_ms is not None and self.duration_ms >= _WORTH_TELLING_MS:
            parts.append(f":gray[· {plain(duration(self.duration_ms))}]")
        return " ".join(parts)


def story(events: Sequence[RunEvent]) -> list[Line]:
    """Return the lines of a run's story, oldest first."""
    return _Teller().tell(events)


def streamed_reply(events: Sequence[RunEvent], live: Mapping[str, str]) -> str:
    """Return the reply of the latest source as far as it was streamed.

    ``live`` has the whole text of a source; the kept pieces count where it has none, because others do the work.
    """
    texts: dict[str, str] = {}
    for item in events:
        source = str(item.payload.get("source", ""))
        if item.kind is EventKind.TEXT_DELTA:
            texts[source] = texts.pop(source, "") + str(item.payload.get("text", ""))
        elif item.kind is EventKind.TEXT_RESTARTED:
            texts[source] = ""
    for source, text in live.items():
        texts.pop(source, None)
        texts[source] = text
    return next(reversed(texts.values()), "")


class _Teller:
    """Goes through the events once and remembers which line a later event completes."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._calls: dict[str, tuple[int, Any]] = {}
        self._waiting: dict[str, int] = {}
        self._agent = ""
        self._stood_in: set[tuple[str, str, str]] = set()

    def tell(self, events: Sequence[RunEvent]) -> list[Line]:
        for item in events:
            if item.kind in _ENDS:
                self._close()
            if (teller := _TELLERS.get(item.kind)) is not None:
                teller(self, item, item.payload)
        return self._lines

    def add(self, item: RunEvent, text: str, **more: Any) -> None:
        more.setdefault("icon", event(item.kind).icon)
        more.setdefault("duration_ms", item.duration_ms)
        self._lines.append(Line(seq=item.seq, at=item.at, text=text, **more))

    def called(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        tool = str(said.get("tool", ""))
        self._calls[str(said.get("call_id"))] = (len(self._lines), said.get("arguments"))
        self.add(
            item,
            action(tool, said.get("arguments"), tense="doing"),
            icon=action_icon(tool),
            fields=fields_of(said.get("arguments")),
            is_open=True,
        )

    def completed(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        index, line, arguments = self._call(item, said)
        text = action(str(said.get("tool", "")), arguments, tense="done")
        summary = plain(one_line(str(said.get("summary") or "")))
        self._lines[index] = replace(
            line,
            text=f"{text} :gray[· {summary}]" if summary else text,
            duration_ms=item.duration_ms,
            fields=(*line.fields, *fields_of(said.get("output"), name="Result")),
            is_open=False,
        )

    def failed(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        index, line, arguments = self._call(item, said)
        tool, kind = str(said.get("tool", "")), str(said.get("error_kind", ""))
        # "Could not" would be a claim where nobody knows whether it happened.
        text = action(tool, arguments, tense="doing" if kind == OutcomeUnknown.code else "failed")
        why = plain(_first_sentence(str(said.get("error") or "")))
        self._lines[index] = replace(
            line,
            text=f"{text} :gray[· {why}]" if why else text,
            duration_ms=item.duration_ms,
            badge=_failure(tool, kind),
            fields=(*line.fields, *fields_of(said.get("error"), name="Reason")),
            is_open=False,
        )

    def _call(self, item: RunEvent, said: Mapping[str, Any]) -> tuple[int, Line, Any]:
        """Return place, line and arguments of the call that this event ends; it is told now if it never was."""
        call_id = str(said.get("call_id"))
        if call_id not in self._calls:
            self.called(item, said)
        index, arguments = self._calls[call_id]
        return index, self._lines[index], arguments

    def handoff(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        self._agent = str(said.get("to", ""))
        self.add(item, f"Handed over to {bold(self._agent)}", fields=fields_of({"from": said.get("from")}))

    def agent(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        name = str(said.get("agent", ""))
        self.add(item, f"{bold(name)} started", is_detail=name == self._agent)
        self._agent = name

    def passed(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        word = "let it through, as a person released it" if said.get("verdict") == "released" else "passed"
        self.add(item, f"{bold(words(str(said.get('guardrail', ''))))} {word}", fields=_verdict(said))

    def released(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        what = "; its message runs again" if said.get("released_run_id") else ""
        reason = plain(one_line(str(said.get("reason", ""))))
        self.add(
            item,
            f"Released by {bold(said.get('by') or 'somebody')}{what}: {reason}",
            fields=fields_of({name: said.get(name) for name in ("reason", "guardrail", *_RELEASED_RUNS)}),
        )

    def tripped(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        name = bold(words(str(said.get("guardrail", ""))))
        stage = _STAGES.get(str(said.get("stage")), "the run")
        verdict = plain(words(str(said.get("verdict", ""))).lower())
        ends = said.get("ends_run", True)
        text = f"{name} stopped {stage}" if ends else f"{name} held back {stage}"
        self.add(item, text, badge=(verdict or "stopped", "red" if ends else "orange"), fields=_verdict(said))

    def model(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        tokens = f"{_count(said.get('input_tokens'))} tokens in, {_count(said.get('output_tokens'))} out"
        price = plain(money(said.get("cost_usd")))
        badge: tuple[str, Colour] | None = ("fallback", "orange") if said.get("is_fallback") else None
        self.add(
            item,
            f"{bold(said.get('model', 'The model'))} answered :gray[· {tokens} · {price}]",
            badge=badge,
            fields=fields_of(said),
            is_detail=True,
        )

    def retried(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        wait = said.get("wait_ms")
        when = f" in {plain(duration(wait))}" if wait else ""
        model = bold(said.get("model", "The model"))
        self.add(item, f"{model} did not answer, trying again{when}", fields=fields_of(said), duration_ms=None)

    def fell_back(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        to = said.get("to", "Another model")
        who = bold("The offline engine" if to == OFFLINE_MODEL_NAME else to)
        text = f"{who} steps in for {bold(said.get('from', 'the model'))}"
        why = plain(one_line(str(said.get("reason") or "")))
        # With a wrong key each call falls back for the same reason, which is news once.
        told = (str(said.get("from")), str(to), why)
        self.add(
            item,
            f"{text} :gray[· {why}]" if why else text,
            fields=fields_of(said),
            is_detail=told in self._stood_in,
        )
        self._stood_in.add(told)

    def requested(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        tool = str(said.get("tool", ""))
        self._waiting[str(said.get("approval_id"))] = len(self._lines)
        self.add(
            item,
            action(tool, said.get("arguments"), tense="wants"),
            icon=action_icon(tool),
            badge=("needs approval", "orange"),
            fields=fields_of(said.get("arguments")),
        )

    def decided(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        index = self._waiting.pop(str(said.get("approval_id")), None)
        if index is not None:
            self._lines[index] = replace(self._lines[index], badge=None)
        is_yes = said.get("status") in ("approved", "edited")
        reason = f": {plain(one_line(str(said['reason'])))}" if said.get("reason") else ""
        self.add(
            item,
            f"{bold(said.get('by') or 'Somebody')} {'approved' if is_yes else 'rejected'} it{reason}",
            icon=":material/thumb_up:" if is_yes else ":material/thumb_down:",
            fields=fields_of({"action": said.get("summary"), "reason": said.get("reason")}),
        )

    def _close(self) -> None:
        """Say of everything that is still open that nothing more comes of it."""
        for index in self._waiting.values():
            self._lines[index] = replace(self._lines[index], badge=("not decided", "gray"))
        self._waiting.clear()
        for index, line in enumerate(self._lines):
            if line.is_open:
                self._lines[index] = replace(line, is_open=False, badge=("interrupted", "gray"))

    def failed_run(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        self.add(item, f"Failed: {plain(said.get('message', 'the run stopped'))}")

    def ticket(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        self.add(item, f"Ticket {bold(said.get('ticket_id', ''))} created", fields=fields_of(said), is_detail=True)

    def escalated(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        by = f" by {bold(said['by'])}" if said.get("by") else ""
        reason = plain(one_line(str(said.get("reason", ""))))
        self.add(
            item,
            f"Escalated to a person{by}: {reason}",
            badge=(plain(str(said.get("urgency", ""))) or "escalated", "orange"),
            fields=fields_of({"reason": said.get("reason"), "urgency": said.get("urgency")}),
        )

    def corrected(self, item: RunEvent, said: Mapping[str, Any]) -> None:
        field, before, after = (words(str(said.get(name) or "")) for name in ("field", "before", "after"))
        was = f" from {plain(before)}" if before else ""
        self.add(item, f"{plain(field)} corrected{was} to {bold(after)}{_by(said)}")


def _by(said: Mapping[str, Any]) -> str:
    return f" by {bold(said['by'])}" if said.get("by") else ""


def _simple(text: str, *, is_detail: bool = False) -> Callable[[_Teller, RunEvent, Mapping[str, Any]], None]:
    """Make the teller of an event that has a fixed sentence and says at most who did it."""

    def tell(teller: _Teller, item: RunEvent, said: Mapping[str, Any]) -> None:
        teller.add(item, text + _by(said), is_detail=is_detail)

    return tell


_TELLERS: Mapping[EventKind, Callable[[_Teller, RunEvent, Mapping[str, Any]], None]] = {
    EventKind.RUN_QUEUED: _simple("Message received", is_detail=True),
    EventKind.RUN_STARTED: _simple("Work started", is_detail=True),
    EventKind.RUN_RESUMED: _simple("The agents go on"),
    EventKind.RUN_RELEASED: _Teller.released,
    EventKind.RUN_AWAITING_APPROVAL: _simple("Waits for a decision", is_detail=True),
    EventKind.RUN_COMPLETED: _simple("Done"),
    EventKind.RUN_BLOCKED: _simple("Stopped by a guardrail", is_detail=True),
    EventKind.RUN_FAILED: _Teller.failed_run,
    EventKind.RUN_CANCELLED: _simple("Cancelled"),
    EventKind.RUN_TAKEN_OVER: _simple("Taken over"),
    EventKind.GUARDRAIL_PASSED: _Teller.passed,
    EventKind.GUARDRAIL_TRIPPED: _Teller.tripped,
    EventKind.AGENT_STARTED: _Teller.agent,
    EventKind.MODEL_COMPLETED: _Teller.model,
    EventKind.MODEL_RETRIED: _Teller.retried,
    EventKind.MODEL_FELL_BACK: _Teller.fell_back,
    EventKind.TOOL_CALLED: _Teller.called,
    EventKind.TOOL_COMPLETED: _Teller.completed,
    EventKind.TOOL_FAILED: _Teller.failed,
    EventKind.HANDOFF: _Teller.handoff,
    EventKind.APPROVAL_REQUESTED: _Teller.requested,
    EventKind.APPROVAL_CLAIMED: _simple("Somebody is deciding", is_detail=True),
    EventKind.APPROVAL_ENDORSED: _simple("One of two people agreed"),
    EventKind.APPROVAL_DECIDED: _Teller.decided,
    EventKind.APPROVAL_EXPIRED: _simple("Not decided in time, so it was not done"),
    EventKind.ACTION_REVERSED: _simple("The action was reversed"),
    EventKind.ACTION_RECONCILED: _simple("Somebody found out what became of the action"),
    EventKind.TICKET_CREATED: _Teller.ticket,
    EventKind.ESCALATED: _Teller.escalated,
    EventKind.LABEL_CORRECTED: _Teller.corrected,
    EventKind.REPLY_EDITED: _simple("Reply edited"),
    EventKind.REPLY_SENT: _simple("Reply marked as sent"),
}


def _first_sentence(text: str) -> str:
    """Return what went wrong; the sentences after it tell the agent what to do."""
    return one_line(_SENTENCE_END.split(text, maxsplit=1)[0].rstrip("."))


def _failure(tool: str, kind: str) -> tuple[str, Colour]:
    """Return the badge of a call that failed; orange where something broke, not where a rule gave its answer."""
    if kind == OutcomeUnknown.code:
        return "outcome unknown", "orange"
    if kind not in _ANSWERS:
        return "not done", "orange"
    return ("no result" if is_look_up(tool) else "not done"), "gray"


def _verdict(said: Mapping[str, Any]) -> tuple[Field, ...]:
    return fields_of({name: said.get(name) for name in ("verdict", "reason", "tool")})


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "no"
