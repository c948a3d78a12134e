"""A desk on which customers, models, the people of the desk and other programs wrote markup into all they can write."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.attacks.markup import HOST, nasty, short
from tests.attacks.nasty_model import ARTICLE, ORDER
from triage.approvals.policies import default_text
from triage.domain import Account, Actor, Judgement, Order, OrderStatus, Role, Run, RunStatus, utc_now
from triage.domain.alerts import AlertMeasure, AlertRule
from triage.domain.traces import TimeRange
from triage.services import Services

# Addresses take no blanks, quotes or angle brackets.
EMAIL = f"![i](//{HOST.replace('.', '-')}/i)$x$@{HOST}"
ACCOUNT = "A-9999"
WEBHOOK = "webhook<img-src=x-onerror=owned()>**b**.invalid"
BACKUP = "backup<img src=x onerror=owned()>[l](javascript:owned()) **b** $x^2$.tar"
LONGEST_S = 60.0


def person(role: Role) -> Actor:
    """Return somebody whose name is markup; names have 80 characters at most."""
    return Actor(name=short(f"{role.value}_name")[:80], role=role)


OPERATOR, REVIEWER, ADMIN = person(Role.OPERATOR), person(Role.REVIEWER), person(Role.ADMIN)


@dataclass(frozen=True)
class Seeded:
    """What the pages are opened with."""

    runs: dict[str, Run]
    approvals: dict[str, str]
    trip: str
    rule: str


def articles(folder: Path) -> Path:
    """Write the knowledge base: one article, which every search finds."""
    folder.mkdir()
    front = {
        "id": ARTICLE,
        "title": nasty("article_title"),
        "section": short("article_section"),
        "url": "javascript:owned()//<img src=x onerror=owned()>",
    }
    (folder / "nasty.md").write_text(f"---\n{json.dumps(front)}\n---\n\n{nasty('article_text')} query attack.\n")
    return folder


def seed(desk: Services, folder: Path) -> Seeded:
    """Write markup into everything; the model of the desk is the nasty one."""
    _customer(desk)
    desk.policies.save(f"# {nasty('policy_text')}\n{_policy()}", actor=ADMIN, note=nasty("policy_note"))
    runs = {
        word: desk.runs.submit(nasty(f"message-{word}"), actor=OPERATOR, customer_email=EMAIL, account_id=ACCOUNT)
        for word in ("answered", "refunded", "asked", "tripped")
    }
    runs = {word: _settled(desk, run) for word, run in runs.items()}
    desk.settle_traces()
    approvals = {word: desk.approvals.list_of_run(runs[word].id)[0].id for word in ("refunded", "asked")}
    desk.approvals.claim(approvals["asked"], actor=REVIEWER)
    answered = runs["answered"].id
    desk.runs.edit_reply(answered, text=nasty("edited_reply"), actor=OPERATOR)
    desk.runs.mark_sent(answered, actor=OPERATOR)
    desk.runs.correct(answered, field="category", value="billing", actor=OPERATOR)
    _reject(desk)
    trip = _trip(desk)
    desk.switches.set("tool:search_knowledge_base", actor=ADMIN, reason=nasty("switch_reason"))
    rule = desk.alerts.save(
        AlertRule(
            id="",
            name=short("rule_name"),
            measure=AlertMeasure.TRIP_RATE,
            window_hours=24,
            warn_at=0.01,
            alert_at=0.02,
            least=1,
            models=(nasty("rule_model")[:200],),
        ),
        actor=ADMIN,
    )
    desk.webhooks.add(f"https://{WEBHOOK}/x", actor=ADMIN)
    desk.data_care.export_traces(actor=ADMIN)
    desk.data_care.back_up(folder / BACKUP, actor=ADMIN)
    desk.tokens.create(name=short("token")[:60], role=Role.OPERATOR, actor=ADMIN)
    _imported(desk, folder)
    return Seeded(runs=runs, approvals=approvals, trip=trip, rule=rule.id)


def _customer(desk: Services) -> None:
    now = utc_now()
    with desk.records.begin() as tx:
        tx.accounts.add(
            Account(
                id=ACCOUNT, name=nasty("account_name"), email=EMAIL, plan=nasty("plan"), status="active", seats=3,
                created_at=now,
            )
        )  # fmt: skip
        tx.orders.add(
            Order(
                id=ORDER, customer_email=EMAIL, product=nasty("product"), quantity=1, total_usd=Decimal("9.50"),
                status=OrderStatus.DELIVERED, tracking_number=nasty("tracking"), created_at=now,
                delivered_at=now - timedelta(days=1),
            )
        )  # fmt: skip


def _policy() -> str:
    """Return the usual policy with markup in the words of a rule."""
    return default_text().replace("A refund moves money, so a person decides.", json.dumps(nasty("because")))


def _reject(desk: Services) -> None:
    run = _settled(desk, desk.runs.submit(nasty("message-asked again"), actor=OPERATOR, customer_email=EMAIL))
    [approval] = desk.approvals.list_of_run(run.id)
    desk.approvals.reject(approval.id, actor=REVIEWER, reason=nasty("reject_reason"))
    _settled(desk, run)


def _trip(desk: Services) -> str:
    desk.settle_traces()
    found = desk.guardrails.trips(TimeRange.last(timedelta(hours=1), until=utc_now() + timedelta(minutes=1)))
    trip = next(row for row in found.rows if row.stage == "input")
    desk.guardrails.mark(trip.span_id, judgement=Judgement.WRONG, actor=ADMIN, note=nasty("mark_note"))
    desk.cases.add_from_trip(trip.span_id, actor=ADMIN)
    return str(trip.span_id)


def _imported(desk: Services, folder: Path) -> None:
    """Take in a trace of another program, in which every word is markup, the ids included."""
    now = utc_now()
    span: dict[str, Any] = {
        "type": "span", "trace_id": "trace_nasty", "run_id": "run_nasty", "span_id": short("span_id"), "kind": "tool",
        "name": nasty("span_name"), "tool": short("span_tool"), "agent": short("span_agent"),
        "error_kind": short("kind"),
        "error": nasty("span_error"), "started_at": (now - timedelta(seconds=3)).isoformat(),
        "ended_at": now.isoformat(),
        "content": {"arguments": {nasty("span_key"): nasty("span_argument")}, "result": nasty("span_result")},
    }  # fmt: skip
    model = {
        **span, "span_id": "model", "kind": "generation", "model": short("span_model"), "tool": None,
        "is_model_call": True,
        "content": {"input": [{"role": "user", "content": nasty("span_input")}], "output": nasty("span_output")},
    }  # fmt: skip
    check = {
        **span, "span_id": "check", "kind": "guardrail", "guardrail": short("span_guardrail"), "triggered": True,
        "tool": None, "stage": "input", "verdict": short("span_verdict"),
    }  # fmt: skip
    handoff = {
        **span, "span_id": "handoff", "kind": "handoff", "from_agent": short("from"), "to_agent": short("to"),
        "tool": None,
    }  # fmt: skip
    run = {
        "type": "run", "run_id": "run_nasty", "trace_id": "trace_nasty", "status": "completed",
        "excerpt": nasty("trace_name"), "customer_email": nasty("trace_email"), "created_at": span["started_at"],
        "ended_at": span["ended_at"],
    }  # fmt: skip
    file = folder / "file<img src=x onerror=owned()>.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in (span, model, check, handoff, run)))
    report = desk.data_care.import_spans(file, content="full", actor=ADMIN)
    assert report.errors == []
    desk.settle_traces()


def _settled(desk: Services, run: Run) -> Run:
    def is_settled() -> bool:
        status = desk.runs.get(run.id).status
        return status.is_final or status is RunStatus.AWAITING_APPROVAL

    _until(is_settled)
    return desk.runs.get(run.id)


def _until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)
