"""How the console says what the audit log holds: each action in words, with its icon."""

from __future__ import annotations

from typing import NamedTuple

from pages.components.words import words


class ActionWords(NamedTuple):
    """An action in words, said of what was done, and its Material symbol."""

    text: str
    icon: str


_ACTIONS = {
    "approval.claimed": ActionWords("Approval claimed", ":material/lock:"),
    "approval.released": ActionWords("Approval released", ":material/lock_open:"),
    "approval.escalated": ActionWords("Overdue action escalated", ":material/priority_high:"),
    "approval.endorsed": ActionWords("Approved by the first of two", ":material/done:"),
    "approval.approved": ActionWords("Action approved", ":material/check_circle:"),
    "approval.edited": ActionWords("Action edited and approved", ":material/edit:"),
    "approval.rejected": ActionWords("Action rejected", ":material/cancel:"),
    "approval.answered": ActionWords("Question answered", ":material/forum:"),
    "approval.expired": ActionWords("Approval expired", ":material/timer_off:"),
    "approval.cancelled": ActionWords("Approval cancelled with its run", ":material/do_not_disturb_on:"),
    "action.reconciled": ActionWords("Unknown outcome cleared up", ":material/fact_check:"),
    "action.reversed": ActionWords("Action marked as reversed", ":material/undo:"),
    "policy.saved": ActionWords("Policy changed", ":material/policy:"),
    "policy.promoted": ActionWords("Rule made automatic", ":material/trending_up:"),
    "policy.demoted": ActionWords("Rule returned to approval", ":material/trending_down:"),
    "switch.set": ActionWords("Switched off", ":material/pause_circle:"),
    "switch.cleared": ActionWords("Switched on again", ":material/play_circle:"),
    "webhook.added": ActionWords("Webhook added", ":material/webhook:"),
    "webhook.tested": ActionWords("Webhook tested", ":material/webhook:"),
    "webhook.sent_again": ActionWords("Notice sent again", ":material/forward_to_inbox:"),
    "webhook.switched_on": ActionWords("Webhook switched on", ":material/webhook:"),
    "webhook.switched_off": ActionWords("Webhook switched off", ":material/webhook:"),
    "webhook.secret_renewed": ActionWords("Webhook's secret renewed", ":material/key:"),
    "webhook.deleted": ActionWords("Webhook deleted", ":material/delete:"),
    "alert_rule.added": ActionWords("Alert rule added", ":material/notifications:"),
    "alert_rule.changed": ActionWords("Alert rule changed", ":material/notifications:"),
    "alert_rule.removed": ActionWords("Alert rule removed", ":material/delete:"),
    "budget.changed": ActionWords("Budget changed", ":material/savings:"),
    "run.cancelled": ActionWords("Run cancelled", ":material/cancel:"),
    "run.taken_over": ActionWords("Taken over by a person", ":material/back_hand:"),
    "run.retried": ActionWords("Run again", ":material/replay:"),
    "run.restarted": ActionWords("Run again after an upgrade", ":material/restart_alt:"),
    "run.released": ActionWords("Blocked message released", ":material/lock_open:"),
    "trip.marked": ActionWords("Guardrail trip marked", ":material/rule:"),
    "case.added": ActionWords("Evaluation case made", ":material/library_add:"),
    "cases.exported": ActionWords("Evaluation cases exported", ":material/download:"),
    "escalated": ActionWords("Escalated", ":material/priority_high:"),
    "label.corrected": ActionWords("Label corrected", ":material/edit_note:"),
    "reply.edited": ActionWords("Reply edited", ":material/edit:"),
    "reply.sent": ActionWords("Reply sent", ":material/mark_email_read:"),
    "samples.loaded": ActionWords("Sample records loaded", ":material/science:"),
    "samples.removed": ActionWords("Sample records removed", ":material/delete:"),
    "audit.exported": ActionWords("Audit log exported", ":material/download:"),
    "audit.sealed": ActionWords("Audit log sealed anew", ":material/approval_delegation:"),
    "token.created": ActionWords("Token made", ":material/key:"),
    "token.revoked": ActionWords("Token revoked", ":material/key_off:"),
    "token.used": ActionWords("Token used", ":material/vpn_key:"),
    "token.refused": ActionWords("Token refused", ":material/gpp_bad:"),
    "sign_in.begun": ActionWords("Signed in", ":material/login:"),
    "sign_in.ended": ActionWords("Signed out", ":material/logout:"),
    "sign_in.refused": ActionWords("Sign-in without a role refused", ":material/no_accounts:"),
    "customer.erasure_asked": ActionWords("Erasure of a customer asked for", ":material/delete_forever:"),
    "customer.erased": ActionWords("Customer erased", ":material/delete_forever:"),
    "data.backup_asked": ActionWords("Backup asked for", ":material/archive:"),
    "data.backed_up": ActionWords("Data backed up", ":material/archive:"),
    "data.retention_asked": ActionWords("Removal of what is due asked for", ":material/auto_delete:"),
    "data.retention_applied": ActionWords("What was due removed", ":material/auto_delete:"),
    "traces.export_asked": ActionWords("Export of traces asked for", ":material/download:"),
    "traces.exported": ActionWords("Traces exported", ":material/download:"),
    "data.job_failed": ActionWords("Work on the data failed", ":material/error:"),
    "traces.export_downloaded": ActionWords("Export downloaded", ":material/download:"),
    "traces.import_asked": ActionWords("Import of traces asked for", ":material/upload:"),
    "traces.imported": ActionWords("Traces imported", ":material/upload:"),
}
_SUBJECTS = {
    "approval": "Approval",
    "audit": "Audit log",
    "customer": "Customer",
    "data": "Data",
    "job": "Job",
    "run": "Run",
    "samples": "Sample records",
    "sign_in": "Sign-in",
}


def action_words(action: str) -> ActionWords:
    """Return an action in words; one that is new here is said as it is written."""
    return _ACTIONS.get(action) or ActionWords(words(action), ":material/history:")


def subject_words(kind: str, subject_id: str) -> str:
    """Return what an entry is about: its kind in words and its id."""
    named = "" if subject_id == "all" else subject_id
    return f"{_SUBJECTS.get(kind) or words(kind)} {named}".strip()


def short_subject(kind: str, subject_id: str) -> str:
    """Return the same for a narrow list: an id that says its kind stands alone."""
    return subject_id if subject_id.startswith(("run_", "apr_")) else subject_words(kind, subject_id)
