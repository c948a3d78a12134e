"""Whether a call of an agent may happen now.

Every tool asks the gate just before it works whether a switch is in the way; a tool with consequences asks also, before
a person is asked, what the policy says. Both answers are durable steps, because policies and switches may change
between a kill and the restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from triage.approvals.policies import PolicyDocument, ProposedCall, Verdict, default_policy
from triage.connectors.orders import OrderBook
from triage.domain import Mode, Order, Urgency, Value, utc_now
from triage.gateway import Gateway, Stores
from triage.scope import RunScope

SWITCH_RULE = "everything needs approval"


class Policies(Protocol):
    """Gives the policy in force; asked before every call that changes something."""

    def document(self) -> PolicyDocument:
        """Return the policy in force."""


class Board(Protocol):
    """What is switched off at a moment."""

    @property
    def everything_needs_approval(self) -> bool:
        """Whether nothing may happen without a person."""

    def refusal(self, *, tool: str, agent: str | None, writes: bool) -> str | None:
        """Return the sentence that refuses a call, written for the model, or None."""


class Switches(Protocol):
    """Gives what is switched off."""

    def current(self) -> Board:
        """Return what is switched off at this moment."""

    def recent(self) -> Board:
        """Return what was switched off a moment ago, for less."""


class Ruling(Value):
    """What the policy said of one call of a segment, and the order that the call is about, as it was then."""

    call: ProposedCall
    verdict: Verdict
    order: Order | None = None


class ActionGate:
    """Asks policy and switches about the calls of running segments."""

    def __init__(
        self, *, records: Gateway, policies: Policies, switches: Switches, orders: OrderBook | None = None
    ) -> None:
        self._records = records
        self._orders = orders or OrderBook(records)
        self._policies = policies
        self._switches = switches

    async def verdict(
        self, scope: RunScope, *, tool: str, call_id: str, arguments: Mapping[str, Any], customer_email: str | None
    ) -> Verdict:
        """Say what becomes of a call; the same call of a segment gets the same answer, also after a kill."""

        async def look() -> dict[str, Any]:
            order = await self._orders.named_in(arguments)
            with self._records.read() as tx:
                call = proposed_call(tx, tool, arguments, customer_email=customer_email, order=order)
                document = self._policies.document()
                verdict = _within_customer_limit(tx, call, document.judge(call), scope=scope, document=document)
            if verdict.mode is Mode.AUTO and self._switches.current().everything_needs_approval:
                sentence = "Everything needs approval at the moment, so a person decides."
                verdict = verdict.model_copy(update={"mode": Mode.APPROVAL, "rule": SWITCH_RULE, "sentence": sentence})
            return Ruling(call=call, verdict=verdict, order=order).model_dump(mode="json")

        if call_id not in scope.rulings:
            scope.rulings[call_id] = await scope.steps.run(f"policy:{tool}", look)
        return Ruling.model_validate(scope.rulings[call_id]).verdict

    async def switched_off(self, scope: RunScope, *, tool: str, agent: str | None, writes: bool) -> str | None:
        """Return the sentence that refuses a call with consequences, or None; ``writes``: it changes something."""

        async def look() -> str | None:
            return self._switches.current().refusal(tool=tool, agent=agent, writes=writes)

        sentence: str | None = await scope.steps.run(f"switch:{tool}", look)
        return sentence

    async def reading_off(
        self, scope: RunScope, *, tool: str, call_id: str, agent: str | None, step: str
    ) -> str | None:
        """Return the sentence that refuses a call that changes nothing, or None.

        Only a refusal is kept, because these calls are many: that one went ahead is seen by its own ``step``.
        """
        refused = f"switch:{call_id}"

        async def look() -> str | None:
            return self._switches.current().refusal(tool=tool, agent=agent, writes=False)

        if not scope.steps.is_kept(refused):
            went_ahead = scope.steps.is_kept(step)
            if went_ahead or self._switches.recent().refusal(tool=tool, agent=agent, writes=False) is None:
                return None
        sentence: str | None = await scope.steps.run(refused, look)
        return sentence

    def paused(self, agent: str) -> str | None:
        """Return the sentence that stops an agent, or None."""
        return self._switches.recent().refusal(tool="", agent=agent, writes=False)


def proposed_call(
    tx: Stores, tool: str, arguments: Mapping[str, Any], *, customer_email: str | None, order: Order | None
) -> ProposedCall:
    """Return a call with what is known of it: its sum, which is that of the ``order``, and the customer's plan."""
    account = tx.accounts.find_by_email(customer_email) if customer_email else None
    return ProposedCall(
        tool=tool,
        arguments=dict(arguments),
        amount_usd=order.total_usd if order else None,
        customer_email=customer_email,
        plan=account.plan if account else None,
        urgency=_urgency(arguments.get("priority")),
    )


def _within_customer_limit(
    tx: Stores, call: ProposedCall, verdict: Verdict, *, scope: RunScope, document: PolicyDocument
) -> Verdict:
    """Let a person decide what would go ahead by itself, but is more than the customer's day allows."""
    if verdict.mode is not Mode.AUTO or not call.amount_usd or not call.customer_email:
        return verdict
    midnight = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    today = tx.approvals.agreed_usd("customer_email", call.customer_email, since=midnight)
    # What passed earlier in this segment, whose customer is the same, comes into the records at its end only.
    passed = (Ruling.model_validate(kept) for kept in scope.rulings.values())
    today += sum(other.call.amount_usd or 0 for other in passed if other.verdict.mode is Mode.AUTO)
    sentence = document.limits.customer_problem(amount_usd=call.amount_usd, customer_today_usd=today)
    if sentence is None:
        return verdict
    return Verdict(mode=Mode.APPROVAL, rule=verdict.rule, sentence=sentence, version=verdict.version)


class BuiltInPolicy:
    """The policy of a desk on which nobody has written one."""

    def document(self) -> PolicyDocument:
        """Return the built-in policy."""
        return default_policy()


class NothingOff:
    """A board without switches."""

    everything_needs_approval = False

    def current(self) -> NothingOff:
        """Return itself."""
        return self

    def recent(self) -> NothingOff:
        """Return itself."""
        return self

    def refusal(self, *, tool: str, agent: str | None, writes: bool) -> str | None:  # noqa: ARG002
        """Refuse nothing."""
        return None


def _urgency(word: Any) -> Urgency | None:
    return Urgency(word) if word in {urgency.value for urgency in Urgency} else None
