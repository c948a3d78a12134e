"""A store that an older build wrote."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from storage.traces.listing import list_traces
from storage.traces.one_trace import get_trace
from storage.traces.queries import TraceQueries
from storage.traces.schema import SCHEMA_VERSION
from storage.traces.store import TraceStore
from tests.storage.traces_history import History
from triage.domain.traces import TimeRange, TraceFilter

VERSION_1 = """
create table schema_version (version integer not null);
insert into schema_version values (1);
create table spool_offsets (segment varchar not null, "offset" bigint not null);
insert into spool_offsets values ('old.jsonl', 42);
create table traces (trace_id varchar, name varchar, run_id varchar, conversation_id varchar, started_at timestamp);
insert into traces values ('trace_x', 'Elsewhere', null, null, '2026-03-01');
"""
# The columns of version 1 were those of now without what came later; the words stood among them.
OLD_SPANS = """
create table old.spans as
select trace_id, span_id, parent_id, run_id, conversation_id, segment, kind, name, agent, model, tool, guardrail, stage,
    verdict, triggered, from_agent, to_agent, started_at, ended_at, duration_ms, input_tokens, cached_tokens,
    output_tokens, reasoning_tokens, cost_usd, is_model_call, is_paused, error_kind, error, content::json as content
from span_rows
"""
OLD_RUNS = "create table old.runs as select * exclude (trace_key, is_rerouted, first_event_at) from runs"


@pytest.fixture
def history() -> History:
    return History(runs=120)


@pytest.fixture
def old(tmp_path: Path, history: History) -> Path:
    """A file of version 1 with a history."""
    store = TraceStore.open(tmp_path / "now.duckdb")
    history.write(store)
    store.close()
    path = tmp_path / "traces.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(VERSION_1)
    with duckdb.connect(str(tmp_path / "now.duckdb")) as connection:
        connection.execute(f"attach '{path}' as old")
        connection.execute(OLD_SPANS)
        connection.execute(OLD_RUNS)
    return path


def test_version_1_keeps_everything_and_answers_like_a_new_store(tmp_path: Path, old: Path, history: History) -> None:
    store = TraceStore.open(old)
    new = TraceStore.open(tmp_path / "now.duckdb")
    assert store.rows("select version from schema_version") == [(SCHEMA_VERSION,)]
    assert store.offsets() == {"old.jsonl": 42}
    assert store.rows("select count(*) from traces") == [(1,)]

    always = TimeRange(
        start=datetime.fromisoformat("2026-01-01T00:00Z"), end=datetime.fromisoformat("2027-01-01T00:00Z")
    )
    for question in ("runs.totals", "costs.by_model", "tools.use", "guardrails.use", "times.totals"):
        topic, name = question.split(".")
        ask = (getattr(getattr(TraceQueries(one), topic), name) for one in (store, new))
        assert next(ask)(always) == next(ask)(always), question
    for wanted in (TraceFilter(), TraceFilter(has_error=True), TraceFilter(text="needle run_17!")):
        assert list_traces(store, wanted, limit=200) == list_traces(new, wanted, limit=200)
    trace_id = history.runs[5]["trace_id"]
    assert get_trace(store, trace_id) == get_trace(new, trace_id)
    store.close()
    new.close()

    history_again = TraceStore.open(old)
    history.write(history_again)
    assert history_again.rows("select count(*) from runs") == [(120,)]
    history_again.close()


def test_a_migration_that_fails_changes_nothing(old: Path) -> None:
    with duckdb.connect(str(old)) as connection:
        connection.execute("alter table runs drop column created_at")
    with pytest.raises(duckdb.Error):
        TraceStore.open(old)
    with duckdb.connect(str(old)) as connection:
        assert connection.execute("select version from schema_version").fetchall() == [(1,)]
        assert connection.execute("select count(content) from spans").fetchone() == (720,)
