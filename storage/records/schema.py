"""The tables of the records, as the newest migration leaves them.

The durable engine keeps its own tables in the same database (``workflow_status``, ``workflow_events``, ``streams`` and
others), which saves a second file; none of the names below may be one of its.
Status words are plain text: the domain checks them, and a new word needs no migration.
"""

from __future__ import annotations

import sqlalchemy as sa

from storage.records.columns import Json, Money, UtcTime
from triage.domain import DEFAULT_TEAM

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# The rule of Run.needs_person, so that lists and counts can ask for it. The database computes it with every write,
# which makes it impossible for a writer to forget.
NEEDS_PERSON = (
    "escalated or (reply_sent_at is null and (status = 'failed'"
    " or (status = 'cancelled' and assigned_to is not null)"
    " or (status = 'completed' and (degraded or requires_human))"
    " or (status = 'blocked' and trip_stage is not null and trip_stage <> 'input')))"
)

# Written out, because a database uses an index on a part of the rows only where the same words ask for that part.
IS_UNKNOWN = "execution = 'unknown'"

conversations = sa.Table(
    "conversations",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("customer_email", sa.Text),
    # No foreign key: a message may name an account that we do not know.
    sa.Column("account_id", sa.Text),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Column("team", sa.Text, nullable=False, server_default=DEFAULT_TEAM),
    sa.Index(None, "created_at", "id"),
)

messages = sa.Table(
    "messages",
    METADATA,
    # Counts up in the order of writing, which decides between two messages of the same instant.
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("conversation_id", sa.Text, sa.ForeignKey("conversations.id", ondelete="cascade"), nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    # No foreign key: the run names its message, so the message is written first.
    sa.Column("run_id", sa.Text),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Index(None, "conversation_id", "number"),
)

runs = sa.Table(
    "runs",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("conversation_id", sa.Text, sa.ForeignKey("conversations.id", ondelete="cascade"), nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    # Two submits with the same key are the same run, also when they arrive at the same moment.
    sa.Column("idempotency_key", sa.Text, unique=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("segment", sa.Integer, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("customer_email", sa.Text),
    sa.Column("account_id", sa.Text),
    sa.Column("submitted_by", sa.Text, nullable=False),
    sa.Column("category", sa.Text),
    sa.Column("urgency", sa.Text),
    sa.Column("result", Json),
    # A copy of the result's field of that name, because the two databases read JSON in different ways.
    sa.Column("requires_human", sa.Boolean, nullable=False),
    sa.Column("reply", sa.Text),
    sa.Column("reply_edited_by", sa.Text),
    sa.Column("reply_sent_at", UtcTime),
    sa.Column("reply_sent_by", sa.Text),
    sa.Column("failure", Json),
    sa.Column("trip", Json),
    # A copy of the trip's field of that name, for the same reason.
    sa.Column("trip_stage", sa.Text),
    sa.Column("usage", Json, nullable=False),
    sa.Column("cost_usd", Money, nullable=False),
    sa.Column("unpriced_calls", sa.Integer, nullable=False),
    sa.Column("turns", sa.Integer, nullable=False),
    sa.Column("active_ms", sa.BigInteger, nullable=False),
    sa.Column("models", Json, nullable=False),
    sa.Column("degraded", sa.Boolean, nullable=False),
    # An escalation that no reply has followed; all of them stand in a table of their own.
    sa.Column("escalated", sa.Boolean, nullable=False),
    sa.Column("last_agent", sa.Text),
    sa.Column("assigned_to", sa.Text),
    sa.Column("retry_of", sa.Text),
    sa.Column("trace_id", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("started_at", UtcTime),
    sa.Column("ended_at", UtcTime),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Column("team", sa.Text, nullable=False, server_default=DEFAULT_TEAM),
    sa.Column("needs_person", sa.Boolean, sa.Computed(NEEDS_PERSON, persisted=True), nullable=False),
    sa.Index(None, "created_at", "id"),
    # With all that the counts beside the inbox ask for, so that they read no run.
    sa.Index(None, "status", "created_at", "id", "needs_person"),
    sa.Index(None, "team", "status", "needs_person"),
    sa.Index(None, "needs_person", "created_at", "id"),
    sa.Index(None, "category", "created_at", "id"),
    sa.Index(None, "urgency", "created_at", "id"),
    sa.Index(None, "conversation_id", "created_at", "id"),
    sa.Index(None, "team", "created_at", "id"),
    # Whoever mirrors the runs elsewhere asks for what changed since it last looked.
    sa.Index(None, "updated_at"),
)

run_events = sa.Table(
    "run_events",
    METADATA,
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="cascade"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("duration_ms", sa.BigInteger),
    sa.Column("payload", Json, nullable=False),
    # A replay tells the same events again; each key is kept once in a run.
    sa.UniqueConstraint("run_id", "key"),
)

approvals = sa.Table(
    "approvals",
    METADATA,
    # Counts up in the order of writing: the calls of one turn are written in the same instant.
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="cascade"), nullable=False),
    sa.Column("segment", sa.Integer, nullable=False),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("call_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, server_default="action"),
    sa.Column("tool", sa.Text, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("arguments", Json, nullable=False),
    sa.Column("decided_arguments", Json),
    sa.Column("arguments_hash", sa.Text),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False, server_default=""),
    sa.Column("policy_version", sa.Integer, nullable=False, server_default="0"),
    sa.Column("mode", sa.Text, nullable=False, server_default="approval"),
    sa.Column("urgency", sa.Text, nullable=False, server_default="medium"),
    sa.Column("amount_usd", Money),
    sa.Column("customer_email", sa.Text),
    sa.Column("submitted_by", sa.Text, nullable=False, server_default=""),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("execution", sa.Text, nullable=False),
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_until", UtcTime),
    sa.Column("endorsed_by", sa.Text),
    sa.Column("endorsed_at", UtcTime),
    sa.Column("endorsed_arguments", Json),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", UtcTime),
    sa.Column("reason_code", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("due_at", UtcTime),
    sa.Column("expires_at", UtcTime),
    sa.Column("reminded_at", UtcTime),
    sa.Column("escalated_at", UtcTime),
    sa.Column("escalated_to", sa.Text),
    sa.Column("reversed_at", UtcTime),
    sa.Column("reversed_by", sa.Text),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
    # A copy of the run's, by which the queue of a team is found.
    sa.Column("team", sa.Text, nullable=False, server_default=DEFAULT_TEAM),
    # One interruption asks once, however often its segment is replayed.
    sa.UniqueConstraint("run_id", "segment", "call_id"),
    sa.Index(None, "status", "created_at", "number"),
    sa.Index(None, "created_at", "number"),
    # The queue is by due time, and what is due is looked for all the time.
    sa.Index(None, "status", "due_at", "number"),
    sa.Index(None, "team", "status", "due_at", "number"),
    # What was decided in such cases, and how often.
    sa.Index(None, "tool", "rule", "decided_at"),
    # Money limits add up what a person, or everybody for one customer, has approved on a day.
    sa.Index(None, "decided_by", "decided_at"),
    sa.Index(None, "customer_email", "decided_at"),
    # What was decided, the last one first.
    sa.Index(None, "decided_at", "number"),
    # Actions of which nobody knows whether they happened are few, and looked for all the time.
    sa.Index(
        "ix_approvals_unknown", "decided_at", sqlite_where=sa.text(IS_UNKNOWN), postgresql_where=sa.text(IS_UNKNOWN)
    ),
)

run_states = sa.Table(
    "run_states",
    METADATA,
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="cascade"), primary_key=True),
    sa.Column("segment", sa.Integer, primary_key=True, autoincrement=False),
    # Text and not JSON: the signature is over these very characters.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("facts", Json, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("sdk_version", sa.Text, nullable=False),
    sa.Column("schema_version", sa.Text, nullable=False),
    sa.Column("tools_fingerprint", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    # Which paused runs another build made is asked often, and their states are long: this spares reading them.
    sa.Index("ix_run_states_build", "run_id", "sdk_version", "schema_version", "tools_fingerprint", "segment"),
)

run_steps = sa.Table(
    "run_steps",
    METADATA,
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="cascade"), primary_key=True),
    sa.Column("segment", sa.Integer, primary_key=True, autoincrement=False),
    # Name and order of the step: a step that is written twice is a fault in the run layer, and refused.
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("outcome", Json),
)

accounts = sa.Table(
    "accounts",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("seats", sa.Integer, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("is_sample", sa.Boolean, nullable=False),
)
sa.Index("ix_accounts_lower_email", sa.func.lower(accounts.c.email))

invoices = sa.Table(
    "invoices",
    METADATA,
    sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id", ondelete="cascade"), primary_key=True),
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("issued_at", UtcTime, nullable=False),
    sa.Column("amount_usd", Money, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
)

orders = sa.Table(
    "orders",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("customer_email", sa.Text, nullable=False),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("total_usd", Money, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("tracking_number", sa.Text),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("delivered_at", UtcTime),
    sa.Column("is_sample", sa.Boolean, nullable=False),
)
sa.Index("ix_orders_lower_customer_email", sa.func.lower(orders.c.customer_email))

# Refunds, tickets and escalations name their run without a foreign key: they are work and money, and stay when the run
# is deleted at the end of its retention.

refunds = sa.Table(
    "refunds",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, sa.ForeignKey("orders.id", ondelete="cascade"), nullable=False, index=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("call_id", sa.Text, nullable=False),
    sa.Column("amount_usd", Money, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    # One tool call pays once.
    sa.UniqueConstraint("run_id", "call_id"),
)

# Refunds of orders that stand in a database of the company: what the desk agreed to, once for each order.
outside_refunds = sa.Table(
    "outside_refunds",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False, unique=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("call_id", sa.Text, nullable=False),
    sa.Column("amount_usd", Money, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.UniqueConstraint("run_id", "call_id"),
)

tickets = sa.Table(
    "tickets",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("call_id", sa.Text, nullable=False),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False, index=True),
    # Where the help desk keeps it, as the help desk says; both are its words, not ours.
    sa.Column("external_id", sa.Text),
    sa.Column("external_url", sa.Text),
    # One tool call creates one ticket.
    sa.UniqueConstraint("run_id", "call_id"),
)

escalations = sa.Table(
    "escalations",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("urgency", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    # The agents escalate a run once, a person once per filled-in form.
    sa.UniqueConstraint("run_id", "key"),
)

corrections = sa.Table(
    "corrections",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="cascade"), nullable=False, index=True),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text, nullable=False),
    sa.Column("corrected_by", sa.Text, nullable=False),
    sa.Column("corrected_at", UtcTime, nullable=False),
)

# Small durable facts about the installation, such as "samples.removed".
notes = sa.Table(
    "notes",
    METADATA,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
