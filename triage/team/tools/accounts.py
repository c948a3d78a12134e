"""The tool that looks up the customer's account."""

from __future__ import annotations

from typing import Any

from agents import FunctionTool

from triage.approvals.gate import ActionGate
from triage.domain import Account
from triage.errors import ToolError
from triage.gateway import Gateway
from triage.team.calls import Outcome, ToolCall, as_json, run_call
from triage.team.context import RunFacts, TriageContext
from triage.team.tools.building import desk_tool

_NOT_THEIRS = (
    "There is no account with this id for this customer. Use the account id of the customer block; when it is unknown, "
    "ask the customer for it and do not try other ids."
)
_SHOWN_INVOICES = 6


def account_tool(records: Gateway, gate: ActionGate) -> FunctionTool:
    """Build ``get_account_status``."""

    async def get_account_status(call: ToolCall, account_id: str) -> str:  # noqa: D417
        """Look up the customer's account: plan, status, seats, latest invoices. Use it for billing and plan questions.

        Returns JSON with account_id, name, plan, status (active, past_due, suspended, cancelled), seats and invoices,
        newest first, each with number, issued_on, amount_usd and status (paid, open, overdue, failed). Only the
        customer's own account can be seen; for every other id a sentence says so.

        Args:
            account_id: The account id of the customer block, for example "A-1042", or the customer's own email address
                when the account id is unknown.
        """

        def work() -> Outcome:
            with records.read() as stores:
                wanted = account_id.strip()
                account = stores.accounts.find_by_email(wanted) if "@" in wanted else stores.accounts.find(wanted)
            if account is None or not _is_own(account, call.context):
                raise ToolError(_NOT_THEIRS)
            return Outcome(
                output=as_json(_shown(account)),
                summary=f"{account.plan} plan, {account.status.replace('_', ' ')}",
                facts=RunFacts(account_ids=[account.id], emails=[account.email]),
            )

        return await run_call(call, work)

    return desk_tool(get_account_status, gate=gate)


def _is_own(account: Account, context: TriageContext) -> bool:
    """Whether the account is the run's, or its address is the customer's; sharing a mail domain is not enough."""
    return account.id == context.account_id or context.is_customer(account.email)


def _shown(account: Account) -> dict[str, Any]:
    invoices = sorted(account.invoices, key=lambda invoice: invoice.issued_at, reverse=True)[:_SHOWN_INVOICES]
    return {
        "account_id": account.id,
        "name": account.name,
        "plan": account.plan,
        "status": account.status,
        "seats": account.seats,
        "invoices": [
            {
                "number": invoice.number,
                "issued_on": invoice.issued_at.date().isoformat(),
                "amount_usd": str(invoice.amount_usd),
                "status": invoice.status,
            }
            for invoice in invoices
        ],
    }
