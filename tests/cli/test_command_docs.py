"""docs/command-line.md explains every command with exactly the options that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from tests.cli.conftest import PROJECT
from triage.cli.app import app

SECTIONS = re.split(r"^## ", (PROJECT / "docs" / "command-line.md").read_text(encoding="utf-8"), flags=re.MULTILINE)


def options(command: Any, name: str = "triage") -> Iterator[tuple[str, list[str]]]:
    """Yield every command with the long names of its options, as typer knows them."""
    if hasattr(command, "commands"):
        for child_name, child in command.commands.items():
            yield from options(child, f"{name} {child_name}")
    else:
        yield name, sorted(word for parameter in command.params for word in parameter.opts if word.startswith("--"))


@pytest.mark.parametrize(("command", "names"), list(options(get_command(app))), ids=str)
def test_every_option_is_explained_with_its_command(command: str, names: list[str]) -> None:
    [section] = [text for text in SECTIONS if re.match(rf"{command}( [A-Z_]+)?\n", text)]
    assert "--json" in names
    assert set(re.findall(r"`(--[a-z-]+)`", section)) == set(names) - {"--help"}
