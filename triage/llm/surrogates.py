r"""Half characters of a model server: JSON may hold ``\ud83d`` alone, but no file, wire or page takes it.

Neither do all databases take the sign NUL, or numbers that are none, such as the NaN and Infinity of some servers.
"""

from __future__ import annotations

import math
import re
from typing import Any

import orjson

_LONE = re.compile("[\ud800-\udfff]")
_NUL = "\x00"
# Escapes inside JSON that is itself a string, such as the arguments of a tool call; an even number of backslashes
# before one is text and stays.
_ESCAPES = re.compile(r"(?<!\\)((?:\\\\)*)((?:\\u(?:[dD][89a-fA-F][0-9a-fA-F]{2}|0000))+)")
_JSON_STARTS = ("{", "[")


def mend(value: Any) -> Any:
    """Return a JSON value in which every half character and NUL is a replacement character; two halves join.

    A number that is none becomes null. It is the same object where there is nothing to mend, and a copy otherwise.
    """
    return value if _is_whole(value) else _mended(value)


def _is_whole(value: Any) -> bool:
    """Whether there is certainly nothing to mend, at the speed of a JSON writer, as in almost all answers."""
    try:
        text = orjson.dumps(value)
        # A backslash inside of a string is written as two, so this is an escape that stands in the string itself. A
        # number that is none is written as null, and NUL always as an escape.
        return rb"\\u" not in text and rb"\u0000" not in text and bool(orjson.loads(text) == value)
    except TypeError:
        return False


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return mend_text(value)
    if isinstance(value, dict):
        return {mend_text(key): _mended(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mended(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def mend_text(text: str) -> str:
    """Return ``text`` without half characters and NUL, also where it is JSON that writes them as escapes."""
    text = text.replace(_NUL, "\ufffd")
    if _LONE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if "\\u" in text and text.lstrip().startswith(_JSON_STARTS):
        text = _ESCAPES.sub(_mended_escapes, text)
    return text


def _mended_escapes(found: re.Match[str]) -> str:
    codes = [int(code, 16) for code in found[2].split("\\u")[1:]]
    halves = "".join(map(chr, codes))
    whole = mend_text(halves)
    return found[1] + "".join(_as_escape(character) for character in whole)


def _as_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))
