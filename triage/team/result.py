"""Makes the agents' last words into the result of a run."""

from __future__ import annotations

from triage.domain import Category, Citation, TriageResult
from triage.team.context import TriageContext

LOW_CONFIDENCE = 0.4


def finish(result: TriageResult, context: TriageContext) -> TriageResult:
    """Return the result as the run keeps it.

    The writer's text stands in for an empty reply. Citations are the articles that a search of this run returned, with
    the title and URL of the knowledge base. A confidence below 0.4 means category ``other`` and a person; a person is
    also asked when the run was escalated, when a tool that it needed was paused, or when there is no reply.
    """
    reply = result.reply_draft.strip() or (context.facts.draft or "")
    needs_person = context.facts.escalation is not None or bool(context.facts.paused)
    confidence = min(max(result.confidence, 0.0), 1.0) if result.confidence == result.confidence else 0.0
    is_unsure = confidence < LOW_CONFIDENCE
    return result.model_copy(
        update={
            "reply_draft": reply,
            "citations": _known_citations(result.citations, context.facts.articles),
            "confidence": confidence,
            "category": Category.OTHER if is_unsure else result.category,
            "requires_human": result.requires_human or is_unsure or not reply or needs_person,
        }
    )


def _known_citations(cited: list[Citation], found: dict[str, Citation]) -> list[Citation]:
    """Return the cited articles that were found, each once, in the order in which they were cited."""
    ids = dict.fromkeys(citation.article_id for citation in cited)
    return [found[article_id] for article_id in ids if article_id in found]
