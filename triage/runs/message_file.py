"""Reading messages from a CSV or JSONL file.

CSV has a header: ``message`` and, where known, ``email``, ``account``, ``conversation``. JSONL has one object with the
same keys on each line. A wrong line is reported with its number and never keeps the good ones out.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from triage.errors import InvalidInput
from triage.runs.intake import MAX_MESSAGE_CHARS, clean_email, clean_id, clean_message

COLUMNS = ("message", "email", "account", "conversation")
MAX_ROWS = 50_000

_CSV = ".csv"
_JSONL = (".jsonl", ".ndjson")
_DELIMITERS = (",", ";", "\t")
_NOT_CLOSED = "A quotation mark is not closed, or text follows it. Write quotation marks inside a text twice."
_TOO_LONG = (
    f"This text is far too long, at most {MAX_MESSAGE_CHARS:,} characters are accepted. Shorten it, or close its "
    "quotation mark."
)


@dataclass(frozen=True)
class ImportRow:
    """One usable record; ``line`` is where it starts, counted from 1 with the header, ``source`` how it looks there."""

    line: int
    source: str
    message: str
    email: str | None = None
    account: str | None = None
    conversation: str | None = None


@dataclass(frozen=True)
class LineError:
    """A record that cannot be used: the line where it starts, a sentence that says why, and how it stands there."""

    line: int
    sentence: str
    source: str


@dataclass(frozen=True)
class Parsed:
    """What is in a file; ``header`` is the header line of a CSV file and empty for JSONL."""

    name: str
    digest: str
    header: str
    rows: list[ImportRow]
    errors: list[LineError]


@dataclass(frozen=True)
class _Record:
    """One record as the file has it, its values not checked yet."""

    line: int
    source: str
    values: Mapping[str, Any]


def read_messages(content: bytes, *, name: str) -> Parsed:
    """Read the messages of a file whose ``name`` ends in .csv or .jsonl.

    Raises:
        InvalidInput: the file as a whole cannot be read: its kind, encoding, header or size, or it is empty.
    """
    kind = PurePath(name).suffix.lower()
    if kind != _CSV and kind not in _JSONL:
        raise InvalidInput("The file must end in .csv or .jsonl. Save it in one of these formats.")
    lines = _lines(_decode(content))
    header, records = _csv_records(lines) if kind == _CSV else ("", _json_records(lines))
    rows: list[ImportRow] = []
    errors: list[LineError] = []
    for record in records:
        checked = record if isinstance(record, LineError) else _check(record)
        if isinstance(checked, LineError):
            errors.append(checked)
        else:
            rows.append(checked)
        if len(rows) + len(errors) > MAX_ROWS:
            raise InvalidInput(f"The file holds more than {MAX_ROWS:,} messages. Split it into smaller files.")
    if not rows and not errors:
        raise InvalidInput("The file holds no messages. Put one message on each line, in CSV below the header.")
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    return Parsed(name=PurePath(name).name, digest=digest, header=header, rows=rows, errors=errors)


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidInput("The file is encoded as UTF-16. Save it as UTF-8 and import it again.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The decoder counts from behind the byte order mark.
        position = error.start + len(content) - len(error.object)
        line = content.count(b"\n", 0, position) + 1
        raise InvalidInput(
            f"The file is not UTF-8: line {line:,} has the byte 0x{content[position]:02X} at position {position:,} "
            "of the file. Save it as UTF-8 and import it again."
        ) from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise InvalidInput(f"The file is not text: line {line:,} holds a zero byte. Export it as CSV or JSONL.")
    return text


def _lines(text: str) -> list[str]:
    """Split at line ends only; ``splitlines`` would also split at separators that stand inside a message."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _csv_records(lines: list[str]) -> tuple[str, Iterator[_Record | LineError]]:
    start = next((index for index, line in enumerate(lines) if line.strip()), len(lines))
    if start == len(lines):
        return "", iter(())
    header = lines[start]
    delimiter = max(_DELIMITERS, key=header.count)
    return header, _csv_rows(lines, start + 1, delimiter=delimiter, columns=_columns(header, delimiter))


def _columns(header: str, delimiter: str) -> list[str]:
    try:
        names = next(csv.reader([header], delimiter=delimiter, strict=True))
    except csv.Error:
        raise InvalidInput("The header line cannot be read. It must be: message,email,account,conversation") from None
    columns = [name.strip().lower() for name in names]
    unknown = [name for name in columns if name not in COLUMNS]
    if "message" not in columns:
        raise InvalidInput(
            "The first line must name the columns, with one called message: message,email,account,conversation"
        )
    if unknown or len(set(columns)) < len(columns):
        wrong = f"has {len(unknown)} columns that are not known" if unknown else "names a column twice"
        raise InvalidInput(f"The header line {wrong}. Known columns are message, email, account and conversation.")
    return columns


def _csv_rows(lines: list[str], start: int, *, delimiter: str, columns: list[str]) -> Iterator[_Record | LineError]:
    """Read record by record, and after a broken one go on with the line below the one where it began."""
    while start < len(lines):
        # By number: a part of the list would be copied for each broken record of a large file.
        rest = (lines[number] + "\n" for number in range(start, len(lines)))
        reader = csv.reader(rest, delimiter=delimiter, strict=True)
        begin = start
        try:
            for values in reader:
                end = start + reader.line_num
                if any(value.strip() for value in values):
                    yield _csv_record(begin + 1, "\n".join(lines[begin:end]), values, columns)
                begin = end
        except csv.Error as error:
            # The limit keeps one mark that is not closed from taking a whole file for one text.
            sentence = _TOO_LONG if "field limit" in str(error) else _NOT_CLOSED
            yield LineError(begin + 1, sentence, lines[begin])
            start = begin + 1
        else:
            return


def _csv_record(line: int, source: str, values: list[str], columns: list[str]) -> _Record | LineError:
    if len(values) > len(columns):
        sentence = (
            f"There are {len(values)} values for {len(columns)} columns. Put quotation marks around a text that holds "
            "the sign that parts the columns."
        )
        return LineError(line, sentence, source)
    # A shorter line leaves its last columns empty.
    return _Record(line, source, dict(zip(columns, values, strict=False)))


def _json_records(lines: list[str]) -> Iterator[_Record | LineError]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            place = getattr(error, "colno", 1)
            yield LineError(number, f"This is not JSON: it breaks off or goes wrong at character {place}.", line)
            continue
        except RecursionError:
            yield LineError(number, "This JSON is nested too deeply. Write one flat object.", line)
            continue
        yield _json_record(number, line, value)


def _json_record(line: int, source: str, value: Any) -> _Record | LineError:
    if not isinstance(value, dict):
        return LineError(line, 'Each line must be one object, like {"message": "..."}.', source)
    if any(key not in COLUMNS for key in value):
        return LineError(line, "A key is not known. Known keys are message, email, account and conversation.", source)
    wrong = [key for key, item in value.items() if not (item is None or isinstance(item, str))]
    if wrong:
        return LineError(line, f"The value of {wrong[0]} must be a text in quotation marks.", source)
    return _Record(line, source, value)


def _check(record: _Record) -> ImportRow | LineError:
    values = record.values
    try:
        return ImportRow(
            line=record.line,
            source=record.source,
            message=clean_message(values.get("message") or ""),
            email=clean_email(values.get("email")),
            account=clean_id(values.get("account"), what="account id"),
            conversation=clean_id(values.get("conversation"), what="conversation id"),
        )
    except InvalidInput as error:
        return LineError(record.line, str(error), record.source)
