"""Figures for Prometheus: what waits, what is at work, and how long requests take."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response
from starlette.types import Scope

from triage.access.seen import DeskFigures
from triage.api.access import Asking
from triage.api.desk import ApiDesk
from triage.api.document import problems
from triage.domain import RunStatus, utc_now

router = APIRouter(tags=["console"])

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Requests that wait for an outcome take as long as they are told to, so the last bounds are far out.
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
_STATES = ("closed", "half-open", "open")
EXAMPLE = """\
# HELP triage_runs Runs by status.
# TYPE triage_runs gauge
triage_runs{status="queued"} 2.0
triage_runs{status="awaiting_approval"} 5.0
"""


class Metrics:
    """The figures of this process; each console has its own registry, so that two in one process do not mix."""

    def __init__(self, desk: ApiDesk) -> None:
        self._desk = desk
        self._registry = CollectorRegistry(auto_describe=False)
        self._durations = Histogram(
            "triage_api_request_seconds",
            "Seconds from a request to the head of its answer.",
            ["method", "route", "status"],
            registry=self._registry,
            buckets=_BOUNDS,
        )

    def observe(self, scope: Scope, status: int, seconds: float) -> None:
        """Count an answer; by route and not by path, which holds ids and anything that somebody makes up."""
        route = getattr(scope.get("route"), "path_format", "other")
        method = scope["method"] if scope["method"] in ("GET", "POST") else "other"
        self._durations.labels(method=method, route=route, status=str(status)).observe(seconds)

    def text(self, figures: DeskFigures) -> bytes:
        """Return all figures in Prometheus' text form."""
        return generate_latest(_Scrape(self._desk, figures, durations=self._registry))


class _Scrape(Collector):
    """The figures of the moment at which somebody asks for them."""

    def __init__(self, desk: ApiDesk, figures: DeskFigures, *, durations: Collector) -> None:
        self._desk = desk
        self._figures = figures
        self._durations = durations

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of requests, runs, approvals, spans, models and streams."""
        yield from self._durations.collect()
        yield from self._work()
        yield from self._spans()
        yield from self._models()
        yield GaugeMetricFamily("triage_api_streams", "Open event streams.", value=self._desk.seats.count)
        yield GaugeMetricFamily("triage_api_requests", "Requests at work.", value=self._desk.crowd.count)

    def _work(self) -> Iterator[GaugeMetricFamily]:
        counts = self._figures.runs
        runs = GaugeMetricFamily("triage_runs", "Runs by status.", labels=["status"])
        for status in RunStatus:
            runs.add_metric([status.value], counts[status.value])
        yield runs
        yield GaugeMetricFamily(
            "triage_runs_needing_person", "Runs that a person has to look at.", value=counts["needs_person"]
        )
        load = self._figures.queue
        yield GaugeMetricFamily("triage_approvals_waiting", "Approvals that wait for a decision.", value=load.waiting)
        yield GaugeMetricFamily("triage_approvals_overdue", "Of these, past their due time.", value=load.overdue)
        yield GaugeMetricFamily(
            "triage_approvals_oldest_seconds", "Age of the one that waits longest.", value=_age_s(load.oldest_at)
        )

    def _spans(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        processor = self._desk.services.processor
        if processor is None:
            return
        yield CounterMetricFamily(
            "triage_spans_written", "Finished spans since the start.", value=processor.spans_written
        )
        health = processor.health()
        if health is not None:
            yield GaugeMetricFamily(
                "triage_spool_backlog_bytes", "What is on its way into the trace store.", value=health.backlog_bytes
            )
            yield GaugeMetricFamily(
                "triage_spool_lines_set_aside", "Lines that the store cannot read.", value=health.lines_set_aside
            )
            is_well = 1 if health.trouble is None else 0
            yield GaugeMetricFamily("triage_trace_store_up", "Whether spans come in.", value=is_well)

    def _models(self) -> Iterator[GaugeMetricFamily]:
        if not self._figures.breakers:
            return
        family = GaugeMetricFamily(
            "triage_model_breaker", "1 at the state of the breaker of a model.", labels=["model", "state"]
        )
        for model, state in sorted(self._figures.breakers.items()):
            for name in _STATES:
                family.add_metric([model, name], 1 if name == state else 0)
        yield family


def _age_s(since: datetime | None) -> float:
    return 0.0 if since is None else (utc_now() - since).total_seconds()


@router.get(
    "/metrics",
    operation_id="getMetrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus' text form.",
            "content": {"text/plain": {"schema": {"type": "string"}, "examples": {"some": {"value": EXAMPLE}}}},
        },
        **problems("not_allowed"),
    },
)
async def metrics(caller: Asking) -> Response:
    """Return the figures of this console, of all teams; a token for it needs only the scope `metrics:read`."""
    text = await caller.read(lambda seen: caller.desk.metrics.text(seen.figures()))
    return Response(text, media_type=CONTENT_TYPE)
