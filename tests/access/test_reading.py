"""Pages and API read through what whoever is acting may see, and nothing else."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from tests.access.reads_past import ASKING, EXCUSED, files_that_read, reads_past
from triage.services import Services

PROJECT = Path(__file__).resolve().parents[2]


def test_no_page_and_no_module_of_the_api_reads_past_what_its_actor_may_see() -> None:
    found = [
        (str(path.relative_to(PROJECT)), words, line)
        for path in files_that_read(PROJECT)
        for line, words in reads_past(path.read_text(encoding="utf-8"))
    ]
    assert [item for item in found if item[:2] not in EXCUSED] == []
    assert EXCUSED.keys() - {item[:2] for item in found} == set(), "what is excused and not there any more"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("services().runs.get('r')", "services().runs"),
        ("runs = services().runs", "services().runs"),
        ("running = services()\nrunning.briefs.brief('a')", "running.briefs"),
        ("console, x = services(), 1\nconsole.approvals.get('a')", "console.approvals"),
        ("def f(desk: Services):\n    return desk.records.read()", "desk.records"),
        ("request.app.state.services.trace_queries.find(w)", "request.app.state.services.trace_queries"),
        ("getattr(services().measures, topic)(question)", "services().measures"),
    ],
)
def test_a_read_past_it_is_found(source: str, words: str) -> None:
    assert [found for _, found in reads_past(source)] == [words]


@pytest.mark.parametrize(
    "source",
    [
        "services().as_seen_by(actor()).runs.get('r')",
        "seen().runs.get('r')",
        "services().runs.cancel('r', actor=actor())",
        "import_messages(services().runs, parsed, actor=actor())",
        "services().audit.list(actor=who)",
        "services().settings.max_turns",
    ],
)
def test_what_asks_is_left_alone(source: str) -> None:
    assert list(reads_past(source)) == []


@pytest.mark.parametrize("part", sorted(ASKING))
def test_the_parts_that_are_asked_directly_ask_for_an_actor(client: Services, part: str) -> None:
    service = getattr(client, part)
    told_otherwise = {"authenticate", "actor_from_claims"}
    methods = [name for name, _ in inspect.getmembers(type(service), inspect.isfunction) if not name.startswith("_")]
    assert methods
    for name in set(methods) - told_otherwise:
        assert "actor" in inspect.signature(getattr(service, name)).parameters, f"{part}.{name}"
