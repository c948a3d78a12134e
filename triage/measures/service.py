"""Answers the questions of the overview from the trace store and the records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from triage.access.actions import has_role
from triage.domain import Actor, Role, utc_now
from triage.domain.measures import Spending
from triage.domain.people_measures import LabelMatrix
from triage.domain.traces import TraceChoices
from triage.errors import DataFolderError, NotFound, TriageError
from triage.gateway import Gateway, TraceQueries
from triage.measures.people import approval_figures, reviewer_of
from triage.measures.topics import CostTopic, HandoffTopic, Head, PeopleTopic, Question, RunTopic, ToolTopic

log = structlog.get_logger(__name__)


class MeasureService:
    """One method per part of the overview; each asks every question once.

    Raises:
        DataFolderError: the trace store or the records cannot be read.
        NotFound: this process has no traces; the console, which owns the data folder, has them.
    """

    def __init__(self, *, traces: TraceQueries | None, records: Gateway) -> None:
        self._traces = traces
        self._records = records

    def choices(self) -> TraceChoices:
        """Return what can be filtered by; models in the order of their first use."""
        with self._reading_traces() as traces:
            return traces.choices()

    def head(self, question: Question) -> Head:
        """Return the figures of the range and of the period before."""
        asked, step = (question.time_range, question.chosen), question.step
        before = (question.time_range.previous, question.chosen)
        with self._reading_traces() as traces:
            spending_by_time = traces.costs.over_time(*asked, step=step)
            return Head(
                runs=traces.runs.totals(*asked),
                runs_before=traces.runs.totals(*before),
                spending=Spending.total_of(spending_by_time),
                spending_before=traces.costs.total(*before),
                times=traces.times.totals(*asked),
                times_before=traces.times.totals(*before),
                runs_by_time=traces.runs.over_time(*asked, step=step),
                spending_by_time=spending_by_time,
                times_by_time=traces.times.over_time(*asked, step=step),
                read_at=utc_now(),
            )

    def runs(self, question: Question) -> RunTopic:
        """Return how runs ended, how long conversations are, and what guardrails stopped."""
        asked = (question.time_range, question.chosen)
        with self._reading_traces() as traces:
            return RunTopic(
                outcomes=traces.runs.by_status_and_category(*asked),
                turns=traces.runs.conversation_turns(*asked),
                turns_before=traces.runs.conversation_turns(question.time_range.previous, question.chosen),
                turns_by_time=traces.runs.turns_over_time(*asked, step=question.step),
                trips=traces.guardrails.trips(*asked),
            )

    def costs(self, question: Question) -> CostTopic:
        """Return where cost and tokens go."""
        asked = (question.time_range, question.chosen)
        with self._reading_traces() as traces:
            models, agents = traces.costs.by_model_and_agent(*asked)
            categories, customers = traces.costs.by_category_and_customer(*asked)
        return CostTopic(models=models, agents=agents, categories=categories, customers=customers)

    def handoffs(self, question: Question) -> HandoffTopic:
        """Return who handed over to whom, and how that ended."""
        asked = (question.time_range, question.chosen)
        with self._reading_traces() as traces:
            course = traces.handoffs.course(*asked, step=question.step)
            before = traces.handoffs.totals(question.time_range.previous, question.chosen)
        return HandoffTopic(totals=course.totals, before=before, paths=course.paths, by_time=course.by_time)

    def tools(self, question: Question) -> ToolTopic:
        """Return calls, errors and times of tools, and failures, retries and fallbacks of models."""
        asked = (question.time_range, question.chosen)
        with self._reading_traces() as traces:
            return ToolTopic(
                tools=traces.tools.use(*asked),
                errors=traces.tools.errors(*asked),
                models=traces.reliability.by_model(*asked),
                models_by_time=traces.reliability.over_time(*asked, step=question.step),
            )

    def people(self, question: Question, *, actor: Actor) -> PeopleTopic:
        """Return what people decided and corrected.

        Who is no manager sees of the reviewers only themselves.
        """
        asked = (question.time_range, question.chosen)
        before = (question.time_range.previous, question.chosen)
        with _reading("records"), self._records.read() as tx:
            approvals, claims = tx.measures.approvals(*asked), tx.measures.claims(*asked)
            earlier = approval_figures(tx.measures.approvals(*before), tx.measures.claims(*before))
            let_pass = tx.measures.let_pass(*asked)
            labels = {
                label: LabelMatrix(label=label, pairs=tuple(tx.measures.labels(label, *asked)))
                for label in ("category", "urgency")
            }
        reviewers = approval_figures(approvals, claims, by=reviewer_of)
        sees_everybody = has_role(actor, Role.MANAGER)
        if not sees_everybody:
            reviewers = [figures for figures in reviewers if figures.name == actor.name]
        return PeopleTopic(
            approvals=approval_figures(approvals, claims)[0],
            approvals_before=earlier[0],
            let_pass=let_pass,
            tools=approval_figures(approvals, claims, by=lambda approval: approval.tool),
            reviewers=reviewers,
            sees_everybody=sees_everybody,
            **labels,
        )

    @contextmanager
    def _reading_traces(self) -> Iterator[TraceQueries]:
        if self._traces is None:
            raise NotFound("Figures can be read in the console only, which has the traces.")
        with _reading("trace store"):
            yield self._traces


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Turn whatever the database says into one sentence; the log gets the kind of error and nothing of a case."""
    try:
        yield
    except TriageError:
        raise
    except Exception as error:
        log.warning("measures_not_read", store=what, error=type(error).__name__)
        raise DataFolderError(
            f"The figures cannot be read: the {what} did not answer ({type(error).__name__}). Nothing is lost; try "
            "again, and look into the log if it stays so."
        ) from error
