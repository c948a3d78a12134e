from __future__ import annotations

from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.approvals.policies import (
    PolicyError,
    ProposedCall,
    default_policy,
    default_text,
    parse_policy,
)
from triage.approvals.policy_tools import READING_TOOLS, WRITING_TOOLS
from triage.domain import Mode, Role, Urgency

RULE = "rules:\n  - {name: refund, tool: process_refund, decide: approval, because: Money moves.}\n"


def rules(*lines: str) -> str:
    """Return a policy with rules, each written as the inside of a flow mapping; the first stands in line 2."""
    return "rules:\n" + "".join(f"  - {{{line}, because: Why.}}\n" for line in lines)


def line_of_mistake(text: str) -> int | None:
    try:
        parse_policy(text)
    except PolicyError as error:
        return error.line
    return None


def judged(text: str, tool: str = "process_refund", **fields: Any) -> Mode:
    return parse_policy(text).judge(ProposedCall(tool=tool, **{"arguments": {}, **fields})).mode


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "empty"),
        ("- a\n", 1, "needs keys"),
        ("limits: {}\n", 1, "needs rules"),
        ("rules: []\nrule: x\n", 2, "knows no 'rule'"),
        ("rules:\n  - name: [\n", 3, "cannot be read as YAML"),
        ("rules: []\n\trules", 2, "cannot be read as YAML"),
        ("rules: []\nhours: al\x07ways\n", 2, "character"),
        ("rules: []\nrules: []\n", 2, "twice"),
        ("rules: refund\n", 1, "as a list"),
        ("rules: &all []\n", 1, "names with & and *"),
        ("rules:\n  - refund\n", 2, "A rule needs keys"),
        ("rules:\n  - name: a\n    tool: process_refund\n    because: Why.\n", 2, "A rule needs decide"),
        (rules("name: a, tool: send_refund, decide: auto"), 2, "There is no tool 'send_refund'; write process_refund"),
        (rules("name: a, tool: draft_reply, decide: deny"), 2, "only reads"),
        (rules("name: a, tool: process_refund, decide: maybe"), 2, "write auto, approval, two_people or deny"),
        (rules("name: A b, tool: process_refund, decide: auto"), 2, "small letters"),
        (rules("name: none, tool: process_refund, decide: auto"), 2, "meaning of its own"),
        (rules("name: a, tool: ask_teammate, decide: auto"), 2, "always waits"),
        (rules("name: a, tool: process_refund, decide: auto, when: {amount: 5}"), 2, "knows no 'amount'"),
        (rules("name: a, tool: process_refund, decide: auto, when: {amount_usd: much}"), 2, "is an amount"),
        (rules("name: a, tool: process_refund, decide: auto, when: {amount_usd: {up_to: -5}}"), 2, "such as 50"),
        (rules("name: a, tool: process_refund, decide: auto, when: {amount_usd: {up_to: 5, over: 5}}"), 2, "No number"),
        (rules("name: a, tool: process_refund, decide: auto, when: {amount_usd: {}}"), 2, "says nothing"),
        (
            rules("name: a, tool: process_refund, decide: auto, when: {urgency: urgent}"),
            2,
            "low, medium, high or critical",
        ),
        (rules("name: a, tool: process_refund, decide: auto, when: {plan: {over: 5}}"), 2, "no bounds"),
        (rules("name: a, tool: process_refund, decide: auto, when: {arguments: {amount: 5}}"), 2, "knows no 'amount'"),
        (rules("name: a, tool: any, decide: auto, when: {arguments: {order_id: 5}}"), 2, "belong to one tool"),
        (rules("name: a, tool: create_support_ticket, decide: auto, when: {amount_usd: 5}"), 2, "moves no money"),
        (
            rules("name: a, tool: create_support_ticket, decide: auto, when: {arguments: {priority: hihg}}"),
            2,
            "priority cannot be 'hihg'",
        ),
        (
            rules(*["name: a, tool: process_refund, decide: auto, when: {plan: Team}"] * 2),
            3,
            "taken by the rule of line 2",
        ),
        (
            rules("name: a, tool: any, decide: auto", "name: b, tool: process_refund, decide: deny"),
            3,
            "can never decide",
        ),
        (
            rules(
                "name: a, tool: process_refund, decide: auto, when: {amount_usd: {up_to: 100}}",
                "name: b, tool: process_refund, decide: deny, when: {amount_usd: {below: 100}, plan: Team}",
            ),
            3,
            "a in line 2 is for all its calls",
        ),
        (RULE + "limits: {operator: {per_day: 5}}\n", 3, "knows no 'operator'"),
        (RULE + "limits:\n  reviewer: {per_day: 50.001}\n", 4, "amount in US dollars"),
        (RULE + "limits:\n  manager: {per_day: 5}\n  reviewer: {per_day: 9}\n", 4, "at least 9"),
        (RULE + "limits:\n  customer: {}\n", 4, "needs per_day"),
        (RULE + "times:\n  - due: 30 minutes\n    expires: 2d\n", 4, "such as 30m, 8h or 2d"),
        (RULE + "times:\n  - due: 8h\n    expires: 91d\n", 5, "at most 90d"),
        (RULE + "times:\n  - due: 0h\n    expires: 2d\n", 4, "such as 30m"),
        (RULE + "times:\n  - due: 8h\n    expires: 2h\n", 4, "before it is due"),
        (RULE + "times:\n  - due: 8h\n    expires: 9h\n    escalate: reviewer\n", 6, "manager or admin"),
        (RULE + "times:\n  - {due: 8h, expires: 9h}\n  - {urgency: low, due: 8h, expires: 9h}\n", 5, "never count"),
        (
            RULE + "times:\n  - {due: 1h, expires: 100h}\n"
            "hours: {time_zone: UTC, days: [mon], from: 12:00, to: 13:00}\n",
            4,
            "more than 90 days on which",
        ),
        (RULE + "hours: sometimes\n", 3, "write always"),
        (RULE + "hours: {time_zone: UTC, days: [mon], from: 9, to: 17:00}\n", 3, "time of day"),
        (RULE + "hours: {time_zone: UTC, days: [mon], from: 09:60, to: 17:00}\n", 3, "time of day"),
        (RULE + "hours: {time_zone: UTC, days: [mon], from: 17:00, to: 09:00}\n", 3, "close before it opens"),
        (RULE + "hours:\n  time_zone: Berlin\n  days: [mon]\n  from: 09:00\n  to: 17:00\n", 4, "Europe/Berlin"),
        (RULE + "hours:\n  time_zone: UTC\n  days: [Monday]\n  from: 09:00\n  to: 17:00\n", 5, "mon, tue"),
        (RULE + "hours:\n  time_zone: UTC\n  days: []\n  from: 09:00\n  to: 17:00\n", 5, "empty"),
        (
            RULE + "hours:\n  time_zone: UTC\n  days: mon\n  from: 09:00\n  to: 17:00\n  holidays:\n   - 24.12.2026\n",
            9,
            "write it as 2026-12-25",
        ),
        (
            "rules:\n  - name: a\n    tool: process_refund\n    decide: |\n      auto\n    because: Why.\n",
            4,
            "in the line",
        ),
        ("rules: " + "[" * 5000, 1, "too deeply"),
        ("rules: []" + " " * 50_000, 1, "at most 50,000 characters"),
        (rules("name: !!python/name:os.system x, tool: process_refund, decide: auto"), 2, "without a tag"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text)
    assert words in str(caught.value)
    assert (caught.value.line, str(caught.value).partition(":")[0]) == (line, f"Line {line}")


@given(st.text(alphabet="rules:- {}[]\n\t'\"&*!|>#abc019.", max_size=80))
def test_whatever_is_written_is_read_or_refused_with_a_line(text: str) -> None:
    for written in (text, RULE + text):
        line = line_of_mistake(written)
        assert line is None or 1 <= line <= written.count("\n") + 2


@given(
    tool=st.sampled_from([*WRITING_TOOLS, *READING_TOOLS, "close_account"]),
    arguments=st.dictionaries(
        st.sampled_from(["priority", "title", "order_id"]),
        st.one_of(st.sampled_from([*Urgency, "Low", " high"]), st.text("low ", max_size=4), st.lists(st.just("low")),
                  st.none(), st.booleans(), st.integers(), st.dictionaries(st.just("is"), st.just("low"))),
    ),
)  # fmt: skip
def test_the_built_in_policy_asks_when_it_matters(tool: str, arguments: dict[str, Any]) -> None:
    verdict = default_policy().judge(ProposedCall(tool=tool, arguments=arguments))
    goes_ahead = tool in READING_TOOLS or (
        tool == "create_support_ticket" and arguments.get("priority") in ("low", "medium")
    )
    assert verdict.mode is (Mode.AUTO if goes_ahead else Mode.APPROVAL)
    assert verdict.rule != "unclear"
    assert verdict.sentence.endswith((".", "?"))


@pytest.mark.parametrize(
    ("tool", "arguments", "rule"),
    [
        ("process_refund", {}, "refund"),
        ("create_support_ticket", {"priority": "critical"}, "critical_ticket"),
        ("create_support_ticket", {"priority": "high"}, "high_ticket"),
        ("create_support_ticket", {"priority": "low"}, "ordinary_ticket"),
        ("create_support_ticket", {"priority": "Low"}, "unclear_ticket"),
        ("create_support_ticket", {"priority": ["low"]}, "unclear_ticket"),
        ("create_support_ticket", {}, "unclear_ticket"),
        ("ask_teammate", {}, "question"),
        ("search_knowledge_base", {}, "none"),
        ("close_account", {}, "no_rule"),
    ],
)
def test_the_built_in_policy_names_its_rule(tool: str, arguments: dict[str, Any], rule: str) -> None:
    assert default_policy().judge(ProposedCall(tool=tool, arguments=arguments)).rule == rule


AMOUNTS = rules(
    "name: small, tool: process_refund, decide: auto, when: {amount_usd: {up_to: 50}}",
    "name: usual, tool: process_refund, decide: approval, when: {amount_usd: {over: 50, below: 200.50}}",
    "name: large, tool: process_refund, decide: two_people, when: {amount_usd: {at_least: 200.50, up_to: 1000}}",
    "name: huge, tool: process_refund, decide: deny",
)


@pytest.mark.parametrize(
    ("amount", "mode"),
    [("0", "auto"), ("50", "auto"), ("50.01", "approval"), ("200.49", "approval"), ("200.5", "two_people"),
     ("1000.00", "two_people"), ("1000.01", "deny")],
)  # fmt: skip
def test_an_amount_is_compared_to_the_cent(amount: str, mode: str) -> None:
    assert judged(AMOUNTS, amount_usd=Decimal(amount)) is Mode(mode)


def test_what_is_not_known_waits() -> None:
    one = rules("name: small, tool: process_refund, decide: auto, when: {amount_usd: {up_to: 50}}")
    assert judged(one) is Mode.APPROVAL
    assert judged(one, amount_usd=Decimal(-5)) is Mode.APPROVAL
    # An unknown amount may be one that two people decide.
    two = rules(
        "name: large, tool: process_refund, decide: two_people, when: {amount_usd: {over: 50}}",
        "name: rest, tool: process_refund, decide: auto",
    )
    assert judged(two) is Mode.TWO_PEOPLE
    assert judged(two, amount_usd=Decimal(5)) is Mode.AUTO
    # It may also be one that is refused: that is left to two people, not refused and not let go.
    denied = rules(
        "name: team, tool: process_refund, decide: deny, when: {plan: Free}", "name: rest, tool: any, decide: auto"
    )
    assert judged(denied) is Mode.TWO_PEOPLE
    assert judged(denied, plan="free") is Mode.DENY
    assert judged(denied, plan="Team") is Mode.AUTO


@pytest.mark.parametrize("decide", ["auto", "two_people", "deny"])
def test_a_question_is_never_answered_or_refused_by_a_policy(decide: str) -> None:
    text = rules(f"name: all, tool: any, decide: {decide}", "name: asks, tool: ask_teammate, decide: approval")
    assert judged(text, "ask_teammate", arguments={"question": "Which plan?"}) is Mode.APPROVAL
    assert judged(text) is Mode(decide)


def test_a_tool_without_money_is_not_held_by_an_amount() -> None:
    text = rules(
        "name: large, tool: any, decide: two_people, when: {amount_usd: {over: 50}}",
        "name: rest, tool: create_support_ticket, decide: auto",
    )
    assert judged(text, "create_support_ticket") is Mode.AUTO
    assert judged(text, "create_support_ticket", urgency=Urgency.HIGH) is Mode.AUTO


@pytest.mark.parametrize("word", ["no", "on", "0012", "12", "1_000", "17:00", "'12'", "2026-01-01", "~x"])
@pytest.mark.parametrize("fields", [{}])
def test_words_are_taken_as_they_stand(word: str, fields: dict[str, Any]) -> None:
    text = rules(
        f"name: this, tool: process_refund, decide: deny, when: {{arguments: {{order_id: {word}}}}}",
        "name: rest, tool: process_refund, decide: auto",
    )
    assert judged(text, arguments={"order_id": word.strip("'")}) is Mode.DENY
    assert judged(text, arguments={"order_id": "13"}) is Mode.AUTO


def test_a_word_that_is_left_out_lets_nothing_slip_through() -> None:
    text = rules(
        "name: fine, tool: create_support_ticket, decide: auto, when: {arguments: {priority: {not: [critical]}}}"
    )
    assert judged(text, "create_support_ticket", arguments={"priority": "low"}) is Mode.AUTO
    for odd in ("critical", "Critical", ["critical"], None, 7, {"is": "critical"}):
        assert judged(text, "create_support_ticket", arguments={"priority": odd}) is Mode.APPROVAL


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["process_refund", "create_support_ticket", "any"]),
            st.sampled_from(["", "urgency: low", "urgency: [low, high]", "urgency: {not: high}", "plan: Team"]),
            st.sampled_from(["auto", "approval", "two_people", "deny"]),
        ),
        min_size=2,
        max_size=4,
    )
)
def test_a_rule_is_refused_as_unreachable_only_when_it_is(written: list[tuple[str, str, str]]) -> None:
    lines = [
        f"name: r{number}, tool: {tool}, decide: {decide}" + (f", when: {{{when}}}" if when else "")
        for number, (tool, when, decide) in enumerate(written)
    ]
    line = line_of_mistake(rules(*lines))
    if line is None:
        return
    document = parse_policy(rules(*lines[: line - 2]))
    late = parse_policy(rules(lines[line - 2])).rules[0]
    for tool, urgency, plan in product(WRITING_TOOLS, Urgency, ("Team", "Free")):
        call = ProposedCall(tool=tool, arguments={}, urgency=urgency, plan=plan)
        assert not late.holds(call) or document.judge(call).rule != "no_rule"


def test_limits_count_by_role_person_and_customer() -> None:
    document = parse_policy(
        RULE + "limits:\n  reviewer: {per_decision: 100}\n  manager: {per_decision: 500, per_day: 800}\n"
        "  customer: {per_day: 600}\n"
    )

    def problem(role: Role, amount: str, *, today: str = "0", customer: str = "0") -> str:
        return document.limit_problem(
            role=role,
            amount_usd=Decimal(amount),
            decided_today_usd=Decimal(today),
            customer_today_usd=Decimal(customer),
        ) or ""  # fmt: skip

    assert problem(Role.REVIEWER, "100") == ""
    assert "$100.01 is more than a reviewer may approve at once ($100.00)" in problem(Role.REVIEWER, "100.01")
    assert problem(Role.MANAGER, "500", today="300") == ""
    assert "$800.01 today" in problem(Role.MANAGER, "500", today="300.01")
    # A reviewer has no daily limit of its own, so the manager's counts.
    assert "$800.00 a day" in problem(Role.REVIEWER, "100", today="701")
    assert problem(Role.ADMIN, "600", today="9000") == ""
    assert "the customer would get $600.01" in problem(Role.ADMIN, "0.01", customer="600")
    assert default_policy().limit_problem(
        role=Role.REVIEWER, amount_usd=Decimal(10**6), decided_today_usd=Decimal(10**6), customer_today_usd=Decimal(0)
    ) is None  # fmt: skip


def test_the_example_of_the_documentation_can_be_used() -> None:
    text = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")
    example = text.partition("```yaml\n")[2].partition("```")[0]
    assert judged(example, amount_usd=Decimal(50)) is Mode.AUTO
    assert judged(example, amount_usd=Decimal(501)) is Mode.TWO_PEOPLE
    # The examples in the comments of the built-in text work as well.
    lines = default_text().replace("hours: always", "").splitlines()
    commented = [line.removeprefix("# ") for line in lines]
    start = commented.index("limits:")
    hours = commented.index("hours:")
    parse_policy("\n".join([*lines[:start], *commented[start : start + 4], *commented[hours : hours + 6]]))
