from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.components import policy_words as say
from pages.components.policy_preview import headline
from triage.approvals.policies import PolicyDocument, default_text, parse_policy
from triage.approvals.policy_service import Preview
from triage.domain import Actor, Approval, Conversation, Mode, Role, Run, utc_now
from triage.services import Services

ADMIN = Actor(name="ada", role=Role.ADMIN)
OpenPage = Callable[..., Any]
TWO = default_text().replace("process_refund\n    decide: approval", "process_refund\n    decide: two_people")


def keep_calls(services: Services, times: int, **fields: Any) -> None:
    now = utc_now()
    at = {"created_at": now, "updated_at": now}
    with services.records.begin() as tx:
        tx.conversations.add(Conversation(id="c1", customer_email=None, account_id=None, subject="Hub", **at))
        tx.runs.add(Run(id="r1", conversation_id="c1", message_id="m1", status="completed", message="It broke.",
                        submitted_by="lee", trace_id="t1", **at))  # fmt: skip
        for number in range(times):
            usual = {"tool": "process_refund", "arguments": {"order_id": "2"}, "summary": f"Refund *{number}*"}
            more = {"policy": "Why.", "rule": "refund", "status": "approved", "amount_usd": Decimal("34.99"), **fields}
            place = {"id": f"p{number}", "run_id": "r1", "segment": 0, "conversation_id": "c1", "call_id": f"c{number}"}
            tx.approvals.add(Approval(agent="Orders", decided_at=now, **place, **at, **usual, **more))


def words_of(page: Any) -> str:
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error, page.success)
    return "\n".join(item.value for items in kinds for item in items)


def test_the_policy_in_force_is_shown_as_tables(open_page: OpenPage) -> None:
    page = open_page("policies", role=Role.REVIEWER)
    assert not page.exception
    rules, times = (table.value for table in page.table)
    assert list(rules["Action"])[:2] == ["**Process refund**", "**Create support ticket**  \npriority is critical"]
    assert "Waits for a person" in rules["Decision"][0]
    assert list(times["Urgency"]) == ["Critical", "High", "Medium", "Everything else"]
    assert "nobody has changed it yet" in words_of(page)
    assert "who may decide may decide every amount" in words_of(page)


def test_only_an_administrator_finds_an_editor(open_page: OpenPage) -> None:
    page = open_page("policies", role=Role.MANAGER, policy_view="Text")
    assert not page.exception
    assert not page.text_area
    assert page.code[0].value == default_text().rstrip("\n")
    assert "needs the role admin" in words_of(page)


def test_a_mistake_is_shown_with_its_line(open_page: OpenPage) -> None:
    page = open_page("policies", role=Role.ADMIN, policy_view="Text")
    page.text_area(key="policy_text").set_value("rules:\n  - name: a\n    tool: fax\n").run()
    assert not page.exception
    assert "Line 2: A rule needs decide" in page.error[0].value.replace("\\", "")
    assert any("▸    2    - name: a" in code.value for code in page.code)


def test_a_policy_is_tried_saved_and_taken_back(running: Services, open_page: OpenPage) -> None:
    keep_calls(running, 7)
    page = open_page("policies", role=Role.ADMIN, policy_view="Text")
    page.text_area(key="policy_text").set_value(TWO).run()
    assert "**Of the last 7 calls, 7 would have waited, 7 of them for two people.**" in words_of(page)
    assert "7 calls would have gone another way" in words_of(page)
    assert "Refund \\*0\\*" in words_of(page)
    page.button("policy_save_button").click().run()
    note = next(field for field in page.text_input if field.label == "Note")
    note.set_value("Two for money").run()
    page.button("policy_confirm").click().run()
    assert not page.exception
    current = running.policies.current()
    assert (current.version, current.text, current.note) == (1, TWO, "Two for money")

    page = open_page("policies", role=Role.ADMIN, policy_view="History")
    assert "Version 1" in words_of(page)
    assert any("+    decide: two_people" in code.value for code in page.code)
    page.button("again_0").click().run()
    assert page.text_area(key="policy_text").value == default_text()
    page.button("policy_save_button").click().run()
    assert next(field for field in page.text_input if field.label == "Note").value == "Back to the built-in policy"
    page.button("policy_confirm").click().run()
    assert (running.policies.current().version, running.policies.current().text) == (2, default_text())


def test_what_somebody_else_saved_is_not_overwritten(running: Services, open_page: OpenPage) -> None:
    page = open_page("policies", role=Role.ADMIN, policy_view="Text")
    page.text_area(key="policy_text").set_value(default_text() + "# mine\n").run()
    running.policies.save(TWO, actor=ADMIN)
    page.button("policy_save_button").click().run()
    assert "ada has saved version 1 since you began with version 0" in words_of(page).replace("\\", "")
    page.button("policy_confirm").click().run()
    assert "ada has saved version 1 meanwhile" in words_of(page).replace("\\", "")
    assert running.policies.current().text == TWO
    assert page.text_area(key="policy_text").value == default_text() + "# mine\n"
    page.button("policy_reset").click().run()
    assert page.text_area(key="policy_text").value == TWO


def test_an_untouched_editor_follows_the_policy(running: Services, open_page: OpenPage) -> None:
    page = open_page("policies", role=Role.ADMIN, policy_view="Text")
    running.policies.save(TWO, actor=ADMIN)
    assert page.run().text_area(key="policy_text").value == TWO


def test_evidence_lets_an_administrator_promote(running: Services, open_page: OpenPage) -> None:
    keep_calls(running, 60)
    page = open_page("policies", role=Role.MANAGER, policy_view="Past decisions")
    assert "An administrator can let it go ahead" in words_of(page)
    page = open_page("policies", role=Role.ADMIN, policy_view="Past decisions")
    page.button("promote_process_refund_refund").click().run()
    page.button("promote_confirm").click().run()
    assert not page.exception
    current = running.policies.current()
    assert current.document.find("refund").decide is Mode.AUTO
    assert current.note == "Rule refund goes ahead by itself: 60 of 60 approved unchanged."
    assert "No person decides by this rule" in words_of(open_page("policies", policy_view="Past decisions"))


def test_an_empty_desk_says_so(open_page: OpenPage) -> None:
    assert "No action has been decided yet" in words_of(open_page("policies", policy_view="Past decisions"))
    text = open_page("policies", role=Role.ADMIN, policy_view="Text")
    assert "nothing to try it on" in words_of(text)


def test_a_policy_that_cannot_be_read_is_said(running: Services, open_page: OpenPage) -> None:
    running.policies.save(TWO, actor=ADMIN)
    with running.records.begin() as tx:
        tx.policies.add(tx.policies.find(1).model_copy(update={"version": 2, "text": "rules:\n  - tool: fax\n"}))
    page = open_page("policies", role=Role.ADMIN)
    assert not page.exception
    assert "every action waits for two people" in words_of(page)


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("amount_usd: {over: 50, up_to: 1200.5}", "amount is more than $50.00 and at most $1,200.50"),
        ("amount_usd: {below: 10}", "amount is less than $10.00"),
        ("plan: [Team, Free], urgency: {not: low}", "plan is Team or Free, and urgency is not low"),
        ("arguments: {order_id: {at_least: 100}}", "order id is at least 100"),
    ],
)
def test_conditions_read_as_words(when: str, words: str) -> None:
    text = f"rules:\n  - {{name: a, tool: process_refund, decide: deny, because: Why., when: {{{when}}}}}\n"
    assert say.when(parse_policy(text).rules[0]) == words


def test_limits_times_and_hours_read_as_words() -> None:
    document = parse_policy(
        "rules: []\nlimits:\n  manager: {per_decision: 1000}\n  customer: {per_day: 500}\n"
        "times:\n  - {tool: process_refund, urgency: [high, critical], due: 90m, expires: 1d}\n"
        "hours: {time_zone: Europe/Berlin, days: [mon, fri], from: 09:00, to: 17:30, holidays: [2026-12-25]}\n"
    )
    assert say.limits(document.limits) == [
        ("Reviewer", "$1,000.00", ""),
        ("Manager", "$1,000.00", ""),
        ("All, for one customer", "", "$500.00"),
    ]
    first, usual = document.all_times
    assert say.time_rule(first) == "Process refund, high or critical"
    assert (say.duration(first.due), say.duration(first.expires)) == ("90 min", "1 day")
    assert say.time_rule(usual) == "Everything else"
    assert say.hours(document.hours) == [
        "Monday and Friday, 09:00 to 17:30 in Europe/Berlin; a day counts as 510 min.",
        "Closed on 25 Dec 2026.",
    ]
    assert say.hours(PolicyDocument().hours) == ["Always open: every hour counts."]


@given(st.dictionaries(st.sampled_from(Mode), st.integers(0, 200)))
def test_the_headline_counts_every_call_that_waits(after: dict[Mode, int]) -> None:
    counts = {mode: after.get(mode, 0) for mode in Mode}
    preview = Preview(calls=sum(counts.values()), before=counts, after=counts, changed=0, examples=[])
    sentence = headline(preview)
    waits = counts[Mode.APPROVAL] + counts[Mode.TWO_PEOPLE]
    assert f" {waits:,} would have waited" in sentence
    assert (f"{counts[Mode.DENY]:,} would have been refused" in sentence) is bool(counts[Mode.DENY])
    assert sentence.count(".") == 1


def test_switches_and_notices_have_their_place(running: Services, open_page: OpenPage) -> None:
    running.switches.set("tool:process_refund", actor=ADMIN, reason="The payment system is down.")
    page = open_page("policies", role=Role.ADMIN, policy_view="Switches")
    assert not page.exception
    assert "The payment system is down" in words_of(page)
    notices = open_page("policies", role=Role.ADMIN, policy_view="Webhooks")
    assert not notices.exception
    assert any(button.key == "webhook_add" for button in notices.button)
