"""Traces as Parquet files in one archive: out by time and filter, and in again without doubling anything."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from storage.traces.schema import CONTENT_COLUMNS, RUN_COLUMNS, SPAN_COLUMNS, TRACE_COLUMNS
from storage.traces.store import TraceStore
from triage.domain.traces import TraceFilter
from triage.errors import InvalidInput

FORMAT = 1
MANIFEST = "manifest.json"
_ROWS_AT_ONCE = 20_000
# Where a store keeps rows of one trace together is its own business.
_OWN = {"part_no", "trace_key"}
_SPANS = [name for name in SPAN_COLUMNS if name not in _OWN]
_RUNS = [name for name in RUN_COLUMNS if name not in _OWN]
_FILES = {
    "spans": f"""
        select {", ".join(f"spans.{name}" for name in _SPANS)}, span_contents.content
        from spans left join span_contents using (trace_id, span_id)
        where spans.trace_id in (select trace_id from chosen) order by spans.started_at, spans.span_id
    """,
    "runs": f"select {', '.join(_RUNS)} from runs where trace_id in (select trace_id from chosen) order by created_at",
    "traces": f"""
        select {", ".join(TRACE_COLUMNS)} from traces
        where trace_id in (select trace_id from chosen) order by started_at
    """,
}
_COLUMNS = {"spans": [*_SPANS, "content"], "runs": _RUNS, "traces": list(TRACE_COLUMNS)}
_TYPES = {
    name: kind
    for columns in (SPAN_COLUMNS, CONTENT_COLUMNS, RUN_COLUMNS, TRACE_COLUMNS)
    for name, (_, kind) in columns.items()
}
_NEW = {
    "spans": """
        select * from batch where not exists (
            select 1 from spans where spans.trace_id = batch.trace_id and spans.span_id = batch.span_id)
    """,
    "runs": "select * from batch where not exists (select 1 from runs where runs.run_id = batch.run_id)",
    "traces": "select * from batch where not exists (select 1 from traces where traces.trace_id = batch.trace_id)",
}


def export_traces(store: TraceStore, path: Path, *, wanted: TraceFilter) -> dict[str, int]:
    """Write the traces that a filter chooses into an archive at ``path``; return how many rows of what.

    Of the filter time range, statuses, categories, customer and conversation count; a trace goes out as a whole.

    Raises:
        OSError: the file cannot be written.
        duckdb.Error: the store cannot be read.
    """
    rows: dict[str, int] = {}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder, store.looking() as cursor:
        condition, parameters = _chosen(wanted)
        cursor.execute(f"create or replace temp table chosen as {condition}", parameters)
        for name, sql in _FILES.items():
            target = str(Path(folder) / f"{name}.parquet").replace("'", "''")
            ((rows[name],),) = cursor.execute(
                f"copy ({sql}) to '{target}' (format parquet, compression zstd, row_group_size {_ROWS_AT_ONCE})"
            ).fetchall()
        cursor.execute("drop table chosen")
        (Path(folder) / MANIFEST).write_text(json.dumps({"format": FORMAT, "rows": rows}))
        part = path.with_name(f"{path.name}.part")
        # Parquet is compressed already.
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for name in (MANIFEST, *(f"{name}.parquet" for name in _FILES)):
                archive.write(Path(folder) / name, name)
        part.chmod(0o600)
        part.replace(path)
    return rows


def import_traces(store: TraceStore, path: Path) -> dict[str, int]:
    """Put the traces of an archive into the store, those that it does not have; return how many rows were new.

    Raises:
        InvalidInput: it is no archive of traces, or one of a newer version.
    """
    added = dict.fromkeys(_FILES, 0)
    with _unpacked(path) as folder:
        for name in _FILES:
            for batch in _batches(folder / f"{name}.parquet", columns=_COLUMNS[name]):
                added[name] += _add(store, name, batch)
    return added


def traces_in(path: Path) -> set[str]:
    """Return the ids of the traces in an archive.

    Raises:
        InvalidInput: it is no archive of traces.
    """
    with _unpacked(path) as folder:
        return {
            trace_id
            for name in _FILES
            for trace_id in pq.read_table(folder / f"{name}.parquet", columns=["trace_id"])["trace_id"].to_pylist()
        }


def _chosen(wanted: TraceFilter) -> tuple[str, dict[str, Any]]:
    of_runs, of_others = ["true"], ["true"]
    parameters: dict[str, Any] = {}
    if wanted.time_range:
        of_runs.append("created_at >= $start and created_at < $end")
        of_others.append("started_at >= $start and started_at < $end")
        parameters |= wanted.time_range.parameters
    for name, column in (("statuses", "status"), ("categories", "category")):
        if values := getattr(wanted, name):
            of_runs.append(f"list_contains(${name}, {column})")
            parameters[name] = list(values)
            of_others.append("false")
    if wanted.customer:
        of_runs.append("lower(customer_email) = $customer")
        of_others.append("false")
        parameters["customer"] = wanted.customer.strip().lower()
    if wanted.conversation_id:
        for conditions in (of_runs, of_others):
            conditions.append("conversation_id = $conversation")
        parameters["conversation"] = wanted.conversation_id
    # A span without a run is the work of another program, or of a run that the store was not told of yet.
    return (
        f"""
        select trace_id from runs where {" and ".join(of_runs)}
        union
        select trace_id from traces where {" and ".join(of_others)}
        union
        select trace_id from spans where {" and ".join(of_others)} and run_id is null
        """,
        parameters,
    )


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    refusal = InvalidInput(f"{path.name} is no export of traces, or it is damaged.")
    with tempfile.TemporaryDirectory(prefix="triage-import-") as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                if archive.testzip() is not None:
                    raise refusal
                manifest: Mapping[str, Any] = json.loads(archive.read(MANIFEST))
                if manifest["format"] > FORMAT:
                    raise InvalidInput(f"{path.name} was written by a newer build; import it there.")
                for name in _FILES:
                    # Only these names, so that no archive writes anywhere else.
                    archive.extract(f"{name}.parquet", folder)
            yield Path(folder)
        except FileNotFoundError:
            raise InvalidInput(f"There is no file {path}.") from None
        except (zipfile.BadZipFile, KeyError, TypeError, ValueError, pa.ArrowException, OSError) as error:
            raise refusal from error


def _batches(path: Path, *, columns: list[str]) -> Iterator[pa.Table]:
    """Yield the rows as tables with the columns of this build; what an older one did not have is NULL."""
    file = pq.ParquetFile(path)
    for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
        found = pa.Table.from_batches([batch])
        nothing = pa.nulls(len(found))
        there = set(found.column_names)
        yield pa.table({name: (found[name] if name in there else nothing).cast(_TYPES[name]) for name in columns})


def _add(store: TraceStore, name: str, batch: pa.Table) -> int:
    with store.looking() as cursor:
        fresh = cursor.from_arrow(batch).query("batch", _NEW[name]).to_arrow_table()
    if not len(fresh):
        return 0
    if name == "traces":
        with store.change() as cursor:
            cursor.from_arrow(fresh).insert_into("traces")
    else:
        empty = {
            other: pa.table({column: pa.array([], _TYPES[column]) for column in _COLUMNS[other]})
            for other in ("spans", "runs")
        }
        store.append_tables(**{**empty, name: fresh})
    return len(fresh)
