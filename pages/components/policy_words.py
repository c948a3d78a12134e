"""A policy in words: decisions, conditions, limits, times and hours as people say them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from pages.components.words import Label, money, words
from triage.approvals.business_hours import DAY_MIN, Duration, Hours
from triage.approvals.policies import Rule
from triage.approvals.policy_limits import ROLES, Limits, TimeRule
from triage.approvals.policy_rules import AMOUNT, ANY_TOOL, ARGUMENT, Condition
from triage.domain import Mode, Role

_DECISIONS = {
    Mode.AUTO: Label("Goes ahead", ":material/bolt:", "gray"),
    Mode.APPROVAL: Label("Waits for a person", ":material/person:", "orange"),
    Mode.TWO_PEOPLE: Label("Waits for two people", ":material/group:", "orange"),
    Mode.DENY: Label("Never happens", ":material/block:", "red"),
}
_WOULD = {
    Mode.AUTO: "gone ahead",
    Mode.APPROVAL: "waited",
    Mode.TWO_PEOPLE: "waited for two people",
    Mode.DENY: "been refused",
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_BOUNDS = {"over": "more than", "at_least": "at least", "up_to": "at most", "below": "less than"}


def decision(mode: Mode) -> Label:
    """Return the words for what a policy decides."""
    return _DECISIONS[mode]


def would_have(mode: Mode) -> str:
    """Return what would have become of a past call, after "would have"."""
    return _WOULD[mode]


def tool(name: str | None) -> str:
    """Return a tool as words."""
    return "Every action" if name in (None, ANY_TOOL) else words(str(name))


def when(rule: Rule) -> str:
    """Return for which calls of its tool a rule is; empty where it is for all."""
    return ", and ".join(condition(each) for each in rule.when)


def condition(value: Condition) -> str:
    """Return a condition as words: "amount is more than $50.00 and at most $200.00"."""
    name = "amount" if value.field == AMOUNT else value.field.removeprefix(ARGUMENT).replace("_", " ")
    return f"{name} is {' and '.join(_parts(value))}"


def _parts(value: Condition) -> Iterator[str]:
    if value.one_of:
        yield one_of([_shown(word, value) for word in value.one_of], "or")
    if value.none_of:
        yield f"not {one_of([_shown(word, value) for word in value.none_of], 'or')}"
    for name, bound in value.bounds.items():
        yield f"{_BOUNDS[name]} {_shown(str(bound), value)}"


def _shown(word: str, value: Condition) -> str:
    return dollars(Decimal(word)) if value.field == AMOUNT else word


def dollars(amount: Decimal) -> str:
    """Return an amount of a policy with its cents."""
    return money(amount) if amount else "$0.00"


def one_of(items: Sequence[str], joint: str) -> str:
    """Return items as a list in words: "a, b or c"."""
    *first, last = items
    return f"{', '.join(first)} {joint} {last}" if first else last


def duration(value: Duration) -> str:
    """Return a duration as it was written: "30 min", "8 h", "2 days"."""
    if value.days:
        return "1 day" if value.days == 1 else f"{value.days} days"
    return f"{value.minutes // 60} h" if value.minutes % 60 == 0 else f"{value.minutes} min"


def time_rule(value: TimeRule) -> str:
    """Return for which actions an entry of times is."""
    urgency = one_of([level.value for level in value.urgency], "or") if value.urgency else ""
    of_tool = tool(value.tool).lower() if value.tool else ""
    return words(", ".join(part for part in (of_tool, urgency) if part)) or "Everything else"


def people(role: Role) -> str:
    """Return the people of a role."""
    return "administrators" if role is Role.ADMIN else f"{role.value}s"


def hours(value: Hours) -> list[str]:
    """Return when the desk is open, in sentences."""
    if value.is_always:
        return ["Always open: every hour counts."]
    days = [_DAYS[day] for day in sorted(value.days)]
    span = f"{_clock(value.opens_min)} to {_clock(value.closes_min)} in {value.time_zone}"
    length = duration(Duration(minutes=value.day_min))
    sentences = [f"{one_of(days, 'and')}, {span}; a day counts as {length}."]
    if value.holidays:
        listed = one_of([f"{day.day} {day:%b %Y}" for day in sorted(value.holidays)], "and")
        sentences.append(f"Closed on {listed}.")
    return sentences


def limits(value: Limits) -> list[tuple[str, str, str]]:
    """Return who may approve how much, as role, with one decision, on one day; "" where nothing limits it."""
    rows = []
    for role in ROLES:
        counts = value.of_role(role)
        if counts.per_decision is not None or counts.per_day is not None:
            rows.append(
                (
                    words(role.value),
                    *(dollars(x) if x is not None else "" for x in (counts.per_decision, counts.per_day)),
                )
            )
    if value.customer_per_day is not None:
        rows.append(("All, for one customer", "", dollars(value.customer_per_day)))
    return rows


def _clock(minute: int) -> str:
    return "24:00" if minute == DAY_MIN else f"{minute // 60:02}:{minute % 60:02}"
