"""Finds what a page or a module of the API asks of the services past what whoever is acting may see.

Allowed is: ``services().as_seen_by(actor)``; a call that is given an ``actor``, which the service then asks about; and
the parts that tell who reads, or nothing of anybody's runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

# Every public method of these takes an actor; a test holds them to it.
ASKING = frozenset({"audit", "data_care", "webhooks", "tokens", "people"})
# How the process does, and what it is set to.
ABOUT_THE_PROCESS = frozenset(
    {
        "as_seen_by", "close", "engine", "exporter", "folder", "intake_health", "is_owner", "knowledge", "rate_limit",
        "settings", "settle_traces", "alert_watch", "keeper", "notices", "processor", "inbox",
    }
)  # fmt: skip

# Who it is that reads, which has to be known before anything can be asked.
WHO_IT_IS = frozenset({"sign_ins"})

# What is left, with the reason: none of it tells one team of another.
EXCUSED = {
    ("triage/api/app.py", "services.records"): "whether anything is new at all",
    ("triage/api/app.py", "services.runs"): "how far runs are that streams, which asked, have open",
    ("triage/api/health.py", "services.runs"): "whether the records answer",
    ("triage/api/health.py", "services.event_log"): "whether events are written",
    ("pages/components/approval_actions.py", "services().aftermath"): "whether a help desk is set up that can be asked",
}


def reads_past(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and words of each part of the services that is read without asking who reads."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    names = _names_of_services(tree)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and _is_services(node.value, names)):
            continue
        if node.attr in ASKING | ABOUT_THE_PROCESS | WHO_IT_IS or _is_told_who(node, parents):
            continue
        yield node.lineno, ast.unparse(node)


def files_that_read(root: Path) -> list[Path]:
    return sorted([*(root / "pages").rglob("*.py"), *(root / "triage" / "api").rglob("*.py")])


def _names_of_services(tree: ast.AST) -> set[str]:
    """Return the names that stand for the services: given as such, or bound to them."""
    names = {"services"}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None and "Services" in ast.unparse(node.annotation):
            names.add(node.arg)
        elif isinstance(node, ast.Assign) and _is_services(node.value, names):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            for target in node.targets:
                if isinstance(target, ast.Tuple):
                    pairs = zip(target.elts, node.value.elts, strict=True)
                    names |= {
                        left.id for left, right in pairs if isinstance(left, ast.Name) and _is_services(right, names)
                    }
    return names


def _is_services(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "services"
    if isinstance(node, ast.Attribute):
        return node.attr == "services"
    return isinstance(node, ast.Name) and node.id in names


def _is_told_who(part: ast.Attribute, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether the part's method, or what the part is handed to, is called with an actor."""
    node: ast.AST = part
    above = parents.get(node)
    if isinstance(above, ast.Attribute) and above.value is node:
        node, above = above, parents.get(above)
    while isinstance(above, ast.keyword):
        node, above = above, parents.get(above)
    return isinstance(above, ast.Call) and any(keyword.arg == "actor" for keyword in above.keywords)
