from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from triage.domain import Category, Citation, TriageResult, Urgency
from triage.team.context import EscalationFact, RunFacts, TriageContext
from triage.team.result import finish

FOUND = Citation(article_id="invoices", title="Invoices", url="https://help.fennel.example/invoices")


def result(**changes: Any) -> TriageResult:
    values: dict[str, Any] = {
        "category": Category.BILLING,
        "urgency": Urgency.LOW,
        "summary": "s",
        "recommended_action": "a",
        "requires_human": False,
        "reply_draft": "Hello",
        "citations": [],
        "confidence": 0.9,
    }
    return TriageResult(**{**values, **changes})


def context(**facts: Any) -> TriageContext:
    return TriageContext(run_id="r", conversation_id="c", message="m", today=date(2026, 1, 1), facts=RunFacts(**facts))


def test_the_writers_text_stands_in_for_an_empty_reply_only() -> None:
    assert finish(result(reply_draft=" "), context(draft="From the writer")).reply_draft == "From the writer"
    assert finish(result(reply_draft="Own"), context(draft="From the writer")).reply_draft == "Own"


def test_without_any_reply_a_person_is_asked() -> None:
    assert finish(result(reply_draft=""), context()).requires_human
    assert not finish(result(), context()).requires_human


def test_only_found_articles_are_cited_once_and_with_their_own_title_and_url() -> None:
    cited = [
        Citation(article_id="made-up", title="x", url="https://evil.example"),
        Citation(article_id="invoices", title="Wrong", url="https://evil.example"),
        Citation(article_id="invoices", title="Again", url=""),
    ]
    assert finish(result(citations=cited), context(articles={"invoices": FOUND})).citations == [FOUND]


@pytest.mark.parametrize(
    ("confidence", "kept", "category"),
    [
        (0.39, 0.39, Category.OTHER),
        (0.4, 0.4, Category.BILLING),
        (7.0, 1.0, Category.BILLING),
        (-1.0, 0.0, Category.OTHER),
        (float("nan"), 0.0, Category.OTHER),
    ],
)
def test_low_confidence_means_other_and_a_person(confidence: float, kept: float, category: Category) -> None:
    done = finish(result(confidence=confidence), context())
    assert (done.confidence, done.category) == (kept, category)
    assert done.requires_human is (category is Category.OTHER)


def test_an_escalated_run_needs_a_person() -> None:
    fact = EscalationFact(id="E-1", reason="asked", urgency=Urgency.HIGH)
    assert finish(result(), context(escalation=fact)).requires_human
