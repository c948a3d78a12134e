"""The tools that look up and refund the customer's orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents import FunctionTool

from triage.approvals.gate import ActionGate
from triage.connectors.orders import OrderBook
from triage.connectors.threads import off_loop
from triage.domain import Order, OrderStatus, Refund, utc_now
from triage.errors import OutsideUnavailable, ToolError
from triage.stable_ids import stable_id
from triage.team.calls import GO_ON_WITHOUT, Outcome, ToolCall, as_json, run_call
from triage.team.context import RunFacts, TriageContext, scope_of
from triage.team.order_rules import check_refundable, own_email, own_order, return_until
from triage.team.tools.building import desk_tool


def order_tools(orders: OrderBook, gate: ActionGate) -> list[FunctionTool]:
    """Build ``find_orders``, ``order_details``, ``shipping_status`` and ``process_refund``."""
    return [build(orders, gate) for build in (_find_orders, _order_details, _shipping_status, _process_refund)]


def _find_orders(orders: OrderBook, gate: ActionGate) -> FunctionTool:
    async def find_orders(call: ToolCall, email: str) -> str:  # noqa: D417
        """List the customer's orders. Use it when the customer gives no order number.

        Returns a JSON list of orders, each with order_id, product, quantity, total_usd, status (processing, shipped,
        delivered, refunded), tracking_number, ordered_on, delivered_on and return_until. Only the customer's own
        address works; for every other address a sentence says so.

        Args:
            email: The customer's email address as it stands in the customer block.
        """

        def work() -> Outcome:
            found = orders.list_by_email(own_email(call.context, email))
            return Outcome(
                output=as_json([_shown(order) for order in found]),
                summary="1 order" if len(found) == 1 else f"{len(found)} orders",
                facts=RunFacts(order_ids=[order.id for order in found]),
            )

        return await run_call(call, work, is_outside=orders.is_outside)

    return desk_tool(find_orders, gate=gate)


def _order_details(orders: OrderBook, gate: ActionGate) -> FunctionTool:
    async def order_details(call: ToolCall, order_id: str) -> str:  # noqa: D417
        """Look up one order of the customer. Use it before you say anything about an order and before process_refund.

        Returns JSON with order_id, product, quantity, total_usd, status (processing, shipped, delivered, refunded),
        tracking_number, ordered_on, delivered_on and return_until, the last day for a return. A sentence says when the
        customer has no such order; then ask for the number, do not guess another.

        Args:
            order_id: The order number that the customer gave, for example "2".
        """

        def work() -> Outcome:
            order = own_order(orders, call.context, order_id)
            return Outcome(
                output=as_json(_shown(order)),
                summary=f"{order.product}, {order.status.value}",
                facts=RunFacts(order_ids=[order.id]),
            )

        return await run_call(call, work, is_outside=orders.is_outside)

    return desk_tool(order_details, gate=gate)


def _shipping_status(orders: OrderBook, gate: ActionGate) -> FunctionTool:
    async def shipping_status(call: ToolCall, order_id: str) -> str:  # noqa: D417
        """Say where one order of the customer is. Use it for "where is my order" and late deliveries.

        Returns JSON with order_id, status, tracking_number, delivered_on and the meaning of the status. A sentence says
        when the customer has no such order.

        Args:
            order_id: The order number that the customer gave, for example "1".
        """

        def work() -> Outcome:
            order = own_order(orders, call.context, order_id)
            status = {key: _shown(order)[key] for key in ("order_id", "status", "tracking_number", "delivered_on")}
            return Outcome(
                output=as_json({**status, "meaning": _meaning(order)}),
                summary=f"{order.status.value}, tracking {order.tracking_number or 'none'}",
                facts=RunFacts(order_ids=[order.id]),
            )

        return await run_call(call, work, is_outside=orders.is_outside)

    return desk_tool(shipping_status, gate=gate)


def _process_refund(orders: OrderBook, gate: ActionGate) -> FunctionTool:
    async def process_refund(call: ToolCall, order_id: str, reason: str) -> str:  # noqa: D417
        """Refund one delivered order of the customer in full. A person may have to approve it first.

        Call it when the customer wants to return an order or their money back, after order_details. The amount is the
        order's own; you cannot set it. Returns JSON with refunded, order_id and status. A sentence says why a refund is
        not possible: the order is still processing (a person cancels it), on its way, already refunded, past its
        time, or not this customer's. Then do not call it again, and tell the customer what the sentence says. When a
        person rejects it, do not call it again either, and rest the reply on the person's reason.

        Args:
            order_id: The order number, for example "2".
            reason: Why the customer wants the refund, in one sentence.
        """
        return await run_call(call, lambda: _refund(orders, call, order_id, reason), is_outside=orders.is_outside)

    async def refusal(call: ToolCall, arguments: Mapping[str, Any]) -> str | None:
        return await _refund_refusal(orders, call, str(arguments["order_id"]))

    return desk_tool(process_refund, limits={"reason": 1000}, refusal=refusal, gate=gate, asks=True)


async def _refund_refusal(orders: OrderBook, call: ToolCall, order_id: str) -> str | None:
    """Return why the refund is not possible, or None.

    It reads the records, so it is a durable step: on replay the order may already be refunded by this very call.
    """

    async def look() -> str | None:
        try:
            if orders.is_outside:
                await off_loop(lambda: _refundable_order(orders, call, order_id))
            else:
                _refundable_order(orders, call, order_id)
        except ToolError as error:
            return str(error)
        except OutsideUnavailable as error:
            return f"{error} {GO_ON_WITHOUT}"
        return None

    answer: str | None = await scope_of(call.context).steps.run("check:process_refund", look)
    return answer


def _refundable_order(orders: OrderBook, call: ToolCall, order_id: str) -> tuple[Order, Refund | None]:
    """Return the order and the refund that this very call has already made, if it has."""
    order = own_order(orders, call.context, order_id)
    refunds = orders.refunds([order.id])
    made = next((refund for refund in refunds if _is_of_call(refund, call)), None)
    if made is None:
        check_refundable(order, refunds=refunds, today=call.context.today)
    return order, made


def _is_of_call(refund: Refund, call: ToolCall) -> bool:
    return (refund.run_id, refund.call_id) == (call.context.run_id, call.tool_call_id)


def _refund(orders: OrderBook, call: ToolCall, order_id: str, reason: str) -> Outcome:
    """Make the refund and mark the order in one transaction; worked again it finds its own refund."""
    order, made = _refundable_order(orders, call, order_id)
    context = call.context
    refund = made or orders.refund(
        order,
        _new_refund(context, call.tool_call_id, order=order, reason=reason),
        conversation_id=context.conversation_id,
    )
    answer = {
        "refunded": True,
        "order_id": order.id,
        "refund_id": refund.id,
        "status": OrderStatus.REFUNDED.value,
        "note": "The refund was approved and made. Confirm it in the reply without naming an amount.",
    }
    return Outcome(
        output=as_json(answer),
        summary=f"order {order.id} refunded",
        facts=RunFacts(order_ids=[order.id], refunds={order.id: str(refund.amount_usd)}),
    )


def _new_refund(context: TriageContext, call_id: str, *, order: Order, reason: str) -> Refund:
    return Refund(
        id=stable_id("R", context.run_id, call_id),
        order_id=order.id,
        run_id=context.run_id,
        call_id=call_id,
        amount_usd=order.total_usd,
        reason=reason.strip(),
        created_at=utc_now(),
    )


def _shown(order: Order) -> dict[str, Any]:
    last_day = return_until(order)
    return {
        "order_id": order.id,
        "product": order.product,
        "quantity": order.quantity,
        "total_usd": str(order.total_usd),
        "status": order.status.value,
        "tracking_number": order.tracking_number,
        "ordered_on": order.created_at.date().isoformat() if order.created_at else None,
        "delivered_on": order.delivered_at.date().isoformat() if order.delivered_at else None,
        "return_until": last_day.isoformat() if last_day else None,
    }


def _meaning(order: Order) -> str:
    match order.status:
        case OrderStatus.PROCESSING:
            return "The order is being prepared and has not been sent yet."
        case OrderStatus.SHIPPED:
            return "The order is on its way; the tracking number shows where."
        case OrderStatus.DELIVERED:
            return "The order was delivered."
        case OrderStatus.REFUNDED:
            return "The order was refunded."
