from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from storage.records import Records, open_engine
from tests.migrated import migrated
from tests.statements import asked_of
from triage.approvals.policies import PolicyError, default_text
from triage.approvals.policy_service import PolicyService
from triage.domain import Account, Actor, Approval, ApprovalStatus, Conversation, Mode, Role, Run
from triage.errors import Conflict, InvalidInput, NotAllowed, NotFound

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ADMIN = Actor(name="ada", role=Role.ADMIN)
SMALL = default_text().replace(
    "rules:\n",
    "rules:\n"
    "  # Small ones.\n"
    "  - name: small_refund\n"
    "    tool: process_refund\n"
    "    when:\n"
    "      amount_usd: {up_to: 50}\n"
    "    decide: approval  # until we know better\n"
    "    because: A small refund.\n",
    1,
)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    records = Records(open_engine(migrated(tmp_path / "triage.db")))
    times = {"created_at": NOW, "updated_at": NOW}
    with records.begin() as tx:
        account = Account(
            id="a1", name="Acme", email="a@acme.example", plan="Team", status="active", seats=2, created_at=NOW
        )
        tx.accounts.add(account)
        tx.conversations.add(Conversation(id="c1", customer_email=None, account_id="a1", subject="Hub", **times))
        run = Run(id="r1", conversation_id="c1", message_id="m1", status="completed", message="It broke.",
                  account_id="a1", submitted_by="lee", trace_id="t1", **times)  # fmt: skip
        tx.runs.add(run)
    yield records
    records.close()


@pytest.fixture
def policies(records: Records) -> PolicyService:
    return PolicyService(records=records)


@pytest.fixture
def decided(records: Records) -> Callable[..., list[Approval]]:
    """Keep calls that were decided in the past."""
    count = 0

    def add(times: int = 1, **fields: Any) -> list[Approval]:
        nonlocal count
        items = []
        with records.begin() as tx:
            for _ in range(times):
                count += 1
                at = NOW + timedelta(minutes=count)
                usual = {"id": f"p{count}", "run_id": "r1", "segment": 0, "conversation_id": "c1", "agent": "Orders",
                         "customer_email": "a@acme.example"}  # fmt: skip
                more = {"call_id": f"call{count}", "tool": "process_refund", "arguments": {"order_id": "2"}}
                rest = {"summary": f"Refund {count}", "policy": "Why.", "rule": "refund", "status": "approved"}
                when = {"created_at": at, "updated_at": at, "decided_at": at, "amount_usd": Decimal("34.99")}
                items.append(Approval(**{**usual, **more, **rest, **when, **fields}))
                tx.approvals.add(items[-1])
        return items

    return add


def entries(records: Records) -> list[Any]:
    with records.read() as tx:
        return [entry for entry in tx.audit.list() if entry.subject_kind == "policy"]


def test_the_built_in_policy_is_version_0(policies: PolicyService) -> None:
    current = policies.current()
    assert (current.version, current.text, current.document.version) == (0, default_text(), 0)
    assert policies.history() == []


def test_a_saved_policy_is_in_force_at_once_also_in_another_process(policies: PolicyService, records: Records) -> None:
    other = PolicyService(records=records)
    other.current()
    saved = policies.save(SMALL, actor=ADMIN, note="Try  small ones", based_on=0)
    assert (saved.version, saved.note, saved.created_by) == (1, "Try small ones", "ada")
    assert other.current().document.find("small_refund") is not None
    assert other.current().document.version == 1
    (entry,) = entries(records)
    assert (entry.actor, entry.role, entry.action, entry.subject_id) == ("ada", Role.ADMIN, "policy.saved", "1")
    assert entry.before == {"version": 0, "text": default_text()}
    assert entry.after == {"version": 1, "text": SMALL, "note": "Try small ones"}


def test_asking_costs_one_small_query(policies: PolicyService, records: Records) -> None:
    policies.save(SMALL, actor=ADMIN)
    first = policies.current()
    with asked_of(records) as asked:
        assert policies.current() is first
    assert asked == ["SELECT coalesce(max(policies.version), 0) AS coalesce_1 \nFROM policies"]


def test_only_an_administrator_changes_it(policies: PolicyService, records: Records) -> None:
    manager = Actor(name="mia", role=Role.MANAGER)
    with pytest.raises(NotAllowed, match="role admin"):
        policies.save(SMALL, actor=manager)
    with pytest.raises(NotAllowed, match="role admin"):
        policies.promote("process_refund", "refund", actor=manager)
    assert policies.current().version == 0
    assert entries(records) == []


def test_a_mistake_leaves_the_old_one_in_force(policies: PolicyService, records: Records) -> None:
    policies.save(SMALL, actor=ADMIN)
    with pytest.raises(PolicyError, match="Line 12: decide cannot be 'perhaps'"):
        policies.save(SMALL.replace("decide: approval  #", "decide: perhaps  #"), actor=ADMIN)
    assert policies.current().text == SMALL
    assert len(entries(records)) == 1


def test_nobody_overwrites_what_another_saved_meanwhile(policies: PolicyService) -> None:
    policies.save(SMALL, actor=ADMIN, based_on=0)
    late = Actor(name="lou", role=Role.ADMIN)
    with pytest.raises(Conflict, match="ada has saved version 1 meanwhile"):
        policies.save(default_text() + "# mine\n", actor=late, based_on=0)
    with pytest.raises(InvalidInput, match="in force already"):
        policies.save(SMALL.replace("\n", "\r\n"), actor=late, based_on=1)
    assert policies.current().created_by == "ada"


def test_the_history_shows_what_changed_and_an_old_one_comes_back(policies: PolicyService) -> None:
    policies.save(SMALL, actor=ADMIN, note="One")
    policies.save(SMALL.replace("up_to: 50", "up_to: 80"), actor=ADMIN, note="Two")
    second, first = policies.history()
    assert (second.policy.version, second.policy.note) == (2, "Two")
    assert "-      amount_usd: {up_to: 50}\n+      amount_usd: {up_to: 80}" in second.diff
    assert "+  - name: small_refund" in first.diff
    assert policies.history(limit=1) == [second]
    assert policies.history(limit=1, offset=1) == [first]
    policies.save(policies.text_of(0), actor=ADMIN, note="Back to the built-in one", based_on=2)
    assert policies.current().text == default_text()
    with pytest.raises(NotFound, match="no version 9"):
        policies.text_of(9)


def test_a_preview_counts_the_last_calls(policies: PolicyService, decided: Callable[..., Any]) -> None:
    decided(3)
    decided(2, amount_usd=Decimal(900))
    decided(4, tool="create_support_ticket", arguments={"priority": "low"}, mode=Mode.AUTO, amount_usd=None)
    decided(1, kind="question", tool="ask_teammate")
    decided(1, status=ApprovalStatus.PENDING, amount_usd=None, decided_at=None)
    text = SMALL.replace("decide: approval  #", "decide: auto  #").replace(
        "  - name: refund\n    tool: process_refund\n    decide: approval",
        "  - name: refund\n    tool: process_refund\n    when: {plan: team}\n    decide: two_people",
    )
    preview = policies.preview(text)
    assert preview.calls == 10
    assert preview.before == {Mode.AUTO: 4, Mode.APPROVAL: 6, Mode.TWO_PEOPLE: 0, Mode.DENY: 0}
    # The one whose amount is not known might be one of the large ones.
    assert preview.after == {Mode.AUTO: 7, Mode.APPROVAL: 0, Mode.TWO_PEOPLE: 3, Mode.DENY: 0}
    assert preview.changed == 6
    newest = preview.examples[0]
    assert (newest.before_rule, newest.after, newest.after_rule) == ("refund", Mode.TWO_PEOPLE, "refund")
    assert policies.current().version == 0
    with pytest.raises(PolicyError, match="Line 1"):
        policies.preview("")


def test_evidence_counts_what_became_of_the_last_decisions(
    policies: PolicyService, decided: Callable[..., Any]
) -> None:
    decided(30, amount_usd=Decimal(5000))
    decided(192)
    decided(1, amount_usd=Decimal(99), status=ApprovalStatus.REJECTED)
    decided(2, status=ApprovalStatus.EDITED, amount_usd=Decimal("60.50"))
    decided(1, status=ApprovalStatus.EXPIRED)
    decided(4, mode=Mode.AUTO)
    decided(3, status=ApprovalStatus.PENDING, decided_at=None)
    decided(1, tool="create_support_ticket", rule="high_ticket", amount_usd=None)
    decided(1, rule="of_old")
    refunds, tickets = sorted(policies.suggestions(), key=lambda item: item.tool != "process_refund")
    assert (refunds.unchanged, refunds.edited, refunds.rejected, refunds.expired, refunds.automatic) == (
        192,
        2,
        1,
        1,
        4,
    )
    assert (refunds.decisions, refunds.largest_usd) == (196, Decimal("60.50"))
    assert (tickets.rule, tickets.mode, tickets.decisions) == ("high_ticket", Mode.APPROVAL, 1)


@pytest.mark.parametrize(
    ("unchanged", "others", "obstacle"),
    [
        (50, [], None),
        (49, [], "49 of the 50 decisions"),
        (98, [{"status": "edited"}] * 2, None),
        (97, [{"status": "edited"}] * 2, "97 of 99, and it takes 98%"),
        (60, [{"status": "expired"}] * 2, "60 of 62"),
        (199, [{"reversed_at": NOW}], "1 of the last 200 was reversed"),
        (200, [{"mode": "auto", "reversed_at": NOW}], "1 of the last 200 was reversed"),
    ],
)
def test_a_rule_is_suggested_only_on_good_evidence(
    policies: PolicyService,
    decided: Callable[..., Any],
    unchanged: int,
    others: list[dict[str, Any]],
    obstacle: str | None,
) -> None:
    decided(unchanged)
    for fields in others:
        decided(1, **fields)
    (found,) = policies.suggestions()
    assert found.is_suggested is (obstacle is None)
    assert (obstacle or "") in (found.obstacle or "")


def test_decisions_before_a_change_of_what_the_rule_is_for_do_not_count(
    policies: PolicyService, decided: Callable[..., Any]
) -> None:
    decided(60)
    # A remark, another time or another word for why change nothing about what is decided.
    policies.save(default_text() + "# A remark.\n", actor=ADMIN)
    decided(60, policy_version=1)
    assert [(item.since_version, item.decisions) for item in policies.suggestions()] == [(0, 120)]
    # The smaller ones go elsewhere now, so what is left is another matter.
    policies.save(SMALL, actor=ADMIN)
    assert [(item.since_version, item.decisions) for item in policies.suggestions()] == [(2, 0)]
    decided(5, policy_version=2)
    assert [(item.since_version, item.decisions) for item in policies.suggestions()] == [(2, 5)]


def test_a_promotion_changes_one_word_and_a_reversal_takes_it_back(
    policies: PolicyService, records: Records, decided: Callable[..., Any]
) -> None:
    policies.save(SMALL, actor=ADMIN)
    decided(60, rule="small_refund", policy_version=1)
    promoted = policies.promote("process_refund", "small_refund", actor=ADMIN)
    assert promoted.text == SMALL.replace("decide: approval  # until", "decide: auto  # until")
    assert promoted.note == "Rule small_refund goes ahead by itself: 60 of 60 approved unchanged."
    with pytest.raises(Conflict, match="No person decides by this rule"):
        policies.promote("process_refund", "small_refund", actor=ADMIN)

    (item,) = decided(1, rule="small_refund", policy_version=2, mode=Mode.AUTO, reversed_at=NOW)
    with records.begin() as tx:
        policies.demote(tx, item)
    current = policies.current()
    assert (current.version, current.text, current.created_by) == (3, SMALL, "policy")
    assert current.note == f"Rule small_refund asks a person again, because the action {item.id} was reversed."
    with records.begin() as tx:
        policies.demote(tx, item)
    assert policies.current().version == 3
    assert [entry.action for entry in entries(records)] == ["policy.saved", "policy.promoted", "policy.demoted"]
    # What was reversed stays against it.
    with pytest.raises(Conflict, match="1 of the last 200 was reversed"):
        policies.promote("process_refund", "small_refund", actor=ADMIN)
    with pytest.raises(NotFound, match="No decision"):
        policies.promote("create_support_ticket", "small_refund", actor=ADMIN)


def test_a_rule_for_every_tool_is_not_let_go_by_what_one_tool_did(
    policies: PolicyService, decided: Callable[..., Any]
) -> None:
    rule = "rules:\n  - {name: all, tool: any, decide: approval, because: Why.}\n"
    policies.save(rule, actor=ADMIN)
    decided(60, rule="all", policy_version=1)
    with pytest.raises(Conflict, match="write one for this tool first"):
        policies.promote("process_refund", "all", actor=ADMIN)


def test_a_demotion_that_is_rolled_back_leaves_no_trace(
    policies: PolicyService, records: Records, decided: Callable[..., Any]
) -> None:
    policies.save(SMALL.replace("decide: approval  #", "decide: auto  #"), actor=ADMIN)
    (item,) = decided(1, rule="small_refund", policy_version=1, mode=Mode.AUTO)

    with pytest.raises(ArithmeticError), records.begin() as tx:  # noqa: PT012 - the fault leaves the transaction
        policies.demote(tx, item)
        assert policies.current_in(tx).document.find("small_refund").decide is Mode.APPROVAL
        raise ArithmeticError
    assert policies.current().version == 1
    # The number goes to another text, which counts.
    policies.save(default_text(), actor=ADMIN)
    assert (policies.current().version, policies.current().document.find("small_refund")) == (2, None)


def test_a_saved_policy_that_this_build_cannot_read_lets_nothing_go(records: Records) -> None:
    policies = PolicyService(records=records)
    policies.save(SMALL, actor=ADMIN)
    with records.begin() as tx:
        saved = tx.policies.find(1)
        tx.policies.add(saved.model_copy(update={"version": 2, "text": "rules:\n  - tool: fax\n"}))
    current = policies.current()
    assert current.problem == "Line 2: A rule needs name."
    from triage.approvals.policies import ProposedCall

    verdict = current.document.judge(ProposedCall(tool="create_support_ticket", arguments={"priority": "low"}))
    assert (verdict.mode, verdict.rule, verdict.version) == (Mode.TWO_PEOPLE, "unreadable_policy", 2)
    policies.save(SMALL, actor=ADMIN, based_on=2)
    assert policies.current().problem is None
