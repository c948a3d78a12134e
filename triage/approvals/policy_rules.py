"""The rules of a policy: what they look at, and what they make of one call. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from triage.approvals.policy_tools import READING_TOOLS, WRITING_TOOLS
from triage.domain import Mode, Urgency, Value

ANY_TOOL = "any"
ARGUMENT = "arguments."
AMOUNT, PLAN, URGENCY = "amount_usd", "plan", "urgency"
# Names of verdicts that no rule of a document has given.
READS_ONLY, NO_RULE, UNCLEAR = "none", "no_rule", "unclear"
_STRICTNESS = (Mode.AUTO, Mode.APPROVAL, Mode.TWO_PEOPLE, Mode.DENY)


class ProposedCall(Value):
    """A tool call as an agent wants it, with what is known of the customer and the message."""

    tool: str
    arguments: dict[str, Any]
    amount_usd: Decimal | None = None
    customer_email: str | None = None
    plan: str | None = None
    urgency: Urgency | None = None


class Verdict(Value):
    """What a policy says about a call: by which rule, why in a sentence, and in which version."""

    mode: Mode
    rule: str
    sentence: str
    version: int = 0


class Condition(Value):
    """What has to be true of one thing about a call.

    ``field`` is ``amount_usd``, ``plan``, ``urgency`` or ``arguments.`` with a name. The words are as they stand in the
    text: a number in an argument equals the word that writes it. Bounds are for numbers.
    """

    field: str
    one_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    over: Decimal | None = None
    at_least: Decimal | None = None
    up_to: Decimal | None = None
    below: Decimal | None = None

    @property
    def bounds(self) -> dict[str, Decimal]:
        """The bounds that are given, by name."""
        found = {name: getattr(self, name) for name in ("over", "at_least", "up_to", "below")}
        return {name: bound for name, bound in found.items() if bound is not None}

    def holds(self, call: ProposedCall) -> bool | None:
        """Whether it is true of a call; None where the call does not say."""
        if self.field == AMOUNT and call.tool in WRITING_TOOLS and not WRITING_TOOLS[call.tool].moves_money:
            return False
        value = _value(self.field, call)
        if value is None:
            return None
        folds = self.field == PLAN
        if self.one_of and not any(_equals(value, word, folds=folds) for word in self.one_of):
            return False
        if any(_equals(value, word, folds=folds) for word in self.none_of):
            return False
        return self._is_within(value) if self.bounds else True

    def _is_within(self, value: Any) -> bool | None:
        number = as_number(value)
        if number is None or (self.field == AMOUNT and number < 0):
            return None
        return (
            (self.over is None or number > self.over)
            and (self.at_least is None or number >= self.at_least)
            and (self.up_to is None or number <= self.up_to)
            and (self.below is None or number < self.below)
        )

    def covers(self, other: Condition) -> bool:
        """Whether this is true whenever the other one, about the same thing, is; False when that is unsure."""
        if self.one_of and not (other.one_of and set(other.one_of) <= set(self.one_of)):
            return False
        if self.none_of and not (
            set(self.none_of) <= set(other.none_of) or (other.one_of and not set(self.none_of) & set(other.one_of))
        ):
            return False
        return _covers_low(self, other) and _covers_high(self, other)


class Rule(Value):
    """One rule: for which tool, when, what it decides, and why in a sentence for the reviewer.

    ``line`` is where it starts in the text, ``decide_span`` the characters of the word behind ``decide``.
    """

    name: str
    tool: str
    when: tuple[Condition, ...] = ()
    decide: Mode
    because: str
    line: int = 0
    decide_span: tuple[int, int] = (0, 0)

    def is_for(self, tool: str) -> bool:
        """Whether the rule is for a tool; one for any tool is for actions, never for questions."""
        if self.tool == ANY_TOOL:
            return tool not in WRITING_TOOLS or not WRITING_TOOLS[tool].asks
        return self.tool == tool

    def holds(self, call: ProposedCall) -> bool | None:
        """Whether the rule is for a call; None where that cannot be told."""
        if not self.is_for(call.tool):
            return False
        found = [condition.holds(call) for condition in self.when]
        return False if False in found else (None if None in found else True)

    def covers(self, other: Rule) -> bool:
        """Whether the other rule, coming later, could never be reached."""
        if not self.is_for(other.tool):
            return False
        theirs = {condition.field: condition for condition in other.when}
        return all(condition.field in theirs and condition.covers(theirs[condition.field]) for condition in self.when)

    @property
    def reach(self) -> tuple[str, tuple[Condition, ...]]:
        """What decides which calls the rule is for."""
        return self.tool, self.when


def judge(rules: Sequence[Rule], call: ProposedCall, *, version: int = 0) -> Verdict:
    """Return the verdict of the first rule that is for the call.

    A tool that only reads goes ahead; a writing or unknown tool without a rule waits. Where it cannot be told whether
    an earlier rule is for the call, for example because its amount is not known, the call waits at least, and for two
    people when one of the rules in question would ask two or refuse.
    """
    if call.tool in READING_TOOLS:
        sentence = "This tool only reads, so it needs no approval."
        return Verdict(mode=Mode.AUTO, rule=READS_ONLY, sentence=sentence, version=version)
    unclear: list[Rule] = []
    decided = Verdict(
        mode=Mode.APPROVAL, rule=NO_RULE, sentence="No rule is for this action, so a person decides.", version=version
    )
    for rule in rules:
        holds = rule.holds(call)
        if holds:
            decided = Verdict(mode=rule.decide, rule=rule.name, sentence=_sentence(rule), version=version)
            break
        if holds is None:
            unclear.append(rule)
    mode = _at_least(decided.mode, unclear)
    if mode is decided.mode:
        return decided
    sentence = f"It cannot be told whether the rule {unclear[0].name} is for this action, so {_WHO[mode]}."
    return Verdict(mode=mode, rule=UNCLEAR, sentence=sentence, version=version)


_WHO = {Mode.APPROVAL: "a person decides", Mode.TWO_PEOPLE: "two people decide"}


def _at_least(mode: Mode, unclear: Iterable[Rule]) -> Mode:
    """Return the strictest of what is decided and what might be; what might be refused is left to two people."""
    possible = [Mode.APPROVAL if rule.decide is Mode.AUTO else rule.decide for rule in unclear]
    asked = [Mode.TWO_PEOPLE if other is Mode.DENY else other for other in possible]
    return max([mode, *asked], key=_STRICTNESS.index)


def _sentence(rule: Rule) -> str:
    if rule.decide is Mode.AUTO:
        return f"The rule {rule.name} lets this go ahead without a person."
    return rule.because


def _value(field: str, call: ProposedCall) -> Any:
    if field == AMOUNT:
        return call.amount_usd
    if field == PLAN:
        return call.plan
    if field == URGENCY:
        return None if call.urgency is None else call.urgency.value
    name = field.removeprefix(ARGUMENT)
    value = call.arguments.get(name)
    choices = WRITING_TOOLS[call.tool].arguments.get(name) if call.tool in WRITING_TOOLS else None
    # What is none of the words that the tool knows, or no single word or number at all, says nothing.
    is_readable = isinstance(value, str | int | float | Decimal) and (not choices or value in choices)
    return value if is_readable else None


def _equals(value: Any, word: str, *, folds: bool) -> bool:
    if isinstance(value, str):
        return value.casefold() == word.casefold() if folds else value == word
    if isinstance(value, bool):
        return word == str(value).lower()
    number = as_number(value)
    return number is not None and number == as_number(word)


def as_number(value: Any) -> Decimal | None:
    """Return a number, or the text of one, as a finite decimal; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() else None


def _covers_low(wide: Condition, narrow: Condition) -> bool:
    """Whether every number above the narrow one's lower bound is above the wide one's."""
    if wide.over is None and wide.at_least is None:
        return True
    if narrow.over is not None:
        return all(bound is None or narrow.over >= bound for bound in (wide.over, wide.at_least))
    if narrow.at_least is not None:
        return (wide.over is None or narrow.at_least > wide.over) and (
            wide.at_least is None or narrow.at_least >= wide.at_least
        )
    return False


def _covers_high(wide: Condition, narrow: Condition) -> bool:
    """The same for upper bounds."""
    if wide.up_to is None and wide.below is None:
        return True
    if narrow.below is not None:
        return all(bound is None or narrow.below <= bound for bound in (wide.below, wide.up_to))
    if narrow.up_to is not None:
        return (wide.below is None or narrow.up_to < wide.below) and (wide.up_to is None or narrow.up_to <= wide.up_to)
    return False
