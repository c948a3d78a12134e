from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from storage.records import Records
from triage.domain import SavedPolicy
from triage.errors import Conflict


def test_versions_are_kept_and_never_replaced(any_records: Records, make: SimpleNamespace) -> None:
    saved = [
        SavedPolicy(version=number, text=f"rules: [] # {number} ü\n", note="", created_by="ada", created_at=make.now)
        for number in (1, 2, 3)
    ]
    with any_records.begin() as tx:
        assert tx.policies.version() == 0
        for policy in saved:
            tx.policies.add(policy)
    with any_records.read() as tx:
        assert tx.policies.version() == 3
        assert tx.policies.find(2) == saved[1]
        assert tx.policies.find(4) is None
        assert tx.policies.list() == saved[::-1]
        assert tx.policies.list(limit=1, offset=1) == [saved[1]]
    with pytest.raises(Conflict), any_records.begin() as tx:
        tx.policies.add(saved[2])


def test_calls_and_decisions_are_found_newest_first(with_run: Records, make: SimpleNamespace) -> None:
    def approval(number: int, **fields: object) -> object:
        at = make.now + timedelta(minutes=number)
        usual = {"id": f"p{number}", "call_id": f"c{number}", "rule": "refund", "status": "approved", "decided_at": at}
        return make.approval(**{**usual, "created_at": at, "updated_at": at, "policy_version": number, **fields})

    with with_run.begin() as tx:
        tx.approvals.add(approval(1))
        tx.approvals.add(approval(2, status="expired"))
        tx.approvals.add(approval(3, status="pending", decided_at=None))
        tx.approvals.add(approval(4, status="cancelled"))
        tx.approvals.add(approval(5, rule="other", tool="create_support_ticket"))
        tx.approvals.add(approval(6, kind="question", tool="ask_teammate", rule="question"))
        # Asked early, decided last.
        tx.approvals.add(approval(0, status="rejected", decided_at=make.now + timedelta(days=1)))
    with with_run.read() as tx:
        assert [item.id for item in tx.policies.list_calls(limit=3)] == ["p5", "p4", "p3"]
        assert sorted(tx.policies.list_judged()) == [
            ("ask_teammate", "question"),
            ("create_support_ticket", "other"),
            ("process_refund", "refund"),
        ]

        def decided(since: int, limit: int = 9) -> list[str]:
            found = tx.policies.list_decided("process_refund", "refund", since_version=since, limit=limit)
            return [item.id for item in found]

        assert decided(0) == ["p0", "p2", "p1"]
        assert decided(0, limit=2) == ["p0", "p2"]
        assert decided(2) == ["p2"]
