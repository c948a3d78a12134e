"""What happens in a run: the input check, agents that search, hand over and answer, approvals, trips and faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from bench.history.columns import join, pick
from bench.history.texts import RARE_WORDS, articles, messages, replies
from bench.history.weave import Weaver

MODELS = ("gpt-5.4", "gpt-5.4-mini", "house-model", "gpt-5.4-nano")
MODEL_SHARES = (0.52, 0.41, 0.07)
# Nano dollars for a token read, read from the cache, and written; the house's own model has no price.
RATES = np.array([(1250, 125, 10_000), (250, 25, 2_000), (0, 0, 0), (50, 5, 400)])
FALLBACK, CHECK = 1, 3
TRIAGE, BILLING, TECHNICAL, ORDERS = "Triage agent", "Billing specialist", "Technical specialist", "Orders specialist"
SPECIALISTS = (BILLING, TECHNICAL, ORDERS)
SPECIALIST_TOOLS = ("get_account_status", "search_knowledge_base", "find_orders")
CHECK_NAME, PROMISES_NAME, PROMISES_VERDICT = "Input check", "Billing promises", "billing_promise"
CHECKS_OF_REPLIES = (PROMISES_NAME, "Other customers' data", "Secrets")
_SYSTEM = "You work at the support desk. Search the knowledge base before you answer and promise no amounts. " * 4
_PROMPT = '{"input":[{"role":"system","content":"' + _SYSTEM + '"},{"role":"user","content":"'


@dataclass
class Texts:
    """What the runs of one weaver are about, and what is said in them."""

    chance: np.random.Generator
    message: pa.Array
    pools: dict[str, pa.Array]

    def some(self, name: str) -> pa.Array:
        """Return a text of a pool for each run."""
        pool = self.pools[name]
        return pool.take(pa.array(self.chance.integers(len(pool), size=len(self.message))))

    def rare(self) -> pa.Array:
        """Return a rare word for each run."""
        return pick(RARE_WORDS, self.chance.integers(len(RARE_WORDS), size=len(self.message)))

    def number(self) -> pa.Array:
        """Return a number of six digits for each run."""
        return pa.array(self.chance.integers(100_000, 1_000_000, size=len(self.message))).cast(pa.string())


def make_pools(chance: np.random.Generator) -> dict[str, pa.Array]:
    """Return the pools that texts are drawn from."""
    return {
        "message": pa.array(messages(chance, 3_000)),
        "article": pa.array(articles(chance, 2_000)),
        "reply": pa.array(replies(chance, 2_000)),
    }


@dataclass
class Outcome:
    """What the runs of a scenario came to; a value for all or an array with one for each."""

    status: str
    agent: Any = TRIAGE
    columns: dict[str, Any] = field(default_factory=dict)


def ask(weaver: Weaver, texts: Texts, *, model: np.ndarray, said: pa.Array, turn: int, troubles: float = 0.02) -> None:
    """Call a model; now and then the first try fails, and then the same model or the next one is asked."""
    chance, count = weaver.chance, weaver.count
    troubled = chance.random(count) < troubles
    fell = troubled & (chance.random(count) < 0.4)
    asked = pick(MODELS, model)
    words = join(
        '{"input":[{"role":"system","content":"', _SYSTEM, '"},{"role":"user","content":"', texts.message, '"}'
    )
    if troubled.any():
        weaver.leaf(
            "model", asked, mean_ms=300, taken=troubled, content=join(words, "]}"), model=asked, asked_model=asked,
            error="Error streaming response: 503", error_kind="Error streaming response",
        )  # fmt: skip
    answering = np.where(fell, FALLBACK, model)
    read = chance.integers(500, 900, count) + 400 * turn
    cached = np.where(chance.random(count) < 0.6, read // 2, 0)
    written = chance.integers(40, 400, count)
    used = {"input_tokens": read, "cached_tokens": cached, "output_tokens": written, "reasoning_tokens": written // 4}
    name = pick(MODELS, answering)
    span = weaver.leaf(
        "model", name, mean_ms=900,
        content=join(words, ',{"role":"assistant","content":"', texts.some("reply"), '"},{"role":"tool","content":"',
                     texts.some("article"), '"}],"output":[{"role":"assistant","content":"', said, '"}]}'),
        model=name, asked_model=name, is_retry=troubled & ~fell, is_fallback=fell, **used,
    )  # fmt: skip
    rates = RATES[answering]
    span.nano_dollars = (read - cached) * rates[:, 0] + cached * rates[:, 1] + written * rates[:, 2]
    span.is_priced = rates[:, 0] > 0
    said_so = {"requests": 1, "unpriced_calls": ~span.is_priced, "nano_dollars": span.nano_dollars, **used}
    for column, value in said_so.items():
        weaver.sums[column] += value


def call_tool(weaver: Weaver, texts: Texts, tool: Any, *, mean_ms: float = 40, faults: float = 0.02) -> None:
    """Call a tool; now and then it fails."""
    failed = weaver.chance.random(weaver.count) < faults
    arguments = join('{"arguments":{"query":"', texts.rare(), '","order_id":"ORD-', texts.number(), '"}')
    weaver.leaf(
        "tool", tool, mean_ms=mean_ms, taken=~failed, tool=tool, is_paused=False,
        content=join(arguments, ',"result":"', texts.some("article"), " Reference ", texts.number(), '"}'),
    )  # fmt: skip
    weaver.leaf(
        "tool", tool, mean_ms=mean_ms, taken=failed, tool=tool, is_paused=False, content=join(arguments, "}"),
        error=join("Nothing was found for order ORD-", texts.number()), error_kind="not_found",
    )  # fmt: skip


def check_input(weaver: Weaver, texts: Texts, *, verdict: Any = "support", triggered: bool = False) -> None:
    """Let the input check look at the message, with its own model."""
    content = join('{"reason":"The message is about ', texts.rare(), '."}')
    weaver.agent = TRIAGE
    with weaver.within(
        "guardrail", CHECK_NAME, content=content, guardrail=CHECK_NAME, stage="input", verdict=verdict,
        triggered=triggered,
    ):  # fmt: skip
        weaver.agent, weaver.guardrail = CHECK_NAME, CHECK_NAME
        with weaver.within("agent", CHECK_NAME), weaver.within("turn", "turn 1"):
            said = join('{\\"verdict\\":\\"support\\",\\"about\\":\\"', texts.rare(), '\\"}')
            ask(weaver, texts, model=np.full(weaver.count, CHECK), said=said, turn=0, troubles=0.005)
        weaver.agent, weaver.guardrail = TRIAGE, None


def work(
    weaver: Weaver, texts: Texts, agent: Any, *, model: np.ndarray, tools: tuple[Any, ...], to: Any = None
) -> None:
    """Let an agent take a turn with each tool and one for its answer, or for handing over ``to`` another."""
    weaver.agent = agent
    content = join('{"tools":["search_knowledge_base","draft_reply"],"output_type":"TriageResult","note":"',
                   texts.rare(), '"}')  # fmt: skip
    with weaver.within("agent", agent, content=content):
        for number, tool in enumerate(tools, 1):
            with weaver.within("turn", f"turn {number}"):
                ask(weaver, texts, model=model, said=join("I look for ", texts.rare(), "."), turn=number)
                call_tool(weaver, texts, tool)
        with weaver.within("turn", f"turn {len(tools) + 1}"):
            ask(weaver, texts, model=model, said=texts.some("reply"), turn=len(tools) + 1)
            if to is not None:
                weaver.leaf("handoff", agent, mean_ms=1, from_agent=agent, to_agent=to)
    weaver.pause(2)


def check_reply(weaver: Weaver) -> None:
    """Let the checks of replies find nothing."""
    for name in CHECKS_OF_REPLIES:
        weaver.leaf("guardrail", name, mean_ms=1, guardrail=name, stage="output", triggered=False)


def answered(weaver: Weaver, texts: Texts, *, model: np.ndarray) -> Outcome:
    """The triage agent hands over to a specialist, who answers."""
    place = weaver.chance.integers(len(SPECIALISTS), size=weaver.count)
    specialist = pick(SPECIALISTS, place)
    with weaver.within("task", "Support triage"):
        check_input(weaver, texts)
        work(weaver, texts, TRIAGE, model=model, tools=("search_knowledge_base",), to=specialist)
        work(weaver, texts, specialist, model=model, tools=(pick(SPECIALIST_TOOLS, place),))
        check_reply(weaver)
    return Outcome("completed", specialist)


def direct(weaver: Weaver, texts: Texts, *, model: np.ndarray) -> Outcome:
    """The triage agent answers itself."""
    with weaver.within("task", "Support triage"):
        check_input(weaver, texts)
        work(weaver, texts, TRIAGE, model=model, tools=("search_knowledge_base",))
        check_reply(weaver)
    return Outcome("completed")


def bounced(weaver: Weaver, texts: Texts, *, model: np.ndarray) -> Outcome:
    """The first specialist gives the message back, and another one answers."""
    with weaver.within("task", "Support triage"):
        check_input(weaver, texts)
        work(weaver, texts, TRIAGE, model=model, tools=(), to=BILLING)
        work(weaver, texts, BILLING, model=model, tools=("get_account_status",), to=TRIAGE)
        work(weaver, texts, TRIAGE, model=model, tools=(), to=TECHNICAL)
        work(weaver, texts, TECHNICAL, model=model, tools=("search_knowledge_base",))
        check_reply(weaver)
    return Outcome("completed", TECHNICAL)


def refund(weaver: Weaver, texts: Texts, *, model: np.ndarray) -> Outcome:
    """A refund waits for a person."""
    with weaver.within("task", "Support triage"):
        check_input(weaver, texts)
        work(weaver, texts, TRIAGE, model=model, tools=(), to=ORDERS)
        work(weaver, texts, ORDERS, model=model, tools=("find_orders",))
        weaver.leaf(
            "tool", "process_refund", mean_ms=1, tool="process_refund", is_paused=True,
            content=join('{"arguments":{"order_id":"ORD-', texts.number(), '","reason":"', texts.rare(), '"}}'),
        )  # fmt: skip
    return Outcome("awaiting_approval", ORDERS)


def after_decision(weaver: Weaver, texts: Texts, *, model: np.ndarray) -> Outcome:
    """The refund was approved and is made; the specialist answers."""
    with weaver.within("task", "Support triage"):
        weaver.agent = ORDERS
        call_tool(weaver, texts, "process_refund", mean_ms=120)
        work(weaver, texts, ORDERS, model=model, tools=())
        check_reply(weaver)
    return Outcome("completed", ORDERS)


def tripped(weaver: Weaver, texts: Texts, *, model: np.ndarray) -> Outcome:  # noqa: ARG001 - no agent comes to work.
    """The input check stops the message."""
    verdict = pick(("off_topic", "injection_attempt", "harmful"), weaver.chance.integers(3, size=weaver.count))
    with weaver.within("task", "Support triage"):
        check_input(weaver, texts, verdict=verdict, triggered=True)
    trip = {"trip_guardrail": CHECK_NAME, "trip_stage": "input", "trip_verdict": verdict}
    return Outcome("blocked", None, trip)


def stopped_reply(weaver: Weaver, texts: Texts, *, model: np.ndarray) -> Outcome:
    """The reply promises what it must not, and is stopped."""
    with weaver.within("task", "Support triage"):
        check_input(weaver, texts)
        work(weaver, texts, TRIAGE, model=model, tools=("search_knowledge_base",))
        weaver.leaf(
            "guardrail", PROMISES_NAME, mean_ms=2, guardrail=PROMISES_NAME, stage="output", verdict=PROMISES_VERDICT,
            triggered=True, content=join('{"reason":"It promises an amount for ', texts.rare(), '."}'),
        )  # fmt: skip
    trip = {"trip_guardrail": PROMISES_NAME, "trip_stage": "output", "trip_verdict": PROMISES_VERDICT}
    return Outcome("blocked", TRIAGE, trip)


def failed(weaver: Weaver, texts: Texts, *, model: np.ndarray) -> Outcome:
    """No model answers, and the run fails."""
    name = pick(MODELS, model)
    content = join('{"input":[{"role":"user","content":"', texts.message, '"}]}')
    with weaver.within("task", "Support triage"):
        check_input(weaver, texts)
        for tried in range(3):
            weaver.leaf(
                "model", name, mean_ms=400, content=content, model=name, asked_model=name, is_retry=tried > 0,
                error="Error streaming response: 500", error_kind="Error streaming response",
            )  # fmt: skip
    return Outcome("failed", TRIAGE, {"failure_code": "model_unavailable"})


def cancelled(weaver: Weaver, texts: Texts, *, model: np.ndarray) -> Outcome:
    """A person stops the run while the agents work, and every other time takes it over."""
    with weaver.within("task", "Support triage"):
        check_input(weaver, texts)
        work(weaver, texts, TRIAGE, model=model, tools=("search_knowledge_base",), to=BILLING)
    return Outcome("cancelled", TRIAGE, {"is_rerouted": weaver.chance.random(weaver.count) < 0.5})


Scenario = Callable[..., Outcome]
SCENARIOS: tuple[tuple[Scenario, float], ...] = (
    (answered, 0.56),
    (direct, 0.2),
    (bounced, 0.07),
    (refund, 0.1),
    (tripped, 0.025),
    (stopped_reply, 0.005),
    (failed, 0.02),
    (cancelled, 0.02),
)
"""What may happen, and in which share of the runs."""
