"""Notices: what waits, is due soon, expired or was decided is told to webhooks, by an outbox that loses nothing."""

from __future__ import annotations

from triage.notices.outbox import approval_subject, notify, notify_approval

__all__ = ["approval_subject", "notify", "notify_approval"]
