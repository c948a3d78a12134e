"""The documentation is complete: what can be typed, set, opened or read is explained, and links lead somewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from triage.cli.app import app
from triage.domain import ApprovalStatus, ExecutionStatus, Role, RunStatus
from triage.settings import Settings

PROJECT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])
DECISIONS = PROJECT / "docs" / "decisions"
_LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)>\s]+)>?[^)]*\)")


def setting_row(field: FieldInfo) -> str:
    """Return the row of docs/configuration.md that a setting must have."""
    return f"| `{field.alias}` | {_default_of(field)} | {field.description} |"


def _default_of(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or value == []:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, Path):
        return f"`./{value}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _commands(group: typer.Typer, *before: str) -> Iterator[str]:
    for command in group.registered_commands:
        assert command.callback is not None
        yield " ".join([*before, command.name or command.callback.__name__.replace("_", "-")])
    for child in group.registered_groups:
        assert child.typer_instance is not None
        yield from _commands(child.typer_instance, *before, str(child.name))


def _pages() -> list[str]:
    """Return the titles of the pages, as the frame lists them."""
    tree = ast.parse((PROJECT / "pages" / "console.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "one_page"]
    return [str(ast.literal_eval(call.args[0])).capitalize() for call in calls]


def _pins(name: str) -> list[tuple[str, str]]:
    lines = (PROJECT / name).read_text(encoding="utf-8").splitlines()
    return [(package, version) for package, _, version in (line.partition("==") for line in lines) if version]


def _anchors(path: Path) -> set[str]:
    """Return the anchors that a forge makes of the headings of a document."""
    headings = re.findall(r"^#+ +(.+?)\s*$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture(scope="module")
def everything() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)


@pytest.mark.parametrize("command", list(_commands(app)))
def test_every_command_is_explained(everything: str, command: str) -> None:
    assert f"triage {command}" in everything


@pytest.mark.parametrize("page", _pages())
def test_every_page_is_explained(everything: str, page: str) -> None:
    assert f"**{page}**" in everything


@pytest.mark.parametrize("word", [*RunStatus, *ApprovalStatus, *ExecutionStatus, *Role])
def test_every_status_and_role_is_explained(everything: str, word: str) -> None:
    assert f"`{word}`" in everything


@pytest.mark.parametrize("field", Settings.model_fields.values(), ids=lambda field: field.alias)
def test_every_setting_is_explained_with_its_default(field: FieldInfo) -> None:
    assert setting_row(field) in (PROJECT / "docs" / "configuration.md").read_text(encoding="utf-8").splitlines()


def test_no_setting_is_explained_that_is_not_there() -> None:
    aliases = {str(field.alias) for field in Settings.model_fields.values()}
    for name in ("docs/configuration.md", ".env.example"):
        text = (PROJECT / name).read_text(encoding="utf-8")
        assert set(re.findall(r"\b(?:TRIAGE|OPENAI)_[A-Z][A-Z_]*\b", text)) == aliases, name


def test_the_example_settings_can_be_read() -> None:
    lines = (PROJECT / ".env.example").read_text(encoding="utf-8").splitlines()
    values = dict(line.removeprefix("# ").split("=", 1) for line in lines if re.match(r"(# )?[A-Z_]+=", line))
    assert len(values) == len(Settings.model_fields)
    Settings.model_validate(values)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in _LINK.findall(document.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), f"{document.name} links to {target}"
        assert not anchor or anchor in _anchors(path), f"{document.name} links to {target}"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_dependency_has_its_reason(name: str) -> None:
    text = (DECISIONS / "0002-dependencies.md").read_text(encoding="utf-8")
    missing = [f"{package}=={version}" for package, version in _pins(name) if f"| {package} | {version} | " not in text]
    assert missing == []


def test_no_reason_is_left_of_a_dependency_that_is_gone() -> None:
    text = (DECISIONS / "0002-dependencies.md").read_text(encoding="utf-8")
    pinned = {package for name in ("requirements.txt", "requirements-dev.txt") for package, _ in _pins(name)}
    assert {row[0] for row in re.findall(r"^\| (\S+) \| (\d[\w.]*) \|", text, re.MULTILINE)} == pinned


def test_every_dependency_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-litellm.txt", "constraints.txt"):
        lines = (PROJECT / name).read_text(encoding="utf-8").splitlines()
        loose = [line for line in lines if line and not line.startswith(("#", "-r ", "-c ")) and "==" not in line]
        assert loose == [], name


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [path.name[:4] for path in sorted(DECISIONS.glob("*.md"))]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("document", sorted(DECISIONS.glob("*.md")), ids=lambda path: path.stem)
def test_every_decision_says_what_and_why(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert text.startswith(f"# {document.name[:4]} · ")
    assert "**Decision.**" in text
