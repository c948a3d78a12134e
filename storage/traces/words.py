"""The words of the traces: which part of a trace has which word, in an SQLite file beside the store.

SQLite's FTS5 keeps for each word the numbers of the parts that have it and nothing else, no text and no places: that
is small, quick to write and enough to find traces by words. The file can be deleted: it is made anew from the store.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import threading
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import structlog

VERSION = 1
SHARD_PARTS = 50_000
"""How many parts share one table; to forget some words their table is dropped and made anew."""
_NO_WORD = re.compile(r"[\W_]+")
_LONGEST_WORD = 100

log = structlog.get_logger(__name__)


def words_of(text: str) -> list[str]:
    """Return the words of a query, each once, in small letters and without accents, as they are in the index.

    A word that ends in ``*`` stands for all that begin so.
    """
    found: dict[str, None] = {}
    bare = "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
    for piece in bare.lower().split():
        words = [word[:_LONGEST_WORD] for word in _NO_WORD.split(piece) if word]
        if words and piece.endswith("*"):
            words[-1] += "*"
        found.update(dict.fromkeys(words))
    return list(found)


class WordIndex:
    """Parts by word. One thread writes; any thread reads, with a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        try:
            self._prepare()
        except sqlite3.DatabaseError:
            log.warning("word_index_made_anew")
            self.clear()

    @property
    def mark(self) -> tuple[int, int]:
        """The number and the trace key of the last part whose words are here; zeros at the beginning."""
        found = self._connection().execute("select part_no, trace_key from mark").fetchone()
        return (0, 0) if found is None else (found[0], found[1])

    def add(self, texts: Sequence[tuple[int, str]], *, mark: tuple[int, int]) -> None:
        """Keep the words of parts, and how far the store is read, in one transaction."""
        connection = self._connection()
        connection.execute("begin immediate")
        try:
            for shard in sorted({part_no // SHARD_PARTS for part_no, _ in texts}):
                # Nothing of a text but its words is kept, and of a word not even its place.
                connection.execute(
                    f"create virtual table if not exists words_{shard} using fts5(text, content='', columnsize=0,"
                    " detail=none, tokenize='unicode61 remove_diacritics 2')"
                )
                connection.executemany(
                    f"insert into words_{shard} (rowid, text) values (?, ?)",
                    [row for row in texts if row[0] // SHARD_PARTS == shard],
                )
            connection.execute("delete from mark")
            connection.execute("insert into mark values (?, ?)", mark)
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise

    def find(self, word: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the parts that have a word (of ``words_of``), in order."""
        asked = f'"{word[:-1]}"*' if word.endswith("*") else f'"{word}"'
        found = [self._numbers(shard, asked) for shard in self._shards()]
        return np.fromstring(",".join(filter(None, found)), dtype=np.int64, sep=",")

    def _numbers(self, shard: int, asked: str) -> str:
        """Return the parts of a shard as text, which is twice as quick as a row for each."""
        # What the tokenizer would split further is in no part as one word.
        with contextlib.suppress(sqlite3.OperationalError):
            sql = f"select group_concat(rowid) from words_{shard} where words_{shard} match ?"
            (numbers,) = self._connection().execute(sql, [asked]).fetchone()
            return numbers or ""
        return ""

    def clear(self) -> None:
        """Forget everything; the words come again from the store."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._prepare()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open = []
            self._local = threading.local()

    def _shards(self) -> list[int]:
        names = self._connection().execute("select name from sqlite_master where sql like 'create virtual table%'")
        return sorted(int(name.removeprefix("words_")) for (name,) in names)

    def _prepare(self) -> None:
        connection = self._connection()
        (version,) = connection.execute("pragma user_version").fetchone()
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError("another version")
        if version == 0:
            connection.execute("create table if not exists mark (part_no integer not null, trace_key integer not null)")
            connection.execute(f"pragma user_version = {VERSION}")

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=10)
            with self._lock:
                self._open.append(connection)
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            connection.execute("pragma secure_delete = on")
            self._local.connection = connection
        return connection
