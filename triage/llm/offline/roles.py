"""Which role a call asks for, told from the wanted output alone."""

from __future__ import annotations

import json

from triage.errors import ModelUnavailable
from triage.llm.offline.classify import judge
from triage.llm.offline.decisions import Decision, Say
from triage.llm.offline.planner import next_step
from triage.llm.offline.request import Request
from triage.llm.offline.writer import write_reply

_VERDICT_FIELDS = {"appropriate", "verdict", "reason"}
_RESULT_FIELDS = {"category", "urgency", "summary"}


def decide(request: Request) -> Decision:
    """Decide what comes next; raises ModelUnavailable for an output that is none of the team's."""
    if not request.fields:
        return Say(write_reply(request.message, instructions=request.instructions), is_prose=True)
    if request.fields >= _VERDICT_FIELDS:
        judgement = judge(request.message)
        verdict = {
            "appropriate": judgement.verdict == "support",
            "verdict": judgement.verdict,
            "reason": judgement.reason,
        }
        return Say(json.dumps(verdict, ensure_ascii=False))
    if request.fields >= _RESULT_FIELDS:
        return next_step(request)
    raise ModelUnavailable("The offline engine knows the outputs of the support team only; connect a model for others.")
