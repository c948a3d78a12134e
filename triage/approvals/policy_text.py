"""Reads the YAML of a policy by its lines: every mistake is refused with its line and a sentence saying what to write.

The words of the text are taken as they stand there; what YAML makes of an unquoted ``17:00`` or ``no`` is not asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from triage.errors import InvalidInput

MAX_CHARACTERS = 50_000
_MAX_QUOTED = 40
_AMOUNT = re.compile(r"\d{1,9}(\.\d{1,2})?")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class PolicyError(InvalidInput):
    """A policy cannot be used; ``line`` (from 1) is where the mistake is, and the message says it too."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(f"Line {line}: {sentence}")
        self.line = line


class _Loader(yaml.SafeLoader):
    """Composes nodes and refuses references: a rule that stands in two places could not be changed in one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise PolicyError(event.start_mark.line + 1, "Write the value out; names with & and * are not read here.")
        return super().compose_node(parent, index)


class Scalar:
    """A word or number of the text, with its place."""

    def __init__(self, node: ScalarNode) -> None:
        self.text: str = node.value.strip()
        self.line = node.start_mark.line + 1
        self.is_block = node.style in ("|", ">")
        self.span = (node.start_mark.index, node.end_mark.index)


def read_document(text: str) -> Mapping:
    """Return the whole text as a mapping.

    Raises:
        PolicyError: it is no YAML, too long, or no mapping.
    """
    if len(text) > MAX_CHARACTERS:
        raise PolicyError(1, f"A policy has at most {MAX_CHARACTERS:,} characters; this has {len(text):,}.")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise PolicyError(line, f"This cannot be read as YAML ({error.problem}); look at indents and quotes.") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise PolicyError(line, "There is a character that cannot be read; type the line anew.") from None
    except RecursionError:
        raise PolicyError(
            1, "The text nests too deeply; write rules, limits, times and hours below each other."
        ) from None
    if node is None:
        raise PolicyError(1, "The policy is empty; write at least rules: with a list of rules.")
    return Mapping(node, what="The policy")


class Mapping:
    """Keys with their values; a key that is there twice is a mistake."""

    def __init__(self, node: Node, *, what: str) -> None:
        self.what = what
        self.line = node.start_mark.line + 1
        if not isinstance(node, MappingNode):
            raise PolicyError(self.line, f"{what} needs keys with values, each as 'key: value'.")
        self._nodes: dict[str, Node] = {}
        self._lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                raise PolicyError(line, f"{what} has a key that is no word.")
            key = key_node.value.strip()
            if key in self._nodes:
                raise PolicyError(line, f"{what} has {quoted(key)} twice; keep one of them.")
            self._nodes[key], self._lines[key] = value_node, line

    def allow(self, *known: str) -> None:
        """Refuse every key that is none of these."""
        for key, line in self._lines.items():
            if key not in known:
                raise PolicyError(line, f"{self.what} knows no {quoted(key)}; write {one_of(known)}.")

    def need(self, *keys: str) -> None:
        """Refuse when one of these is missing."""
        for key in keys:
            if key not in self._nodes:
                raise PolicyError(self.line, f"{self.what} needs {key}.")

    def __contains__(self, key: str) -> bool:
        return key in self._nodes

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def line_of(self, key: str) -> int:
        """Return the line of a key, or that of the mapping where it has no such key."""
        return self._lines.get(key, self.line)

    def is_scalar(self, key: str) -> bool:
        """Whether the value of a key is one word."""
        return isinstance(self._nodes[key], ScalarNode)

    def is_mapping(self, key: str) -> bool:
        """Whether the value of a key is keys with values."""
        return isinstance(self._nodes[key], MappingNode)

    def scalar(self, key: str) -> Scalar:
        """Return the one word or number of a key."""
        return _scalar(self._nodes[key], key)

    def mapping(self, key: str, *, what: str) -> Mapping:
        """Return the keys and values below a key."""
        return Mapping(self._nodes[key], what=what)

    def items(self, key: str, *, what: str) -> list[Mapping]:
        """Return the list of mappings below a key."""
        node = self._nodes[key]
        if not isinstance(node, SequenceNode):
            raise PolicyError(self.line_of(key), f"Write {key} as a list: each entry starts with a dash.")
        return [Mapping(item, what=what) for item in node.value]

    def words(self, key: str) -> list[Scalar]:
        """Return one word or a list of words."""
        node = self._nodes[key]
        if not isinstance(node, SequenceNode):
            return [_scalar(node, key)]
        if not node.value:
            raise PolicyError(
                self.line_of(key), f"The list of {key} is empty; write at least one value or leave it out."
            )
        return [_scalar(item, key) for item in node.value]

    def choice(self, key: str, choices: Sequence[str]) -> Scalar:
        """Return a value that is one of the choices."""
        found = chosen(self.scalar(key), choices, what=key)
        if found.is_block:
            raise PolicyError(found.line, f"Write {found.text} in the line of {key}.")
        return found

    def amount(self, key: str) -> Decimal:
        """Return an amount in US dollars."""
        found = self.scalar(key)
        if not _AMOUNT.fullmatch(found.text):
            raise PolicyError(found.line, f"{key} is an amount in US dollars; write a number such as 50 or 49.90.")
        return Decimal(found.text)


def chosen(found: Scalar, choices: Sequence[str], *, what: str) -> Scalar:
    """Refuse a word that is none of the choices."""
    if found.text not in choices:
        raise PolicyError(found.line, f"{what} cannot be {quoted(found.text)}; write {one_of(choices)}.")
    return found


def quoted(text: str) -> str:
    """Return what somebody wrote, short and on one line, for a sentence."""
    flat = " ".join(text.split())
    return f"'{flat if len(flat) <= _MAX_QUOTED else flat[:_MAX_QUOTED] + '…'}'"


def one_of(choices: Sequence[str]) -> str:
    """Return choices as words: "a, b or c"."""
    *first, last = [str(choice) for choice in choices]
    return f"{', '.join(first)} or {last}" if first else last


def _scalar(node: Node, key: str) -> Scalar:
    line = node.start_mark.line + 1
    if not isinstance(node, ScalarNode) or (node.style is None and node.value in _NULLS):
        raise PolicyError(line, f"{key} needs one value behind the colon.")
    if node.tag not in _PLAIN_TAGS:
        raise PolicyError(line, f"Write the value of {key} without a tag.")
    return Scalar(node)


_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)
