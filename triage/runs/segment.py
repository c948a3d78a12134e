"""One segment of a run: from the message, or from a decision, to the next end or pause.

The workflow calls ``SegmentRunner.run``. It may be killed anywhere and called again with the same arguments: finished
steps return what they returned, events keep their keys, and the last transaction either happened whole or not at all.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from itertools import chain, repeat
from typing import Any

import structlog
from agents import RunConfig, Runner, RunResultStreaming, ToolExecutionConfig, trace
from agents.run_state import RunState

from triage.approvals.exact import DecidedCall, decided_call
from triage.domain import Approval, ApprovalStatus, RejectCode, RunStatus
from triage.errors import DataFolderError
from triage.runs.event_log import EventLog, RunEvents
from triage.runs.hooks import StoryHooks
from triage.runs.outcome import Outcome, outcome_of_error, outcome_of_result
from triage.runs.records import NothingToDo, RunRecords, SegmentStart
from triage.runs.state import unpack_state
from triage.runs.steps import RecordedSteps, StepLog
from triage.runs.turns import Turns
from triage.scope import RunScope, enter_scope
from triage.settings import Settings
from triage.team.context import RunFacts, TriageContext
from triage.team.team import Team

# Nothing that a run waits for takes longer to notice that it is cancelled.
INTERRUPT_S = 5.0

RETRY_AFTER_S = (0.5, 2.0, 10.0, 60.0)
MAX_FAULTS = 3

# One for all runs, because the SDK checks every field of a new one, which takes longer than a model call's bookkeeping.
RUN_CONFIG = RunConfig(
    workflow_name="Support triage",
    tool_execution=ToolExecutionConfig(max_function_tool_concurrency=1, pre_approval_tool_input_guardrails=True),
    tool_not_found_behavior="return_error_to_model",
)

log = structlog.get_logger(__name__)


class _Work:
    """A segment at work, to be interrupted from any thread, also in the moment before there is a task to cancel."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.task: asyncio.Task[Any] | None = None
        self._is_stopped = False

    def begin(self, work: Coroutine[Any, Any, Outcome]) -> asyncio.Task[Outcome]:
        self.task = task = asyncio.create_task(work)
        if self._is_stopped:
            task.cancel()
        return task

    def stop(self) -> None:
        self._is_stopped = True
        if self.task is not None:
            self.task.cancel()


class SegmentRunner:
    """Runs segments of the team, durably."""

    def __init__(
        self,
        *,
        team: Team,
        records: RunRecords,
        step_log: StepLog,
        event_log: EventLog,
        settings: Settings,
        key: bytes,
        paused: Callable[[str], str | None] = lambda _agent: None,
    ) -> None:
        self._team = team
        self._paused = paused
        self._records = records
        self._step_log = step_log
        self._event_log = event_log
        self._settings = settings
        self._key = key
        self._running: dict[str, _Work] = {}
        self._turns = Turns()
        self._is_closing = False

    @property
    def running(self) -> list[str]:
        """The ids of the runs that this process works on now."""
        return list(self._running)

    def stop(self, run_id: str) -> None:
        """Interrupt a run that was cancelled in the records; safe from any thread, does nothing for other runs."""
        if work := self._running.get(run_id):
            work.loop.call_soon_threadsafe(work.stop)

    def close(self) -> None:
        """Interrupt every run and return when each has let go of its model call; the next launch takes them up."""
        self._is_closing = True
        running = list(self._running.values())
        for loop in {work.loop for work in running}:
            works = [work for work in running if work.loop is loop]
            asyncio.run_coroutine_threadsafe(_interrupt(works), loop).result()

    async def run(self, run_id: str, segment: int) -> str:
        """Run one segment to its end and return the status that the run then has.

        Where the records cannot be written, for example on a full disk, it is tried again until they can: finished
        steps are kept, so nothing is done twice. Any other fault outside the agents' work would come again every
        time, so after a few attempts the run ends as failed.

        Raises:
            CancelledError: this process is closing; the segment has not ended and its workflow stays unfinished.
        """
        faults = 0
        for wait_s in chain(RETRY_AFTER_S, repeat(RETRY_AFTER_S[-1])):
            try:
                if faults >= MAX_FAULTS:
                    # What the agents told until then stands before the end.
                    self._event_log.flush(run_id)
                    return self._records.fail_segment(run_id, segment).value
                return await self._attempt(run_id, segment)
            except Exception as error:  # noqa: BLE001 - an error here would end the workflow and leave the run without an end
                faults += not isinstance(error, (DataFolderError, OSError))
                log.warning("segment_interrupted", run_id=run_id, error=type(error).__name__, retry_after_s=wait_s)
                await asyncio.sleep(wait_s)
        raise AssertionError("The attempts never end.")

    async def _attempt(self, run_id: str, segment: int) -> str:
        self._leave_when_closing()
        # Whoever cancels the run from here on finds it; whoever did so before has left nothing to start.
        work = self._running[run_id] = _Work()
        turn = self._turns.turn()
        try:
            started = self._records.start_segment(run_id, segment)
            steps = RecordedSteps(self._step_log, run_id=run_id, segment=segment, recorded=started.steps)
            events = RunEvents(self._event_log, run_id=run_id)
            scope = RunScope(
                run_id=run_id, segment=segment, is_replay=started.is_again, steps=steps, events=events, turn=turn
            )
            if started.is_again:
                for source, kept in self._records.streamed_texts(run_id).items():
                    self._event_log.expect_text(run_id, source, kept)
            return (await self._work_and_finish(started, work, scope=scope, steps=steps, events=events)).value
        except NothingToDo as reason:
            if reason.status is RunStatus.CANCELLED:
                # Whoever had started it was killed, or could not write its end, before somebody cancelled the run.
                self._records.settle_cancelled(run_id, segment)
            return reason.status.value
        finally:
            turn.give()
            del self._running[run_id]

    async def _work_and_finish(
        self, started: SegmentStart, work: _Work, *, scope: RunScope, steps: RecordedSteps, events: RunEvents
    ) -> RunStatus:
        context = self._context(started)
        begun = time.monotonic()
        try:
            outcome = await work.begin(self._work(started, scope, context))
        except asyncio.CancelledError:
            if self._records.status(scope.run_id) is not RunStatus.CANCELLED:
                raise
            await steps.settle()
            outcome = Outcome(status=RunStatus.CANCELLED)
        self._leave_when_closing()
        active_ms = round((time.monotonic() - begun) * 1000)
        return self._finish(started, scope=scope, events=events, context=context, outcome=outcome, active_ms=active_ms)

    def _leave_when_closing(self) -> None:
        """Leave without an end: what an interrupted run came to is not its outcome."""
        if self._is_closing:
            raise asyncio.CancelledError

    def _context(self, started: SegmentStart) -> TriageContext:
        run = started.run
        return TriageContext(
            run_id=run.id,
            conversation_id=run.conversation_id,
            customer_email=run.customer_email,
            account_id=run.account_id,
            today=run.created_at.date(),
            message=run.message,
            submitted_by=run.submitted_by,
            release=started.release,
        )

    async def _work(self, started: SegmentStart, scope: RunScope, context: TriageContext) -> Outcome:
        """Run the agents; every way in which that can end is an outcome."""
        enter_scope(scope)
        hooks = StoryHooks(scope, paused=self._paused)
        result: RunResultStreaming | None = None
        try:
            start = await self._starting_point(started, context)
            with trace(
                "Support triage",
                trace_id=started.run.trace_id,
                group_id=started.run.conversation_id,
                metadata={"run_id": started.run.id},
            ):
                result = Runner.run_streamed(
                    self._team.entry,
                    start,
                    context=context,
                    max_turns=self._settings.max_turns,
                    hooks=hooks,
                    run_config=RUN_CONFIG,
                )
                async for _ in result.stream_events():
                    # The stream is drained before interruptions are read; the hooks and tools have told the story.
                    pass
            return outcome_of_result(result, context=context)
        except asyncio.CancelledError:
            if result is not None:
                await _cancel(result)
            raise
        except Exception as error:  # noqa: BLE001 - the boundary of the workflow: nothing may leave a run without an end
            if (refused := _refused_write(error)) is None:
                return outcome_of_error(error, run_id=started.run.id)
            # That a step could not be kept now says nothing of the run: the next attempt goes on from the kept ones.
            if result is not None:
                await _cancel(result)
            raise refused from None
        finally:
            scope.turns, scope.last_agent = hooks.turns, hooks.last_agent

    async def _starting_point(self, started: SegmentStart, context: TriageContext) -> Any:
        if started.stored is None:
            return self._team.start_input(context, started.history)
        plain = unpack_state(started.stored, fingerprint=self._team.fingerprint(), key=self._key)
        context.facts = RunFacts.model_validate(started.stored.facts)
        state: RunState[Any, Any] = await RunState.from_json(
            self._team.entry, plain, context_deserializer=lambda _: context
        )
        asked = {approval.call_id: approval for approval in started.approvals}
        decided: dict[str, DecidedCall] = {}
        for item in state.get_interruptions():
            call_id = item.call_id or ""
            approval = asked.get(call_id)
            if approval is not None and approval.status in (ApprovalStatus.APPROVED, ApprovalStatus.EDITED):
                decided[call_id] = decided_call(approval, proposed=json.loads(item.arguments or "{}"))
                state.approve(item)
            else:
                state.reject(item, rejection_message=_rejection(approval))
        context.decided = decided
        return state

    def _finish(
        self,
        started: SegmentStart,
        *,
        scope: RunScope,
        events: RunEvents,
        context: TriageContext,
        outcome: Outcome,
        active_ms: int,
    ) -> RunStatus:
        """Write the end of the segment in one transaction."""
        with self._event_log.last(started.run.id) as told:
            run = self._records.finish_segment(
                started.run,
                scope=scope,
                context=context,
                outcome=outcome,
                active_ms=active_ms,
                fingerprint=self._team.fingerprint(),
                key=self._key,
                told=told,
                executions=events.tool_outcomes,
            )
        log.info("segment_finished", run_id=run.id, segment=started.run.segment, status=run.status.value)
        return run.status


async def _cancel(result: RunResultStreaming) -> None:
    """Cancel the SDK's run and wait until its own task is gone: until then it may still tell events."""
    result.cancel()
    if result.run_loop_task is not None:
        await asyncio.wait({result.run_loop_task}, timeout=INTERRUPT_S)


async def _interrupt(works: list[_Work]) -> None:
    for work in works:
        work.stop()
    if tasks := {work.task for work in works if work.task is not None}:
        await asyncio.wait(tasks, timeout=INTERRUPT_S)


def _refused_write(error: BaseException | None) -> DataFolderError | None:
    """Return what the records refused, where the error comes from that; the SDK wraps what ends a tool."""
    while error is not None and not isinstance(error, DataFolderError):
        error = error.__cause__
    return error


def _rejection(approval: Approval | None) -> str:
    if approval is None or approval.status is not ApprovalStatus.REJECTED:
        return "This was not decided in time. Do not try it again; tell what happens next without it."
    code = approval.reason_code
    why = f" ({code.value.replace('_', ' ')})" if code and code is not RejectCode.OTHER else ""
    reason = approval.reason or "none given"
    end = "" if reason.endswith((".", "!", "?")) else "."
    return (
        f"A reviewer rejected this{why}. Their reason: {reason}{end} "
        "Do not try it again; finish without it and take the reason into account."
    )
