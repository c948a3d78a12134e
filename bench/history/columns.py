"""Arrow columns made in bulk: ids, times, money and texts out of parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

MONEY = pa.decimal128(18, 9)


def ids(chance: np.random.Generator, count: int, *, prefix: str, digits: int) -> pa.Array:
    """Return ids of random hexadecimal digits."""
    text = chance.bytes(count * digits // 2).hex().encode()
    offsets = np.arange(0, (count + 1) * digits, digits, dtype=np.int32)
    return join(prefix, pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text)))


def join(*parts: Any) -> pa.Array:
    """Return texts put together from arrays and constants."""
    return pc.binary_join_element_wise(*(pa.scalar(part) if isinstance(part, str) else part for part in parts), "")


def pick(values: Sequence[str | None], places: np.ndarray) -> pa.Array:
    """Return the value at each place."""
    return pa.array(values, pa.string()).take(pa.array(places))


def money(nano_dollars: np.ndarray, *, known: np.ndarray | None = None) -> pa.Array:
    """Return amounts with nine digits, NULL where ``known`` is false."""
    words = np.zeros((len(nano_dollars), 2), dtype=np.int64)
    words[:, 0] = nano_dollars
    validity = None if known is None else pa.array(known).buffers()[1]
    return pa.Array.from_buffers(MONEY, len(nano_dollars), [validity, pa.py_buffer(words)])


def times(microseconds: np.ndarray, *, known: np.ndarray | None = None) -> pa.Array:
    """Return times since 1970 in UTC, NULL where ``known`` is false."""
    mask = None if known is None else ~known
    return pa.array(microseconds.astype(np.int64), pa.int64(), mask=mask).cast(pa.timestamp("us"))
