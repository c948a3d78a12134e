"""The arrows of docs/architecture.md: which part of the house may import which, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
# The one module of `triage` that meets the stores; everything else in it is given them.
MEETING_POINT = "triage.services"
# It names the types of what is given.
GATEWAY = "triage.gateway"


@dataclass(frozen=True)
class Rule:
    """What the modules below ``inside`` must not import; ``but`` are allowed modules, ``besides`` free importers."""

    name: str
    inside: str
    forbidden: tuple[str, ...]
    but: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()


RULES = [
    Rule(
        "storage knows values and errors only",
        "storage",
        ("triage", "pages", "app", "agents", "openai", "streamlit", "dbos"),
        but=("triage.domain", "triage.errors"),
    ),
    Rule(
        "triage knows no pages and no SQL", "triage", ("streamlit", "sqlalchemy", "duckdb", "alembic", "pages", "app")
    ),
    Rule("triage meets storage in one place", "triage", ("storage",), besides=(MEETING_POINT, GATEWAY)),
    Rule("pages go through services", "pages", ("storage", "sqlalchemy", "duckdb", "agents", "dbos", "openai", "app")),
    Rule(
        "values and errors rest on nothing of ours",
        "triage.domain",
        ("triage", "storage", "pages"),
        but=("triage.domain",),
    ),
    Rule("errors rest on nothing of ours", "triage.errors", ("triage", "storage", "pages")),
    Rule(
        "the composition root leaves the stores to services",
        "app",
        ("storage", "sqlalchemy", "duckdb", "agents", "dbos"),
    ),
]


def broken_rules(root: Path) -> list[str]:
    """Return a sentence for every import below ``root`` that a rule forbids, and for every name that hides the SDK."""
    found = []
    for path in _sources(root):
        module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        if (path.stem == "agents" and path.parent in (root, root / "pages")) or module == "agents":
            found.append(f"{module}: the name hides the SDK")
        for line, imported in _imports(path, package):
            found += [
                f"{module}:{line} imports {imported}: {rule.name}" for rule in RULES if _breaks(rule, module, imported)
            ]
    return found


def _sources(root: Path) -> Iterator[Path]:
    yield from root.glob("*.py")
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and folder.name in {"triage", "storage", "pages", "agents"}:
            yield from sorted(folder.rglob("*.py"))


def _imports(path: Path, package: str) -> Iterator[tuple[int, str]]:
    """Yield every import of a module by its full name, those in functions and for type checking included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *([base] if base else [])])
            # `from package import name` may import a module of that name.
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _breaks(rule: Rule, module: str, imported: str) -> bool:
    return (
        _is_below(module, (rule.inside,))
        and not _is_below(module, rule.besides)
        and _is_below(imported, rule.forbidden)
        and not _is_below(imported, rule.but)
    )


def _is_below(name: str, parents: tuple[str, ...]) -> bool:
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def test_the_house_keeps_its_arrows() -> None:
    assert broken_rules(PROJECT) == []


def test_every_part_of_the_house_is_read() -> None:
    read = {path.relative_to(PROJECT).parts[0] for path in _sources(PROJECT)}
    assert {"app.py", "pages", "storage", "triage"} <= read


@pytest.mark.parametrize(
    ("path", "source", "words"),
    [
        ("storage/records/runs.py", "from triage.settings import Settings", "storage knows values and errors only"),
        ("storage/records/runs.py", "from ...triage import scope", "storage knows values and errors only"),
        ("storage/traces/store.py", "import agents.tracing", "storage knows values and errors only"),
        ("triage/runs/service.py", "def f():\n    import sqlalchemy.engine", "triage knows no pages and no SQL"),
        ("triage/runs/service.py", "import streamlit as st", "triage knows no pages and no SQL"),
        ("triage/runs/service.py", "from storage.records import Records", "triage meets storage in one place"),
        ("triage/runs/service.py", "import storage", "triage meets storage in one place"),
        ("pages/desk.py", "from storage.traces import store", "pages go through services"),
        ("pages/components/box.py", "from agents import Runner", "pages go through services"),
        ("triage/domain.py", "from triage import errors", "values and errors rest on nothing of ours"),
        ("triage/errors.py", "import triage.domain", "errors rest on nothing of ours"),
        ("app.py", "import duckdb", "the composition root leaves the stores to services"),
        ("pages/agents.py", "", "the name hides the SDK"),
        ("agents.py", "", "the name hides the SDK"),
        ("agents/__init__.py", "", "the name hides the SDK"),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, path: str, source: str, words: str) -> None:
    _write(tmp_path, path, source)
    assert [found.rpartition(": ")[2] for found in broken_rules(tmp_path)] == [words]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("storage/records/runs.py", "from triage.domain import Run\nfrom triage.errors import NotFound"),
        ("storage/records/runs.py", "import sqlalchemy\nfrom storage.records import base"),
        ("triage/services/owner.py", "from storage.records import Records"),
        ("triage/team/team.py", "from agents import Agent\nfrom triage.domain import Run"),
        ("triage/team/agents.py", ""),
        ("pages/desk.py", "from triage.services import Services\nimport streamlit"),
        ("tests/x.py", "import duckdb"),
    ],
)
def test_a_right_import_is_left_alone(tmp_path: Path, path: str, source: str) -> None:
    _write(tmp_path, path, source)
    assert broken_rules(tmp_path) == []


def _write(root: Path, path: str, source: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")
