"""The policy in force: asked at every gated call, changed by administrators, kept in versions."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from triage.access.actions import Action, require
from triage.approvals.evidence import LOOKED_AT, Evidence, evidence_of, same_since
from triage.approvals.gate import proposed_call
from triage.approvals.policies import PolicyDocument, ProposedCall, Rule, default_policy, default_text, parse_policy
from triage.approvals.policy_rules import ANY_TOOL
from triage.approvals.policy_tools import WRITING_TOOLS
from triage.connectors.orders import OrderBook
from triage.domain import Actor, Approval, Mode, NewAuditEntry, Order, Role, SavedPolicy, Value, utc_now
from triage.errors import Conflict, InvalidInput, NotFound, OutsideUnavailable
from triage.gateway import Gateway, Stores

PREVIEWED = 200
MAX_NOTE = 500
# What changes the policy by itself, after a reversal.
POLICY_ACTOR = Actor(name="policy", role=Role.ADMIN)
_EXAMPLES = 20
_HISTORY = 50
_UNREADABLE = PolicyDocument(
    rules=(
        Rule(
            name="unreadable_policy",
            tool=ANY_TOOL,
            decide=Mode.TWO_PEOPLE,
            because="The saved policy cannot be read by this version of the console, so two people decide.",
        ),
    )
)


class PolicyVersion(Value):
    """A version of the policy; ``problem`` says why this build cannot read it, and everything waits for two people."""

    version: int
    text: str
    note: str
    created_by: str
    created_at: datetime | None
    document: PolicyDocument
    problem: str | None = None


class PolicyChange(Value):
    """A version in the history; ``diff`` are the lines that it took out (-) and put in (+)."""

    policy: SavedPolicy
    diff: str


class Changed(Value):
    """A past call that another policy would have treated in another way."""

    approval_id: str
    summary: str
    before: Mode
    before_rule: str
    after: Mode
    after_rule: str


class Preview(Value):
    """What a policy would have made of the last calls, and what the one in force makes of them."""

    calls: int
    after: dict[Mode, int]
    before: dict[Mode, int]
    changed: int
    examples: list[Changed]


class PolicyService:
    """Reads and changes the policy. One object serves every thread of a process."""

    def __init__(self, *, records: Gateway, orders: OrderBook | None = None) -> None:
        self._records = records
        self._orders = orders or OrderBook(records)
        self._newest = _built_in()

    def current(self) -> PolicyVersion:
        """Return the policy in force; it costs one small query while nobody changes it."""
        with self._records.read() as tx:
            found = self.current_in(tx)
        # Kept from a look at what is committed only: a version that is rolled back gives its number to another one.
        if found.version > self._newest.version:
            self._newest = found
        return found

    def document(self) -> PolicyDocument:
        """Return the rules in force."""
        return self.current().document

    def current_in(self, tx: Stores) -> PolicyVersion:
        """Return the policy in force as a transaction sees it."""
        version = tx.policies.version()
        known = self._newest
        if known.version == version:
            return known
        saved = tx.policies.find(version)
        return _built_in() if saved is None else _read(saved)

    def save(self, text: str, *, actor: Actor, note: str = "", based_on: int | None = None) -> PolicyVersion:
        """Put a policy in force.

        ``based_on`` is the version that the person has changed; a newer one is not overwritten.

        Raises:
            PolicyError: the text has a mistake; the message names the line. The old policy stays.
            InvalidInput: nothing is changed, or the note is too long.
            NotAllowed: the actor is no administrator.
            Conflict: somebody has saved another version meanwhile.
        """
        require(actor, Action.POLICIES_CHANGE)
        text, note = _clean(text), " ".join(note.split())
        if len(note) > MAX_NOTE:
            raise InvalidInput(f"The note has at most {MAX_NOTE} characters; this has {len(note)}.")
        parse_policy(text)
        with self._records.begin() as tx:
            before = self.current_in(tx)
            if based_on is not None and before.version != based_on:
                who = f"{before.created_by} has saved version {before.version} meanwhile"
                raise Conflict(f"{who}; look at it, then save yours again.")
            if text == before.text:
                raise InvalidInput("This is the policy in force already; nothing is changed.")
            _put(tx, before, text=text, note=note, actor=actor, action="policy.saved")
        return self.current()

    def history(self, *, limit: int = _HISTORY, offset: int = 0) -> list[PolicyChange]:
        """Return the saved versions, the newest first, each with what it changed."""
        with self._records.read() as tx:
            found = tx.policies.list(limit=limit + 1, offset=offset)
        texts = [*(policy.text for policy in found[1:]), default_text()]
        return [
            PolicyChange(policy=policy, diff=_diff(before, policy.text))
            for policy, before in zip(found, texts, strict=False)
        ][:limit]

    def text_of(self, version: int) -> str:
        """Return the text of a version; 0 is the one that is built in.

        Raises:
            NotFound: there is no such version.
        """
        if version == 0:
            return default_text()
        with self._records.read() as tx:
            found = tx.policies.find(version)
        if found is None:
            raise NotFound(f"There is no version {version} of the policy.")
        return found.text

    def preview(self, text: str) -> Preview:
        """Say what a policy would have made of the last 200 calls, beside what the one in force makes of them now.

        Raises:
            PolicyError: the text has a mistake; the message names the line.
        """
        document = parse_policy(_clean(text))
        with self._records.read() as tx:
            current = self.current_in(tx).document
            last = tx.policies.list_calls(limit=PREVIEWED)
        # Not within a transaction: they may be in another database.
        orders = self._orders_without_sum(last)
        with self._records.read() as tx:
            calls = [(item, _proposed(tx, item, orders)) for item in last]
        judged = [(item, current.judge(call), document.judge(call)) for item, call in calls]
        changed = [
            Changed(
                approval_id=approval.id,
                summary=approval.summary,
                before=before.mode,
                before_rule=before.rule,
                after=after.mode,
                after_rule=after.rule,
            )
            for approval, before, after in judged
            if before.mode is not after.mode
        ]
        return Preview(
            calls=len(calls),
            after={mode: sum(after.mode is mode for _, _, after in judged) for mode in Mode},
            before={mode: sum(before.mode is mode for _, before, _ in judged) for mode in Mode},
            changed=len(changed),
            examples=changed[:_EXAMPLES],
        )

    def suggestions(self) -> list[Evidence]:
        """Return what the last decisions say of each tool and rule, those that are suggested for ``auto`` first."""
        with self._records.read() as tx:
            found = self._evidence(tx)
        return sorted(found, key=lambda item: (not item.is_suggested, item.tool, item.rule))

    def promote(self, tool: str, rule: str, *, actor: Actor, note: str = "") -> PolicyVersion:
        """Let the calls of a rule go ahead by themselves, where the evidence suggests it.

        Only the word behind ``decide`` changes; comments and all else in the text stay.

        Raises:
            NotAllowed: the actor is no administrator.
            NotFound: nothing was decided by such a rule.
            Conflict: the evidence does not suggest it, or not any more; the message says why.
        """
        require(actor, Action.POLICIES_CHANGE)
        with self._records.begin() as tx:
            before = self.current_in(tx)
            evidence = next((item for item in self._evidence(tx) if (item.tool, item.rule) == (tool, rule)), None)
            chosen = before.document.find(rule)
            if evidence is None or chosen is None or chosen.tool not in (ANY_TOOL, tool):
                raise NotFound(f"No decision was made for {tool} by a rule of that name.")
            if evidence.obstacle is not None:
                raise Conflict(f"The rule {rule} stays as it is. {evidence.obstacle}")
            reason = note or (
                f"Rule {rule} goes ahead by itself: {evidence.unchanged} of {evidence.decisions} approved unchanged."
            )
            text = _with_decision(before.text, chosen, Mode.AUTO)
            _put(tx, before, text=text, note=reason[:MAX_NOTE], actor=actor, action="policy.promoted")
        return self.current()

    def demote(self, tx: Stores, approval: Approval) -> None:
        """Let the rule of a reversed action ask a person again; does nothing where it asks already.

        Works in the caller's transaction, so that the reversal and its consequence are one.
        """
        before = self.current_in(tx)
        rule = before.document.find(approval.rule)
        if rule is None or rule.decide is not Mode.AUTO or rule.tool not in (ANY_TOOL, approval.tool):
            return
        note = f"Rule {rule.name} asks a person again, because the action {approval.id} was reversed."
        text = _with_decision(before.text, rule, Mode.APPROVAL)
        _put(tx, before, text=text, note=note, actor=POLICY_ACTOR, action="policy.demoted")

    def _orders_without_sum(self, calls: Sequence[Approval]) -> dict[str, Order]:
        """Return the orders of calls of whose sum nothing was known, as far as they can be looked up now."""
        found: dict[str, Order] = {}
        try:
            for order_id in {_order_id(call) for call in calls if call.amount_usd is None}:
                if order_id is not None and (order := self._orders.find(order_id)) is not None:
                    found[order_id] = order
        except OutsideUnavailable:
            pass
        return found

    def _evidence(self, tx: Stores) -> list[Evidence]:
        current = self.current_in(tx)
        saved = tx.policies.list(limit=_HISTORY)
        versions = [(policy.version, _parsed(policy.text)[0]) for policy in saved]
        if len(saved) < _HISTORY:
            versions.append((0, default_policy()))
        found = []
        for tool, name in tx.policies.list_judged():
            rule = current.document.find(name)
            if rule is None or (tool in WRITING_TOOLS and WRITING_TOOLS[tool].asks):
                continue
            since = same_since(name, versions)
            decided = tx.policies.list_decided(tool, name, since_version=since, limit=LOOKED_AT)
            found.append(evidence_of(decided, tool=tool, rule=rule, since_version=since))
        return found


def _put(tx: Stores, before: PolicyVersion, *, text: str, note: str, actor: Actor, action: str) -> SavedPolicy:
    """Keep a new version and its audit entry."""
    now = utc_now()
    policy = SavedPolicy(version=before.version + 1, text=text, note=note, created_by=actor.name, created_at=now)
    tx.policies.add(policy)
    tx.audit.add(
        NewAuditEntry(
            at=now,
            actor=actor.name,
            role=actor.role,
            action=action,
            subject_kind="policy",
            subject_id=str(policy.version),
            before={"version": before.version, "text": before.text},
            after={"version": policy.version, "text": text, "note": note},
        )
    )
    return policy


def _built_in() -> PolicyVersion:
    return PolicyVersion(
        version=0,
        text=default_text(),
        note="Built in",
        created_by="",
        created_at=None,
        document=default_policy(),
    )


def _read(saved: SavedPolicy) -> PolicyVersion:
    document, problem = _parsed(saved.text)
    document = (document or _UNREADABLE).model_copy(update={"version": saved.version})
    return PolicyVersion(**saved.model_dump(), document=document, problem=problem)


@lru_cache(maxsize=64)
def _parsed(text: str) -> tuple[PolicyDocument | None, str | None]:
    """Return the document of a saved text, or why this build cannot read it."""
    try:
        return parse_policy(text), None
    except InvalidInput as error:
        return None, str(error)


def _with_decision(text: str, rule: Rule, mode: Mode) -> str:
    """Return the text with another word behind ``decide`` of one rule."""
    start, end = rule.decide_span
    return f"{text[:start]}{mode.value}{text[end:]}"


def _clean(text: str) -> str:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").rstrip()
    return f"{lines}\n"


def _diff(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    return "\n".join(list(lines)[2:])


def _proposed(tx: Stores, item: Approval, orders: Mapping[str, Order]) -> ProposedCall:
    """Return a past call as the gate would see it now, with the sum that it was about then."""
    order = orders.get(_order_id(item) or "") if item.amount_usd is None else None
    call = proposed_call(tx, item.tool, item.arguments, customer_email=item.customer_email, order=order)
    return call if item.amount_usd is None else call.model_copy(update={"amount_usd": item.amount_usd})


def _order_id(call: Approval) -> str | None:
    named = call.arguments.get("order_id")
    return named if isinstance(named, str) else None
