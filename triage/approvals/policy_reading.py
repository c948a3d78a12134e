"""Makes rules, limits, times and hours of the parts of a policy's text."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from triage.approvals.business_hours import ALWAYS, DAY_MIN, MAX_DAYS, MAX_HOLIDAYS, Duration, Hours
from triage.approvals.policy_limits import ESCALATION_ROLES, ROLES, USUAL_TIMES, Limits, RoleLimit, TimeRule
from triage.approvals.policy_rules import (
    AMOUNT,
    ANY_TOOL,
    ARGUMENT,
    NO_RULE,
    PLAN,
    READS_ONLY,
    UNCLEAR,
    URGENCY,
    Condition,
    Rule,
    as_number,
)
from triage.approvals.policy_text import Mapping, PolicyError, Scalar, chosen, one_of, quoted
from triage.approvals.policy_tools import READING_TOOLS, WRITING_TOOLS
from triage.domain import Mode, Role, Urgency

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_DURATION = re.compile(r"([1-9]\d{0,4})([mhd])")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_MAX_SENTENCE = 300
_BOUNDS = ("over", "at_least", "up_to", "below")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DECISIONS = {
    "auto": Mode.AUTO,
    "approval": Mode.APPROVAL,
    "two_people": Mode.TWO_PEOPLE,
    "deny": Mode.DENY,
}


def read_rules(root: Mapping) -> tuple[Rule, ...]:
    """Return the rules in their order."""
    rules: list[Rule] = []
    for entry in root.items("rules", what="A rule"):
        rule = _rule(entry)
        for earlier in rules:
            if earlier.name == rule.name:
                raise PolicyError(
                    entry.line_of("name"),
                    f"The name {rule.name} is taken by the rule of line {earlier.line}; choose another.",
                )
            if earlier.covers(rule):
                raise PolicyError(
                    rule.line,
                    f"The rule {rule.name} can never decide, because {earlier.name} in line {earlier.line} is for all "
                    f"its calls; move it above that rule or take it out.",
                )
        rules.append(rule)
    return tuple(rules)


def _rule(entry: Mapping) -> Rule:
    entry.allow("name", "tool", "when", "decide", "because")
    entry.need("name", "tool", "decide", "because")
    name = entry.scalar("name")
    if not _NAME.fullmatch(name.text):
        raise PolicyError(
            name.line, f"A rule cannot be named {quoted(name.text)}; write small letters, digits and _, a letter first."
        )
    if name.text in (READS_ONLY, NO_RULE, UNCLEAR):
        raise PolicyError(name.line, f"The name {name.text} has a meaning of its own; choose another.")
    tool = _tool(entry, also=(ANY_TOOL,))
    decide = entry.choice("decide", list(_DECISIONS))
    if tool in WRITING_TOOLS and WRITING_TOOLS[tool].asks and decide.text != Mode.APPROVAL.value:
        raise PolicyError(decide.line, f"{tool} asks a person for an answer, so it always waits; write approval.")
    because = entry.scalar("because")
    sentence = " ".join(because.text.split())
    if not sentence or len(sentence) > _MAX_SENTENCE:
        raise PolicyError(because.line, f"Write behind because a sentence of at most {_MAX_SENTENCE} characters.")
    return Rule(
        name=name.text,
        tool=tool,
        when=_conditions(entry, tool) if "when" in entry else (),
        decide=_DECISIONS[decide.text],
        because=sentence,
        line=entry.line,
        decide_span=decide.span,
    )


def _tool(entry: Mapping, *, also: Sequence[str] = ()) -> str:
    tool = entry.scalar("tool")
    if tool.text in READING_TOOLS:
        raise PolicyError(
            tool.line, f"{tool.text} only reads, so it never waits; take this out, or pause it by a switch."
        )
    if tool.text not in WRITING_TOOLS and tool.text not in also:
        raise PolicyError(tool.line, f"There is no tool {quoted(tool.text)}; write {one_of([*WRITING_TOOLS, *also])}.")
    return tool.text


def _conditions(entry: Mapping, tool: str) -> tuple[Condition, ...]:
    when = entry.mapping("when", what="when")
    when.allow(AMOUNT, PLAN, URGENCY, "arguments")
    found = [_condition(when, field, field=field) for field in (AMOUNT, PLAN, URGENCY) if field in when]
    known = WRITING_TOOLS.get(tool)
    if AMOUNT in when and known is not None and not known.moves_money:
        raise PolicyError(when.line_of(AMOUNT), f"{tool} moves no money, so {AMOUNT} says nothing; take it out.")
    if URGENCY in when:
        _check_words(found[-1], tuple(Urgency), line=when.line_of(URGENCY))
    if "arguments" in when:
        found += _argument_conditions(when, tool)
    return tuple(found)


def _argument_conditions(when: Mapping, tool: str) -> list[Condition]:
    line = when.line_of("arguments")
    if tool == ANY_TOOL:
        raise PolicyError(line, "Arguments belong to one tool; name the tool of this rule.")
    known = WRITING_TOOLS[tool].arguments
    arguments = when.mapping("arguments", what=f"{tool}")
    arguments.allow(*known)
    found = []
    for name in arguments:
        condition = _condition(arguments, name, field=f"{ARGUMENT}{name}")
        if known[name]:
            _check_words(condition, known[name], line=arguments.line_of(name))
        found.append(condition)
    return found


def _condition(parent: Mapping, key: str, *, field: str) -> Condition:
    """Read a word, a list of words, or keys: not, over, at_least, up_to, below."""
    if not parent.is_mapping(key):
        words = tuple(word.text for word in parent.words(key))
        if field == AMOUNT and any(as_number(word) is None for word in words):
            raise PolicyError(
                parent.line_of(key), f"{key} is an amount; write a number, or a bound such as 'over: 50'."
            )
        return Condition(field=field, one_of=words)
    part = parent.mapping(key, what=key)
    part.allow("not", *_BOUNDS)
    bounds: dict[str, Any] = {name: part.amount(name) for name in _BOUNDS if name in part}
    none_of = tuple(word.text for word in part.words("not")) if "not" in part else ()
    if not bounds and not none_of:
        raise PolicyError(part.line, f"{key} says nothing; write a value, or {one_of(['not', *_BOUNDS])} with one.")
    if bounds and field in (PLAN, URGENCY):
        raise PolicyError(part.line, f"{key} is a word, so it has no bounds; write the words.")
    condition = Condition(field=field, none_of=none_of, **bounds)
    if _is_empty(condition):
        raise PolicyError(part.line, f"No number keeps to both bounds of {key}; change one of them.")
    return condition


def _is_empty(condition: Condition) -> bool:
    low = max((bound for bound in (condition.over, condition.at_least) if bound is not None), default=None)
    high = min((bound for bound in (condition.up_to, condition.below) if bound is not None), default=None)
    if low is None or high is None:
        return False
    is_open = low == condition.over or high == condition.below
    return low > high or (low == high and is_open)


def _check_words(condition: Condition, choices: Sequence[str], *, line: int) -> None:
    for word in (*condition.one_of, *condition.none_of):
        if word not in choices:
            name = condition.field.removeprefix(ARGUMENT)
            raise PolicyError(line, f"{name} cannot be {quoted(word)}; write {one_of(choices)}.")


def read_limits(root: Mapping) -> Limits:
    """Return the money limits; no role may do less than the one below it."""
    if "limits" not in root:
        return Limits()
    part = root.mapping("limits", what="limits")
    part.allow(*ROLES, "customer")
    roles: dict[Role, RoleLimit] = {}
    for role in ROLES:
        if role in part:
            limit = part.mapping(role, what=f"The limit of {role.value}")
            limit.allow("per_decision", "per_day")
            roles[role] = RoleLimit(**{name: limit.amount(name) for name in limit})
            _check_order(roles, role, line=part.line_of(role))
    customer: Decimal | None = None
    if "customer" in part:
        limit = part.mapping("customer", what="The limit of a customer")
        limit.allow("per_day")
        limit.need("per_day")
        customer = limit.amount("per_day")
    return Limits(roles=roles, customer_per_day=customer)


def _check_order(roles: dict[Role, RoleLimit], role: Role, *, line: int) -> None:
    for below in (other for other in roles if other is not role):
        for name in ("per_decision", "per_day"):
            low, high = getattr(roles[below], name), getattr(roles[role], name)
            if low is not None and high is not None and high < low:
                raise PolicyError(
                    line,
                    f"A {role.value} may do what a {below.value} may, so {name} is at least {low}; raise it or lower "
                    "the other.",
                )


def read_times(root: Mapping, *, hours: Hours) -> tuple[TimeRule, ...]:
    """Return how long actions wait, in order."""
    found: list[TimeRule] = []
    for entry in root.items("times", what="An entry of times") if "times" in root else []:
        entry.allow("tool", "urgency", "due", "expires", "escalate")
        entry.need("due", "expires")
        urgency = (
            [chosen(word, tuple(Urgency), what="urgency") for word in entry.words("urgency")]
            if "urgency" in entry
            else []
        )
        rule = TimeRule(
            tool=_tool(entry) if "tool" in entry else None,
            urgency=tuple(Urgency(word.text) for word in urgency),
            due=_duration(entry.scalar("due"), what="due"),
            expires=_duration(entry.scalar("expires"), what="expires"),
            escalate=_escalate(entry),
            line=entry.line,
        )
        if hours.open_minutes(rule.expires) > MAX_DAYS * hours.day_min:
            raise PolicyError(
                entry.line_of("expires"), f"That is more than {MAX_DAYS} days on which the desk is open; write less."
            )
        if hours.open_minutes(rule.due) > hours.open_minutes(rule.expires):
            raise PolicyError(
                entry.line_of("due"), "An action would expire before it is due; make expires the longer one."
            )
        for earlier in found:
            if earlier.covers(rule):
                raise PolicyError(
                    rule.line,
                    f"This entry can never count, because the one of line {earlier.line} is for all its actions; move "
                    "it up or take it out.",
                )
        found.append(rule)
    return tuple(found)


def _escalate(entry: Mapping) -> Role:
    if "escalate" not in entry:
        return USUAL_TIMES.escalate
    return Role(entry.choice("escalate", ESCALATION_ROLES).text)


def _duration(found: Scalar, *, what: str) -> Duration:
    match = _DURATION.fullmatch(found.text)
    number, unit = (int(match[1]), match[2]) if match else (0, "")
    if not match or number > MAX_DAYS * {"m": DAY_MIN, "h": 24, "d": 1}[unit]:
        raise PolicyError(
            found.line,
            f"{what} cannot be {quoted(found.text)}; write a time such as 30m, 8h or 2d, at most {MAX_DAYS}d.",
        )
    return Duration(days=number) if unit == "d" else Duration(minutes=number * (60 if unit == "h" else 1))


def read_hours(root: Mapping) -> Hours:
    """Return when the desk is open."""
    if "hours" not in root:
        return ALWAYS
    if root.is_scalar("hours"):
        root.choice("hours", ["always"])
        return ALWAYS
    part = root.mapping("hours", what="hours")
    part.allow("time_zone", "days", "from", "to", "holidays")
    part.need("time_zone", "days", "from", "to")
    opens, closes = _clock(part.scalar("from"), what="from"), _clock(part.scalar("to"), what="to")
    if opens >= closes:
        raise PolicyError(
            part.line_of("to"), "The desk would close before it opens; make to the later one (24:00 is midnight)."
        )
    days = [chosen(word, _DAYS, what="A day") for word in part.words("days")]
    holidays = _holidays(part) if "holidays" in part else frozenset()
    return Hours(
        time_zone=_time_zone(part.scalar("time_zone")),
        days=frozenset(_DAYS.index(day.text) for day in days),
        opens_min=opens,
        closes_min=closes,
        holidays=holidays,
    )


def _clock(found: Scalar, *, what: str) -> int:
    match = _CLOCK.fullmatch(found.text)
    minute = int(match[1]) * 60 + int(match[2]) if match else DAY_MIN + 1
    if minute > DAY_MIN or (match and int(match[2]) >= 60):  # noqa: PLR2004 - minutes of an hour
        raise PolicyError(found.line, f"{what} cannot be {quoted(found.text)}; write a time of day such as 09:00.")
    return minute


def _time_zone(found: Scalar) -> str:
    try:
        return zoneinfo.ZoneInfo(found.text).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise PolicyError(
            found.line, f"There is no time zone {quoted(found.text)}; write one such as Europe/Berlin or UTC."
        ) from None


def _holidays(part: Mapping) -> frozenset[date]:
    words = part.words("holidays")
    if len(words) > MAX_HOLIDAYS:
        raise PolicyError(
            part.line_of("holidays"), f"Name at most {MAX_HOLIDAYS} holidays; take out those that are over."
        )
    days = set()
    for word in words:
        try:
            days.add(date.fromisoformat(word.text))
        except ValueError:
            raise PolicyError(word.line, f"{quoted(word.text)} is no date; write it as 2026-12-25.") from None
    return frozenset(days)
