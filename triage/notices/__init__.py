"""Notices: what waits for people, and what became of messages, is told to webhooks, by an outbox that loses nothing."""

from __future__ import annotations

from triage.notices.outbox import (
    approval_subject,
    notify,
    notify_approval,
    notify_refund,
    notify_reply,
    notify_run,
    notify_ticket,
)

__all__ = [
    "approval_subject",
    "notify",
    "notify_approval",
    "notify_refund",
    "notify_reply",
    "notify_run",
    "notify_ticket",
]
