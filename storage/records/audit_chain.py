"""The chain of the audit log: how a line is bound to the one before, how the last one is sealed, how both are checked.

The hashes show that a line was altered, removed, added or moved. Whoever could rewrite every line could give them new
hashes, and whoever removed the last lines would leave a chain without a gap; so the last line is also sealed, with a
key that is not in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from triage.domain import AuditCheck

FIRST_HASH = "0" * 64
# What SQLite keeps of a time; any other spelling of the same moment is not what was written.
_SQLITE_TIME = "%Y-%m-%d %H:%M:%S.%f"


class Seal(NamedTuple):
    """The last line of the chain, as the key vouches for it."""

    seq: int
    hash: str


def canonical(value: Any) -> str:
    """Return the one JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def entry_hash(row: Mapping[str, Any]) -> str:
    """Return the hash over everything in a row but its hash, as SHA-256 of its canonical JSON in hexadecimal."""
    covered = {name: value for name, value in row.items() if name != "hash"}
    covered["at"] = row["at"].isoformat()
    return hashlib.sha256(canonical(covered).encode()).hexdigest()


def write_seal(seal: Seal, *, key: bytes) -> str:
    """Return the seal as the text that is kept."""
    return canonical({"seq": seal.seq, "hash": seal.hash, "mac": _mac(seal, key)})


def read_seal(text: str, *, key: bytes) -> Seal | None:
    """Return the seal of a kept text, or None when it was altered or made with another key."""
    try:
        kept = json.loads(text)
        seal = Seal(int(kept["seq"]), str(kept["hash"]))
        mac = str(kept["mac"]).encode()
    except (ValueError, KeyError, TypeError):
        return None
    return seal if hmac.compare_digest(_mac(seal, key).encode(), mac) else None


def check_chain(rows: Iterable[Mapping[str, Any]], *, seal: Seal | None) -> AuditCheck:
    """Follow the chain over the rows, in the order of their numbers, up to the first line that is wrong.

    A ``seal`` vouches for the line of its number and for being the last one; None checks the chain alone.
    """
    head = Seal(0, FIRST_HASH)

    def found(first_wrong: int | None = None, problem: str | None = None) -> AuditCheck:
        return AuditCheck(
            checked=head.seq,
            head_seq=head.seq,
            head_hash=head.hash,
            is_sealed=seal is not None,
            first_wrong=first_wrong,
            problem=problem,
        )

    for row in rows:
        wrong = _problem(row, head)
        if wrong is not None:
            return found(*wrong)
        if seal is not None and row["seq"] > seal.seq:
            return found(
                row["seq"], f"Line {row['seq']} was added without the seal: line {seal.seq} was sealed as the last."
            )
        if seal is not None and row["seq"] == seal.seq and row["hash"] != seal.hash:
            return found(
                row["seq"], f"Line {row['seq']} is not the one that was sealed: it, or lines before it, were rewritten."
            )
        head = Seal(row["seq"], row["hash"])
    if seal is not None and head.seq < seal.seq:
        missing = f"Line {seal.seq} is" if head.seq + 1 == seal.seq else f"Lines {head.seq + 1} to {seal.seq} are"
        return found(head.seq + 1, f"{missing} missing at the end.")
    return found()


def _problem(row: Mapping[str, Any], head: Seal) -> tuple[int, str] | None:
    """Return which line is wrong, and how, where the row does not follow the line before."""
    seq, expected = row["seq"], head.seq + 1
    if not isinstance(seq, int) or seq < expected:
        return expected, f"A line numbered {seq} was added before line {expected}."
    if seq > expected:
        missing = f"Line {expected} is" if seq == expected + 1 else f"Lines {expected} to {seq - 1} are"
        return expected, f"{missing} missing."
    if row["previous_hash"] != head.hash:
        return seq, f"Line {seq} does not follow the line before it: one of them was altered, moved or replaced."
    try:
        is_as_written = entry_hash(_as_hashed(row)) == row["hash"]
    except (ValueError, TypeError, AttributeError):
        # Something stands there that no line is ever written with.
        is_as_written = False
    return None if is_as_written else (seq, f"Line {seq} was altered.")


def _as_hashed(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with its time as it was hashed; SQLite's is read as the text that stands there."""
    at = row["at"]
    if isinstance(at, str):
        parsed = datetime.strptime(at, _SQLITE_TIME)  # noqa: DTZ007 - SQLite keeps the wall clock of UTC
        if parsed.strftime(_SQLITE_TIME) != at:
            raise ValueError(at)
        at = parsed
    return {**row, "at": at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)}


def _mac(seal: Seal, key: bytes) -> str:
    return hmac.new(key, f"audit log\n{seal.seq}\n{seal.hash}".encode(), hashlib.sha256).hexdigest()
