from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.components import not_resumable
from pages.components.audit_check import sentence
from pages.components.audit_entries import changes_of
from pages.components.audit_words import _ACTIONS, action_words, short_subject, subject_words
from pages.components.text import plain
from triage.domain import Actor, AuditCheck, AuditEntry, EventKind, Role, Run, RunStatus, utc_now
from triage.services import Services

PROJECT = Path(__file__).parents[2]
NASTY = "![x](http://127.0.0.1:9/x.png) :red[**now**]"


def entry(**changes: Any) -> AuditEntry:
    usual = {"seq": 1, "at": utc_now(), "actor": "kim", "role": Role.MANAGER, "action": "switch.set", "hash": "h"}
    return AuditEntry(**{**usual, "subject_kind": "switch", "subject_id": "writes", "previous_hash": "p", **changes})


def _written_actions() -> set[str]:
    """Return every action that the source writes out as ``action=...`` or as the first word of ``add_entry``."""
    found = set()
    for path in (PROJECT / "triage").rglob("*.py"):
        for call in (
            node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
        ):
            name = ast.unparse(call.func)
            said = [item.value for item in call.keywords if item.arg == "action" and "require" not in name]
            said += call.args[1:2] if name in ("add_entry", "audit", "_audit") else []
            found |= {item.value for item in said if isinstance(item, ast.Constant) and "." in str(item.value)}
    return found


def test_every_action_has_words() -> None:
    written = _written_actions()
    assert {"audit.exported", "run.restarted", "approval.released"} <= written
    assert written - _ACTIONS.keys() == set()
    for kind in (EventKind.RUN_TAKEN_OVER, EventKind.LABEL_CORRECTED, EventKind.REPLY_SENT, EventKind.APPROVAL_CLAIMED):
        assert kind.value in _ACTIONS


def test_every_action_is_explained() -> None:
    text = (PROJECT / "docs" / "audit.md").read_text(encoding="utf-8")
    assert [action for action in _ACTIONS if f"`{action}`" not in text] == []


def test_an_action_that_is_new_is_still_readable() -> None:
    assert action_words("token.lent").text == "Token lent"
    assert subject_words("samples", "all") == "Sample records"
    assert (short_subject("run", "run_1"), short_subject("policy", "3")) == ("run_1", "Policy 3")


def test_what_changed_is_named_field_by_field() -> None:
    changed = entry(
        before={"status": "pending", "claimed_by": None}, after={"status": "approved", "amount": {"usd": 5}}
    )
    assert changes_of(changed) == [("Status", "pending", "approved"), ("Amount usd", "none", "5")]
    assert changes_of(entry()) == []


def test_what_a_check_found_is_a_sentence() -> None:
    now = utc_now()
    good = AuditCheck(checked=1204, head_seq=1204, head_hash="h", is_sealed=True)
    assert sentence(good, at=now, now=now) == "Checked 1,204 lines just now: unbroken."
    assert sentence(good, at=now - timedelta(minutes=3), now=now) == "Checked 1,204 lines 3 min ago: unbroken."
    bad = good.model_copy(update={"checked": 1, "first_wrong": 2, "problem": "Line 2 was altered."})
    assert sentence(bad, at=now, now=now) == "Line 2 was altered. The line before is good."


def texts(page: AppTest) -> str:
    return " ".join(
        str(item.value) for kind in (page.markdown, page.text, page.caption, page.subheader) for item in kind
    )


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.REVIEWER])
def test_who_may_not_read_is_told(open_page: Callable[..., AppTest], role: Role) -> None:
    page = open_page("audit", role=role)
    assert not page.exception
    assert "need the role manager" in page.info[0].value
    assert not page.dataframe


def test_a_manager_reads_filters_and_opens_an_entry(
    running: Services, open_page: Callable[..., AppTest], settle: Callable[[Run], Run], operator: Actor
) -> None:
    run = settle(running.runs.submit("How do I add a seat to our plan?", actor=operator))
    running.runs.escalate(run.id, actor=Actor(name=NASTY), reason=NASTY)
    running.runs.take_over(run.id, actor=operator)
    page = open_page("audit", role=Role.MANAGER)
    assert not page.exception
    assert list(page.dataframe[0].value["What"]) == ["Taken over by a person", "Escalated", "Sample records loaded"]
    page.query_params["entry"] = "2"
    page.run()
    assert NASTY in [item.value for item in page.text]
    assert NASTY not in " ".join(item.value for item in page.markdown)
    page.selectbox("audit_who").select(operator.name).run()
    assert list(page.dataframe[0].value["No."]) == [3]
    page.text_input("audit_on").input("nowhere").run()
    assert "No entry fits" in page.info[0].value
    page.button("audit_clear").click().run()
    assert len(page.dataframe[0].value) == 3


def test_the_filters_come_from_the_address(open_page: Callable[..., AppTest]) -> None:
    page = open_page("audit", role=Role.ADMIN, audit_who="system", entry="77")
    assert list(page.dataframe[0].value["Who"]) == ["system"]
    assert "no line 77" in page.warning[0].value


def test_the_check_says_that_the_log_is_whole_or_what_is_wrong(
    running: Services, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("audit", role=Role.MANAGER)
    page.button("audit_check_now").click().run()
    assert page.success[0].value == plain("Checked 1 line just now: unbroken.")
    with running.records.engine.begin() as connection:
        connection.exec_driver_sql("drop trigger audit_log_refuses_update")
        connection.exec_driver_sql("update audit_log set actor = 'mallory'")
    page.button("audit_check_now").click().run()
    assert "Line 1 was altered" in page.error[0].value
    assert "No line before is good" in page.error[0].value


def test_what_another_build_paused_is_run_again_from_the_page(
    running: Services, settle: Callable[[Run], Run], operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A link to another page needs the console's frame around it.
    monkeypatch.setattr(not_resumable, "desk_link", lambda run_id: None)

    def script() -> None:
        from pages.components.not_resumable import not_resumable

        not_resumable()

    message = "I want to return order 2, the hub stopped working"
    run = settle(running.runs.submit(message, actor=operator, customer_email="alice@example.com"))
    page = AppTest.from_function(script, default_timeout=30).run()
    assert not page.exception
    assert not page.expander
    with running.records.engine.begin() as connection:
        connection.exec_driver_sql("update run_states set sdk_version = '0.23.1'")
    page.run()
    assert "1 waiting run was paused by another version" in page.expander[0].label
    assert any("0\\.23\\.1" in caption.value for caption in page.caption)
    page.button(f"again_{run.id}").click().run()
    assert not page.exception
    assert running.runs.get(run.id).status is RunStatus.CANCELLED
    again = running.runs.runs_of_conversation(run.conversation_id)[-1]
    assert again.retry_of == run.id
    assert settle(again).status is RunStatus.AWAITING_APPROVAL
    assert not page.run().expander
