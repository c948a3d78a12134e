"""Files of exported traces: JSON lines of a console, the download of one trace, and OTLP JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from triage.errors import DataFolderError, InvalidInput
from triage.tracing.incoming.lines import spool_line
from triage.tracing.incoming.otlp_json import records_of, spans_in
from triage.tracing.spool import Spool

MAX_LINE_BYTES = 32 * 1024 * 1024
MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
MAX_TOLD = 100
_OTLP = ("resourceSpans", "resource_spans")


@dataclass
class ImportReport:
    """What came of a file: how many of its spans, runs and traces were taken, and what is wrong with the others.

    What the trace store has already counts as taken, and is not there twice. ``errors`` has the first hundred.
    """

    taken: int = 0
    wrong: int = 0
    errors: list[tuple[str, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many there were."""
        return self.taken + self.wrong

    def refuse(self, place: str, sentence: str) -> None:
        """Count one that cannot be taken."""
        self.wrong += 1
        if len(self.errors) < MAX_TOLD:
            self.errors.append((place, sentence))


def import_traces(file: Path, *, spool_dir: Path, content: str) -> ImportReport:
    """Put the traces of a file into the spool, from where whoever owns the trace store takes them in.

    Raises:
        InvalidInput: the file is of another kind altogether.
        DataFolderError: the spool cannot be written; what was written so far is taken in.
    """
    report = ImportReport()
    spool = Spool(spool_dir)
    try:
        with file.open("rb") as opened:
            for place, value in _values(opened):
                _take(value, place=place, spool=spool, content=content, report=report)
        if not spool.retry():
            raise DataFolderError(
                f"The folder {spool_dir} cannot be written. Make room there and import the file again."
            )
    finally:
        spool.close()
    return report


def _take(value: Any, *, place: str, spool: Spool, content: str, report: ImportReport) -> None:
    """Put what one line holds into the spool."""
    found = list(_parts(value))
    for number, part in enumerate(found, 1):
        where = f"{place}, item {number}" if len(found) > 1 else place
        try:
            records = _records(part)
            lines = [spool_line(record, content=content, marks={"is_import": True}) for record in records]
        except InvalidInput as error:
            report.refuse(where, str(error))
            continue
        spool.append(b"".join(lines))
        report.taken += 1


@dataclass(frozen=True)
class _OtlpSpan:
    """A span that is still in the form of the protocol."""

    span: Any


def _records(part: Any) -> list[Any]:
    """Return what a part of a line stands for.

    Raises:
        InvalidInput: nothing that can be taken.
    """
    if isinstance(part, InvalidInput):
        raise part
    return list(records_of(part.span)) if isinstance(part, _OtlpSpan) else [part]


def _parts(value: Any) -> Iterator[Any]:
    """Yield the spans, runs and traces of a value, and what is wrong with it as an error."""
    if isinstance(value, list):
        for item in value:
            yield from _parts(item)
    elif not isinstance(value, dict):
        yield value
    elif any(name in value for name in _OTLP):
        try:
            yield from [_OtlpSpan(span) for span in spans_in(value)]
        except InvalidInput as error:
            yield error
    elif isinstance(value.get("spans"), list):
        yield from _download(value)
    else:
        yield value if "type" in value or "span_id" not in value else {"type": "span", **value}


def _download(value: dict[str, Any]) -> Iterator[Any]:
    """Yield the parts of one trace as the page of traces writes it."""
    head = value.get("trace")
    if isinstance(head, dict):
        started = head.get("started_at") or head.get("created_at")
        yield {"type": "run", **head} if head.get("run_id") else {"type": "trace", **head, "started_at": started}
    for span in value["spans"]:
        yield {"type": "span", **span} if isinstance(span, dict) else span


def _values(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    """Yield each line with its place, or the whole file where it is one document; what cannot be read as an error."""
    start = file.read(4)
    if start == b"PAR1":
        raise InvalidInput("It is a Parquet file; this takes JSON lines, a downloaded trace and OTLP JSON.")
    file.seek(0)
    document = _document(file)
    if document is not None:
        yield "the file", document
        return
    file.seek(0)
    yield from _lines(file)


def _document(file: BinaryIO) -> Any:
    """Return a file that is one JSON value over several lines, else None."""
    first = file.readline(MAX_LINE_BYTES)
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        rest = file.read(MAX_DOCUMENT_BYTES + 1)
        if len(rest) > MAX_DOCUMENT_BYTES:
            return None
        try:
            return orjson.loads(first + rest)
        except orjson.JSONDecodeError:
            return None
    return None


def _lines(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    number = 0
    while line := file.readline(MAX_LINE_BYTES):
        number += 1
        place = f"line {number}"
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            while (more := file.readline(MAX_LINE_BYTES)) and not more.endswith(b"\n"):
                pass
            yield place, InvalidInput(f"It is longer than {MAX_LINE_BYTES // 1024**2} MB.")
        elif line.strip():
            try:
                yield place, orjson.loads(line)
            except orjson.JSONDecodeError:
                yield place, InvalidInput("It is no JSON.")
